"""Imports as jobs: paused, gone on with after a restart, ended from elsewhere, never half lost."""

from __future__ import annotations

import errno
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from album import database
from album.errors import AlbumError
from album.service import Album
from tests.fakes import DecodeHere
from tests.images.make import make_photo
from tests.importing import PATIENCE_S, ended, opened, report_of, take_in, upload, wait_until

PHOTOS = 150


@pytest.fixture
def folder(tmp_path) -> Path:
    for number in range(PHOTOS):
        make_photo(tmp_path / "mine" / f"{number:03}.png", (number, 0, 0))
    return tmp_path / "mine"


@pytest.fixture
def slow(monkeypatch) -> threading.Event:
    """Decoding takes its time until this is set."""
    quick = threading.Event()
    decode = DecodeHere.decode

    def decode_slowly(self, path, encoder_px, sidecars=()):
        quick.wait(0.02)
        return decode(self, path, encoder_px, sidecars)

    monkeypatch.setattr(DecodeHere, "decode", decode_slowly)
    return quick


def begun(album: Album, folder: Path) -> int:
    """An import in the background that has some photos in and many to come."""
    import_id = album.imports.start([folder])
    wait_until(lambda: album.imports.get(import_id).added)
    return import_id


def assert_all_in_once(album: Album, import_id: int) -> None:
    record = report_of(album, import_id).record
    assert (record.state, record.total, record.done) == ("done", PHOTOS, PHOTOS)
    assert record.added == PHOTOS == album.store.count()
    assert list(album.faults(deep=True)) == []


def test_a_paused_import_stays_paused_over_a_restart_and_goes_on_where_it_was(
    tmp_path, folder, slow
):
    album = opened(tmp_path / "data")
    import_id = begun(album, folder)

    album.imports.pause(import_id)
    paused = ended(album, import_id).record
    assert paused.state == "paused"
    assert 0 < paused.done < PHOTOS
    assert album.store.count() == paused.added
    album.close()

    album = opened(tmp_path / "data")
    album.start()
    assert album.imports.running.import_id == import_id
    assert album.imports.wait(import_id, 0)
    assert album.imports.get(import_id).state == "paused"

    slow.set()
    album.imports.resume(import_id)
    ended(album, import_id)
    assert_all_in_once(album, import_id)
    album.close()


def test_an_import_that_closing_interrupted_goes_on_at_the_next_start(tmp_path, folder, slow):
    album = opened(tmp_path / "data")
    import_id = begun(album, folder)
    album.close()

    slow.set()
    album = opened(tmp_path / "data")
    assert 0 < album.store.count() < PHOTOS
    album.start()
    ended(album, import_id)

    assert_all_in_once(album, import_id)
    album.close()


def test_whoever_opens_the_library_can_pause_an_import_that_another_runs(tmp_path, folder, slow):
    album, elsewhere = opened(tmp_path / "data"), opened(tmp_path / "data")
    import_id = begun(album, folder)

    assert elsewhere.imports.running.import_id == import_id
    elsewhere.imports.go_on()  # takes nothing from who is at work on it
    elsewhere.imports.pause(import_id)
    ended(album, import_id)
    assert elsewhere.imports.get(import_id).state == "paused"

    slow.set()
    elsewhere.imports.resume(import_id)
    ended(elsewhere, import_id)
    assert_all_in_once(album, import_id)
    album.close()
    elsewhere.close()


def lock_files(data_dir: Path) -> list[str]:
    return sorted(it.name for it in (data_dir / "imports").glob("[0-9]*"))


def test_the_lock_of_an_import_is_gone_when_nobody_works_on_it(tmp_path, folder, slow):
    album = opened(tmp_path / "data")
    import_id = begun(album, folder)
    assert lock_files(tmp_path / "data") == [f"{import_id}.lock"]

    album.imports.pause(import_id)
    ended(album, import_id)
    assert lock_files(tmp_path / "data") == []
    album.imports.cancel(import_id)
    slow.set()
    album.imports.run([folder])

    assert lock_files(tmp_path / "data") == []
    album.close()


def test_locks_that_a_kill_left_go_at_the_next_start(tmp_path):
    opened(tmp_path / "data").close()
    (tmp_path / "data" / "imports" / "7.lock").touch()

    album = opened(tmp_path / "data")
    album.start()

    assert lock_files(tmp_path / "data") == []
    album.close()


def test_a_lock_whose_file_is_taken_away_again_and_again_has_one_holder(album):
    """Many claim one import at once, each for a moment: never two of them have it."""
    holders, most, claims = [], [], []

    def claim() -> None:
        for _ in range(300):
            with album.imports._claimed(1) as claimed:
                if claimed:
                    holders.append(1)
                    most.append(len(holders))
                    claims.append(1)
                    time.sleep(0)
                    holders.pop()

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert max(most) == 1
    assert claims
    assert lock_files(album.data_dir) == []


def test_two_cannot_work_on_one_import(tmp_path, folder, slow):
    album, elsewhere = opened(tmp_path / "data"), opened(tmp_path / "data")
    import_id = begun(album, folder)

    with pytest.raises(AlbumError, match="worked on by another process"):
        elsewhere.imports.go_on_here(import_id)

    slow.set()
    ended(album, import_id)
    assert_all_in_once(album, import_id)
    album.close()
    elsewhere.close()


@pytest.mark.parametrize("how", ["run", "upload"])
def test_a_start_in_the_very_moment_of_an_import_does_not_take_it_away(
    tmp_path, folder, monkeypatch, how
):
    album, other = opened(tmp_path / "data"), opened(tmp_path / "data")
    begin, others = album.import_store.begin, []

    def begin_beside_a_start(*what):
        import_id = begin(*what)
        others.append(threading.Thread(target=other.imports.go_on))
        others[0].start()
        others[0].join(1)  # long enough for it to begin, were it free to
        return import_id

    monkeypatch.setattr(album.import_store, "begin", begin_beside_a_start)
    if how == "run":
        import_id = take_in(album, [folder]).record.import_id
    else:
        import_id = upload(album, [(file, file.name) for file in folder.iterdir()]).record.import_id
    others[0].join()
    assert other.imports.wait(import_id, PATIENCE_S)

    record = report_of(album, import_id).record
    assert (record.state, record.added, album.store.count()) == ("done", PHOTOS, PHOTOS)
    other.close()
    album.close()


def test_an_import_can_be_cancelled_before_its_turn_and_while_nobody_works_on_it(
    tmp_path, folder, slow
):
    album = opened(tmp_path / "data")
    first = begun(album, folder)
    second = album.imports.start([make_photo(tmp_path / "more" / "a.png", "blue")])
    album.imports.cancel(second)
    album.imports.pause(first)
    ended(album, first)
    ended(album, second)
    album.imports.cancel(first)

    assert [record.state for record in album.imports.recent(5)] == ["cancelled", "cancelled"]
    assert album.imports.running is None
    assert "a.png" not in [photo.filename for photo in album.store.all_photos()]
    album.close()


def test_asking_twice_for_the_same_folder_makes_one_import(tmp_path, folder, slow):
    album = opened(tmp_path / "data")
    import_id = begun(album, folder)

    assert album.imports.start([folder]) == import_id

    slow.set()
    ended(album, import_id)
    album.close()


def test_the_report_stays_with_its_failures_and_they_can_be_tried_again(album, tmp_path):
    broken = tmp_path / "mine" / "broken.jpg"
    make_photo(tmp_path / "mine" / "good.jpg", "red")
    broken.write_text("no photo")
    report = take_in(album, [tmp_path / "mine"])
    broken.unlink()
    make_photo(broken, "blue")

    again = ended(album, album.imports.retry(report.record.import_id))

    assert (again.record.total, len(again.added)) == (1, 1)
    assert report_of(album, report.record.import_id).failed_names == ["broken.jpg"]


def test_captions_that_were_wanted_with_an_upload_are_queued_after_a_restart(tmp_path, slow):
    paths = [make_photo(tmp_path / "up" / f"{n}.png", (0, n, 0)) for n in range(PHOTOS)]
    album = opened(tmp_path / "data")
    import_id = album.upload([(path, path.name) for path in paths], caption_language="ko")
    wait_until(lambda: album.imports.get(import_id).added)
    album.close()

    slow.set()
    album = opened(tmp_path / "data")
    album.imports.go_on()
    ended(album, import_id)

    assert_all_in_once(album, import_id)
    assert album.caption_store.counts()[1] == PHOTOS
    album.close()


# What the world does to an import


def test_a_full_disk_ends_in_a_sentence_and_loses_nothing(tmp_path, folder):
    album = opened(tmp_path / "data")
    take_in(album, [make_photo(tmp_path / "first.png", "blue")])
    # SQLite's own limit on the size of the file fails in the way a full disk does.
    pages = album.database.connection.execute("PRAGMA page_count").fetchone()[0]
    album.database.connection.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(AlbumError, match="The disk of the album is full"):
        take_in(album, [folder])
    assert album.imports.recent(1)[0].state == "failed"
    album.close()

    album = opened(tmp_path / "data")
    assert list(album.faults(deep=True)) == []
    (record, _) = album.imports.recent(5)
    album.imports.resume(record.import_id)
    ended(album, record.import_id)
    assert album.store.count() == PHOTOS + 1
    assert list(album.faults(deep=True)) == []
    album.close()


def test_a_disk_with_no_room_for_a_copy_ends_in_a_sentence_too(tmp_path, folder, monkeypatch):
    album = opened(tmp_path / "data")

    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(album.originals, "write_cache", full)
    with pytest.raises(AlbumError, match="The disk of the album is full"):
        take_in(album, [folder], copy=True)

    assert album.imports.recent(1)[0].failed == 0
    assert not [it for it in album.originals.incoming_dir.rglob("*") if it.is_file()]
    monkeypatch.undo()
    album.imports.resume(1)
    ended(album, 1)
    assert_all_in_once(album, 1)
    album.close()


def test_an_upload_waits_for_room_on_the_disk_and_is_not_lost(tmp_path, monkeypatch):
    path = make_photo(tmp_path / "a.png", "red")
    album = opened(tmp_path / "data")

    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(album.originals, "write_cache", full)
    report = upload(album, [(path, "a.png")])
    assert report.record.state == "failed"
    assert "disk of the album is full" in report.record.problem

    monkeypatch.undo()
    album.imports.resume(report.record.import_id)
    assert len(ended(album, report.record.import_id).added) == 1
    album.close()


def test_a_database_that_another_program_keeps_to_itself_ends_in_a_sentence(
    tmp_path, folder, monkeypatch
):
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.2)
    album = opened(tmp_path / "data")
    import_id = album.import_store.begin("in place", [folder])
    other = sqlite3.connect(tmp_path / "data" / "album.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(AlbumError, match="Another program keeps the album's database to itself"):
        album.imports.go_on_here(import_id)

    assert album.imports.get(import_id).state == "failed"  # though it could not be written down
    other.execute("ROLLBACK")
    other.close()
    album.close()
    album = opened(tmp_path / "data")
    album.start()
    ended(album, import_id)
    assert_all_in_once(album, import_id)
    album.close()


def test_a_library_on_a_disk_that_cannot_be_written_says_so(tmp_path):
    """As somebody who has no right to write there: root may write anywhere."""
    data_dir = tmp_path / "data"
    opened(data_dir).close()
    for path in (data_dir, *data_dir.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    for parent in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        parent.chmod(0o755)
    program = (
        "import os, sys; from pathlib import Path\n"
        "from album.service import Album; from album.errors import AlbumError\n"
        "if os.getuid() == 0: os.seteuid(65534)\n"  # now, for what it runs may be root's alone
        "try: Album(Path(sys.argv[1]), None, None)\n"
        "except AlbumError as error: print(error)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, data_dir],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )

    assert "Traceback" not in done.stderr, done.stderr
    assert "cannot be" in done.stdout
    assert done.stdout.count("\n") == 1
