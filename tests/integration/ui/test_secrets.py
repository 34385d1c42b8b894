"""The key and the password are nowhere but where they were set."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from gradio_client import Client

from album.captioning.captions import CaptionPace
from album.domain.captions import CaptionSelection
from album.service import Album
from album.settings import Settings
from models.captioners.gemini import GeminiCaptioner
from models.classifiers.factory import DefaultClassifiers
from models.errors import ModelError
from models.interfaces import Turn
from tests.support.fakes import DecodeHere, FakeEncoder
from tests.support.gemini_server import Answer, GeminiServer, error
from tests.support.images.make import make_photo
from tests.support.importing import take_in, wait_until
from tests.support.served_album import ServedAlbum, served_album

KEY = "AIzaNobodyMayEverSeeThisKey-0123456789wxyz"
TELLING = f"API key {KEY} is not valid"
ANSWERS = (
    error(400, message=TELLING),
    error(401, "API_KEY_INVALID", message=TELLING),
    error(403, message=TELLING),
    error(429, retry_delay="0.01s", message=TELLING),
    error(500, message=TELLING),
    Answer(200, TELLING.encode(), "text/html"),
    Answer(302, location=f"http://127.0.0.1:1/?key={KEY}"),
    Answer(drop=True),
)


def seen(said: str) -> bool:
    """Whether more of the key is told than its last four characters."""
    return KEY in said or KEY[:-4] in said or KEY[4:20] in said or "secret-word" in said


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda it: it.status)
def test_key_is_in_no_log_or_database(tmp_path, towns, caplog, answer):
    caplog.set_level(logging.DEBUG)
    with GeminiServer() as server:
        captioner = GeminiCaptioner(KEY, "gemini-test", server.url, timeout_s=5)
        pace = CaptionPace(per_minute=100, first_delay_s=0.0)
        album = Album(
            tmp_path / "data",
            DefaultClassifiers(),
            captioner,
            decoder=DecodeHere(),
            caption_pace=pace,
        )
        album.active.set_encoder(FakeEncoder(), fill=False)
        (photo_id,) = take_in(album, [make_photo(tmp_path / "a.jpg")]).added
        server.respond = lambda request, earlier: answer
        said = [repr(captioner), repr(album.captions.progress())]
        job_id = album.captions.start_job(CaptionSelection(), ["en"])
        album.captions.drain()
        said += [repr(album.captions.job(job_id)), repr(album.captions.failures(job_id))]
        for ask in (
            lambda: album.captions.answer(photo_id, (Turn("person", "Who?"),), "en"),
            lambda: album.translate("강아지"),
        ):
            try:
                ask()
            except ModelError as failed:
                said += traceback.format_exception(failed, chain=True)
                said += [repr(vars(failed)), repr(failed.__context__)]
        album.close()

    said += [record.getMessage() for record in caplog.records]
    said += [path.read_bytes().decode("latin-1") for path in (tmp_path / "data").glob("album.db*")]
    assert len(said) > 5
    assert not [it for it in said if seen(it)]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAlbum]:
    folder = tmp_path_factory.mktemp("secret")
    make_photo(folder / "photos" / "red.jpg")
    key_file = folder / "key"
    key_file.write_text(KEY)
    key_file.chmod(0o600)
    with (
        GeminiServer() as server,
        served_album(
            folder,
            warm=False,
            ALBUM_FOLDERS=str(folder / "photos"),
            ALBUM_GEMINI_KEY_FILE=str(key_file),
            ALBUM_GEMINI_ENDPOINT=server.url,
            ALBUM_LOG_LEVEL="DEBUG",
        ) as album,
    ):
        server.respond = lambda request, earlier: ANSWERS[len(server.requests) % len(ANSWERS)]
        yield album


def test_key_is_in_no_response_or_server_log(served: ServedAlbum) -> None:
    client: Client = served.client()
    said: list[str] = []
    wait_until(lambda: client.predict(api_name="/album_status")["photos"])
    for address in ("", "config", "gradio_api/info", "gradio_api/openapi.json"):
        with urlopen(f"{served.url}/{address}", timeout=30) as answer:
            said.append(answer.read().decode())
    for endpoint in ("/album_status", "/search_photos", "/album_labels"):
        said.append(json.dumps(client.predict(api_name=endpoint)))
    for _ in range(4):
        try:
            said.append(json.dumps(client.predict(1, "en", api_name="/caption_photo")))
        except Exception as failed:  # noqa: BLE001  # whatever the client makes of it
            said += traceback.format_exception(failed)
    said.append(json.dumps(client.predict(1, api_name="/photo_details")))
    said.append(served.said())

    assert "config" in said[1] or "components" in said[1]
    assert any("Gemini" in it for it in said[-12:])
    assert not [it for it in said if seen(it)]


def test_settings_do_not_tell_them(tmp_path: Path) -> None:
    settings = Settings.from_env({"GEMINI_API_KEY": KEY, "ALBUM_LOGIN": "me:secret-word"})

    assert settings.gemini_api_key == KEY
    assert not seen(repr(settings))
    assert not seen(str(settings))
