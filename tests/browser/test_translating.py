"""A model that cannot read Korean: the page says so, and offers to translate, by a button alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from models.clip.spec import CONFIG_FILE, POCKET_DIR, WEIGHTS_FILE
from tests.browser.conftest import OpenPage
from tests.support.gemini_server import GeminiServer
from tests.support.served_album import SAMPLES, ServedAlbum, served_album

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def gemini() -> Iterator[GeminiServer]:
    with GeminiServer() as server:
        server.text = "a lion"
        yield server


@pytest.fixture(scope="module")
def english(
    tmp_path_factory: pytest.TempPathFactory, gemini: GeminiServer
) -> Iterator[ServedAlbum]:
    """An album whose model is not known to read anything but English."""
    folder = tmp_path_factory.mktemp("english")
    config = json.loads((POCKET_DIR / CONFIG_FILE).read_text())["model_cfg"]
    config["text_cfg"]["hf_tokenizer_name"] = "bert-base-uncased"
    (folder / "english-clip.json").write_text(json.dumps(config))
    weights = folder / "english.safetensors"
    shutil.copy(POCKET_DIR / WEIGHTS_FILE, weights)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(POCKET_DIR / name, folder)
    with served_album(
        folder,
        ALBUM_MODEL=f"english-clip/{weights}",
        ALBUM_FOLDERS=str(SAMPLES),
        GEMINI_API_KEY="a-key",
        ALBUM_GEMINI_ENDPOINT=gemini.url,
    ) as served:
        yield served


def test_korean_text_is_translated_on_request(
    english: ServedAlbum, gemini: GeminiServer, open_page: OpenPage
) -> None:
    page = open_page(english, "ko-KR")
    expect(page.locator("#status")).to_contain_text("사진 9장")

    page.locator("#query input").fill("사자")
    page.locator("#query input").press("Enter")

    expect(page.get_by_text("한국어를 읽지 못", exact=False).first).to_be_visible()
    assert gemini.requests == []  # never by itself

    page.get_by_role("button", name="Gemini로 번역하기").click()

    expect(page.locator("#query input")).to_have_value("a lion")
    expect(page.locator("#translate")).to_be_hidden()
    expect(page.locator("#results button").first).to_be_visible()
    (request,) = gemini.requests
    assert "사자" in request.text
