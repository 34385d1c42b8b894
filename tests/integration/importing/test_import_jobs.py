"""Imports as jobs: paused, gone on with after a restart, ended from elsewhere, never half lost."""

from __future__ import annotations

import errno
import sqlite3
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest

from album.errors import AlbumError
from album.service import Album
from album.storage import database
from models.classifiers.factory import DefaultClassifiers
from tests.support.fakes import DecodeHere, FakeCaptioner
from tests.support.images.make import make_photo, make_text
from tests.support.importing import (
    PATIENCE_S,
    ended,
    opened,
    report_of,
    take_in,
    upload,
    wait_until,
)

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
        quick.wait(0.06)
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


def test_paused_import_survives_restart_and_resumes(tmp_path, folder, slow):
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


def test_import_resumes_at_start_after_closing(tmp_path, folder, slow):
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


def test_import_waiting_for_model_resumes_after_closing(tmp_path, folder):
    album = Album(tmp_path / "data", DefaultClassifiers(), FakeCaptioner(), decoder=DecodeHere())
    import_id = album.imports.start([folder])
    wait_until(lambda: album.imports.get(import_id).state == "running")
    album.close()

    album = opened(tmp_path / "data")
    assert album.imports.get(import_id).state == "waiting"
    album.start()
    ended(album, import_id)
    assert_all_in_once(album, import_id)
    album.close()


def test_import_can_be_paused_by_another_process(tmp_path, folder, slow):
    album, elsewhere = opened(tmp_path / "data"), opened(tmp_path / "data")
    import_id = begun(album, folder)

    assert elsewhere.imports.running.import_id == import_id
    elsewhere.imports.resume_unfinished()  # takes nothing from who is at work on it
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


def test_import_lock_is_removed_after_the_work(tmp_path, folder, slow):
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


def test_locks_of_killed_process_go_at_start(tmp_path):
    opened(tmp_path / "data").close()
    (tmp_path / "data" / "imports" / "7.lock").touch()

    album = opened(tmp_path / "data")
    album.start()

    assert lock_files(tmp_path / "data") == []
    album.close()


def test_deleted_lock_file_has_one_holder(album):
    """Many claim one import at once, each for a moment: never two of them have it."""
    holders, most, claims = [], [], []

    def claim() -> None:
        for _ in range(300):
            with album.imports._locks.claim(1) as claimed:
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
        elsewhere.imports.resume_here(import_id)

    slow.set()
    ended(album, import_id)
    assert_all_in_once(album, import_id)
    album.close()
    elsewhere.close()


@pytest.mark.parametrize("how", ["run", "upload"])
def test_start_of_album_leaves_new_import_alone(tmp_path, folder, monkeypatch, how):
    album, other = opened(tmp_path / "data"), opened(tmp_path / "data")
    begin, others = album.import_store.begin, []

    def begin_beside_a_start(*what):
        import_id = begin(*what)
        others.append(threading.Thread(target=other.imports.resume_unfinished))
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


def test_import_can_be_cancelled_while_nobody_works(tmp_path, folder, slow):
    """Also before its turn comes."""
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


def begun_before(album: Album, tmp_path: Path, folder: Path) -> tuple[int, int]:
    """An import at work, and an upload that waits for its turn."""
    first = begun(album, folder)
    blue = make_photo(tmp_path / "sent" / "blue.png", "blue")
    beside = make_text(tmp_path / "sent" / "blue.png.xmp")
    waiting = album.upload([(blue, blue.name), (beside, beside.name)])
    wait_until(lambda: not album.imports._locks.is_free(waiting))  # its thread waits for the turn
    return first, waiting


def arrived(album: Album) -> list[Path]:
    return [it for it in album.originals.incoming_dir.rglob("*") if it.is_file()]


@pytest.mark.parametrize("asked", ["waiting", "paused"])
def test_cancelled_upload_leaves_no_file(tmp_path, folder, slow, asked):
    album = opened(tmp_path / "data")
    first, waiting = begun_before(album, tmp_path, folder)
    assert len(arrived(album)) == 2
    if asked == "paused":
        album.imports.pause(waiting)
        album.imports.pause(first)
        ended(album, waiting)
        assert len(arrived(album)) == 2  # a pause promises to go on
    album.imports.cancel(waiting)
    album.imports.pause(first)
    ended(album, first)
    ended(album, waiting)

    assert album.imports.get(waiting).state == "cancelled"
    assert arrived(album) == []

    slow.set()
    with pytest.raises(AlbumError, match="upload them again"):
        album.imports.resume(waiting)
    with pytest.raises(AlbumError, match="upload them again"):
        album.imports.resume_here(waiting)
    assert album.imports.get(waiting).state == "cancelled"
    album.close()


def test_cancel_withdrawn_in_time_loses_no_upload(tmp_path, folder, slow):
    album = opened(tmp_path / "data")
    first, waiting = begun_before(album, tmp_path, folder)
    album.imports.cancel(waiting)
    album.imports.resume(waiting)
    album.imports.pause(first)
    slow.set()
    ended(album, first)
    ended(album, waiting)

    assert report_of(album, waiting).record.added == 1
    assert arrived(album) == []
    album.close()


def test_restart_brings_no_cancelled_upload_back(tmp_path):
    """A kill came between the row of the import and its files."""
    album = opened(tmp_path / "data")
    source = make_photo(tmp_path / "sent" / "blue.png", "blue")
    cancelled = album.import_store.begin("upload", [])
    album.originals.receive_upload(source, "blue.png", import_id=cancelled)
    album.import_store.set_state(cancelled, "cancelled")
    album.close()

    album = opened(tmp_path / "data")
    album.start()

    assert [it.import_id for it in album.imports.recent(5)] == [cancelled]
    assert arrived(album) == []
    album.close()


def test_same_folder_twice_makes_one_import(tmp_path, folder, slow):
    album = opened(tmp_path / "data")
    import_id = begun(album, folder)

    assert album.imports.start([folder]) == import_id

    slow.set()
    ended(album, import_id)
    album.close()


def at_the_end(album: Album, monkeypatch, happens) -> None:
    """Have something happen once when an import has noticed that it is to end."""
    end, left = album.importer._end, [happens]

    def end_after(*given):
        while left:
            left.pop()()
        return end(*given)

    monkeypatch.setattr(album.importer, "_end", end_after)


@pytest.mark.parametrize("asked", ["pause", "cancel"])
@pytest.mark.parametrize("by", ["the same", "another"])
def test_resume_works_while_import_is_pausing(tmp_path, folder, slow, monkeypatch, asked, by):
    album, elsewhere = opened(tmp_path / "data"), opened(tmp_path / "data")
    resuming = album if by == "the same" else elsewhere
    import_id = begun(album, folder)
    at_the_end(album, monkeypatch, lambda: resuming.imports.resume(import_id))

    getattr(album.imports, asked)(import_id)
    slow.set()

    assert elsewhere.imports.wait(import_id, PATIENCE_S)
    ended(album, import_id)
    assert_all_in_once(album, import_id)
    elsewhere.close()
    album.close()


def test_resume_works_right_after_pause(tmp_path, folder, slow, monkeypatch):
    """Its thread is still there, but has nothing more to do with it."""
    album = opened(tmp_path / "data")
    import_id = begun(album, folder)
    enter = album.import_store.set_state

    def enter_and_resume(import_id, state, **how):
        enter(import_id, state, **how)
        if state == "paused":
            album.imports.resume(import_id)

    monkeypatch.setattr(album.import_store, "set_state", enter_and_resume)

    album.imports.pause(import_id)
    slow.set()

    wait_until(lambda: album.imports.get(import_id).state != "running")
    ended(album, import_id)
    assert_all_in_once(album, import_id)
    album.close()


def test_resume_works_right_after_failure(album, folder, monkeypatch):
    work, failing = album.importer.work, [AlbumError("The disk of the album is full.")]
    enter_failed = album.imports._enter_failed

    def work_later(*given, **how):
        if failing:
            raise failing.pop()
        work(*given, **how)

    def enter_and_resume(import_id, problem):
        enter_failed(import_id, problem)
        album.imports.resume(import_id)

    monkeypatch.setattr(album.importer, "work", work_later)
    monkeypatch.setattr(album.imports, "_enter_failed", enter_and_resume)

    import_id = album.imports.start([folder])

    wait_until(lambda: not failing)
    ended(album, import_id)
    assert_all_in_once(album, import_id)


def test_second_start_finds_files_added_meanwhile(tmp_path, folder, slow):
    album, elsewhere = opened(tmp_path / "data"), opened(tmp_path / "data")
    import_id = begun(album, folder)
    make_photo(folder / "0000.png", "blue")

    assert album.imports.start([folder]) == import_id
    assert elsewhere.imports.start([folder], "rescan") == import_id

    slow.set()
    record = ended(album, import_id).record
    assert (record.state, record.requested_state) == ("done", "run")
    assert (record.total, record.done, record.added) == (PHOTOS + 1, PHOTOS + 1, PHOTOS + 1)
    elsewhere.close()
    album.close()


# Imports whose process has ended


def left_behind(album: Album, folder: Path) -> int:
    """An import that a killed process leaves: its row says that it runs."""
    import_id = album.import_store.begin("in place", [folder])
    album.import_store.set_state(import_id, "running")
    return import_id


def test_import_without_worker_is_interrupted(album, folder):
    import_id = left_behind(album, folder)

    assert album.imports.get(import_id).state == "interrupted"
    assert [it.state for it in album.imports.recent(5)] == ["interrupted"]
    assert album.imports.running.state == "interrupted"
    assert album.status().importing is None
    album.imports.resume(import_id)
    ended(album, import_id)
    assert_all_in_once(album, import_id)


def test_import_of_another_process_is_running(tmp_path, folder, slow):
    album, elsewhere = opened(tmp_path / "data"), opened(tmp_path / "data")
    import_id = begun(album, folder)

    assert {elsewhere.imports.get(import_id).state for _ in range(20)} == {"running"}

    slow.set()
    ended(album, import_id)
    assert_all_in_once(album, import_id)
    elsewhere.close()
    album.close()


def test_interrupted_import_can_be_paused_cancelled_restarted(album, folder, tmp_path):
    first = left_behind(album, folder)
    album.imports.pause(first)
    assert album.imports.get(first).state == "paused"
    album.imports.cancel(first)
    assert album.imports.get(first).state == "cancelled"
    second = left_behind(album, folder)

    assert album.imports.start([folder]) == second

    ended(album, second)
    assert_all_in_once(album, second)


def test_interrupted_import_is_done_when_another_finishes(album, folder):
    inside, whole = left_behind(album, folder / "inside"), left_behind(album, folder)
    elsewhere = left_behind(album, folder.parent / "elsewhere")
    copying = album.import_store.begin("copy", [folder])
    album.import_store.set_state(copying, "running")

    take_in(album, [folder])

    states = {it.import_id: it.state for it in album.imports.recent(10)}
    assert (states[inside], states[whole]) == ("done", "done")
    assert (states[elsewhere], states[copying]) == ("interrupted", "interrupted")


def test_interrupted_import_is_completed_when_album_opens(tmp_path, folder):
    album = opened(tmp_path / "data")
    import_id = left_behind(album, folder)
    take_in(album, [folder])
    with album.import_store.writing() as db:  # as an earlier version left it
        db.execute("UPDATE imports SET state = 'running' WHERE import_id = ?", (import_id,))
    album.close()

    album = opened(tmp_path / "data")

    assert album.imports.get(import_id).state == "done"
    album.close()


def test_files_of_another_import_are_counted_once(tmp_path, folder, slow):
    album = opened(tmp_path / "data")
    import_id = begun(album, folder)
    album.imports.pause(import_id)
    paused = ended(album, import_id).record
    slow.set()
    others = sorted(folder.iterdir())[:20] + sorted(folder.iterdir())[-20:]
    assert take_in(album, others).record.added == 20

    album.imports.resume(import_id)

    record = ended(album, import_id).record
    assert (record.state, record.total, record.done) == ("done", PHOTOS, PHOTOS)
    assert (record.added, record.already_here) == (PHOTOS - 20, 20)
    assert 0 < paused.added < record.added
    album.close()


def test_resumed_finished_import_counts_each_file_once(album, folder):
    (folder / "twin.png").write_bytes((folder / "000.png").read_bytes())
    make_text(folder / "broken.jpg")
    first = take_in(album, [folder]).record
    take_in(album, [folder])

    again = album.imports.resume_here(first.import_id)

    for record in (first, again):
        assert (record.total, record.done) == (PHOTOS + 2, PHOTOS + 2)
        assert (record.added, record.already_here, record.failed) == (PHOTOS, 1, 1)


def test_photos_of_paused_zip_are_counted_once(tmp_path, folder, slow):
    zipped = tmp_path / "x.zip"
    with zipfile.ZipFile(zipped, "w") as file:
        for path in sorted(folder.iterdir()):
            file.write(path, path.name)
    album = opened(tmp_path / "data")
    import_id = album.upload([(zipped, "x.zip")])
    wait_until(lambda: album.imports.get(import_id).added)
    album.imports.pause(import_id)
    ended(album, import_id)
    slow.set()

    album.imports.resume(import_id)

    record = ended(album, import_id).record
    assert (record.total, record.done) == (PHOTOS, PHOTOS)
    assert (record.added, record.already_here) == (PHOTOS, 0)
    album.close()


def test_changed_files_are_counted_after_pause(tmp_path, folder, slow):
    album = opened(tmp_path / "data")
    import_id = begun(album, folder)
    album.imports.pause(import_id)
    ended(album, import_id)
    slow.set()
    make_photo(folder / "new.png", "blue")
    (folder / "000.png").unlink()

    album.imports.resume(import_id)

    record = ended(album, import_id).record
    assert record.total == record.done == PHOTOS + 1
    album.close()


def test_report_keeps_failures_that_can_be_retried(album, tmp_path):
    broken = tmp_path / "mine" / "broken.jpg"
    make_photo(tmp_path / "mine" / "good.jpg", "red")
    broken.write_text("no photo")
    report = take_in(album, [tmp_path / "mine"])
    broken.unlink()
    make_photo(broken, "blue")

    again = ended(album, album.imports.retry(report.record.import_id))

    assert (again.record.total, len(again.added)) == (1, 1)
    assert report_of(album, report.record.import_id).failed_names == ["broken.jpg"]


def test_captions_of_upload_are_queued_after_restart(tmp_path, slow):
    paths = [make_photo(tmp_path / "up" / f"{n}.png", (0, n, 0)) for n in range(PHOTOS)]
    album = opened(tmp_path / "data")
    import_id = album.upload([(path, path.name) for path in paths], caption_language="ko")
    wait_until(lambda: album.imports.get(import_id).added)
    album.close()

    slow.set()
    album = opened(tmp_path / "data")
    album.imports.resume_unfinished()
    ended(album, import_id)

    assert_all_in_once(album, import_id)
    assert album.caption_store.counts()[1] == PHOTOS
    album.close()


# What the world does to an import


def test_transaction_never_waits_for_photo_disk(album, folder, tmp_path, monkeypatch):
    """It may be slow, and keeps everybody from writing."""
    mine = sorted(folder.iterdir())
    take_in(album, [folder])
    take_in(album, mine[:2], copy=True)
    asked: list[Path] = []
    stat = Path.stat

    def stat_apart(path, **how):
        if folder in path.parents:
            asked.append(path)
            assert not album.database.connection.in_transaction
        return stat(path, **how)

    twin = make_photo(folder / "twin.png", (1, 0, 0))
    assert twin.read_bytes() == mine[1].read_bytes()
    take_in(album, [twin])
    make_photo(mine[1], "yellow")  # edited, and its former bytes are in the twin
    make_photo(mine[2], "pink")  # edited
    mine[3].rename(folder / "moved.png")  # lost and found
    monkeypatch.setattr(Path, "stat", stat_apart)
    record = take_in(album, [folder]).record
    copied = take_in(album, [folder], copy=True).record

    assert asked
    assert (record.state, copied.state) == ("done", "done")
    assert list(album.faults(deep=True)) == []


def test_full_disk_ends_import_and_loses_nothing(tmp_path, folder):
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


def test_copy_fails_with_sentence_when_disk_full(tmp_path, folder, monkeypatch):
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


def test_upload_is_kept_until_disk_has_room(tmp_path, monkeypatch):
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


def test_locked_database_ends_import_with_sentence(tmp_path, folder, monkeypatch):
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.2)
    album = opened(tmp_path / "data")
    import_id = album.import_store.begin("in place", [folder])
    other = sqlite3.connect(tmp_path / "data" / "album.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(AlbumError, match="Another program keeps the album's database to itself"):
        album.imports.resume_here(import_id)

    assert album.imports.get(import_id).state == "failed"  # though it could not be written down
    other.execute("ROLLBACK")
    other.close()
    album.close()
    album = opened(tmp_path / "data")
    album.start()
    ended(album, import_id)
    assert_all_in_once(album, import_id)
    album.close()


def test_read_only_library_says_so(tmp_path):
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
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
    )

    assert "Traceback" not in done.stderr, done.stderr
    assert "cannot be" in done.stdout
    assert done.stdout.count("\n") == 1
