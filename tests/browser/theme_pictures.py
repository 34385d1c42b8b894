"""Pictures of the themes and of the map, to look at before they are called done.

    .venv/bin/python -m tests.browser.theme_pictures [PHOTOS]

writes tests/browser/screenshots/<view>-<width>-<language>-<theme>.png, of made-up photos and those
that Gradio ships. Pictures of PHOTOS, a folder of one's own, go to the folder for temporary files.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from tests.browser.conftest import PATIENCE_MS, launch
from tests.browser.test_discovering import fill
from tests.support.served_album import ROOT, SAMPLES, served_album

TARGET = Path(__file__).with_name("screenshots")
LOOKS = (("1280", "ko", "light"), ("390", "en", "dark"))
VIEWS = {"themes": "#discover a.theme img", "map": "#discover canvas[data-ready]"}
SETTLING_MS = 4000


def main() -> None:
    """Take them all again."""
    expect.set_options(timeout=PATIENCE_MS)
    work = Path(tempfile.mkdtemp())
    photos, target = work / "photos", TARGET
    if len(sys.argv) > 1:
        photos, target = Path(sys.argv[1]), work
    else:
        fill(photos)
        for sample in SAMPLES.glob("*.jpg"):
            shutil.copy(sample, photos)
    env = {**os.environ, "ALBUM_DATA_DIR": str(work / "data"), "ALBUM_MODEL": "pocket"}
    for words in (("import", str(photos)), ("themes",)):
        subprocess.run([sys.executable, "-m", "album", *words], cwd=ROOT, env=env, check=True)
    with sync_playwright() as playwright, served_album(work) as served:
        browser = launch(playwright)
        if browser is None:
            sys.exit("There is no Chromium here.")
        for width, language, theme in LOOKS:
            context = browser.new_context(
                locale={"ko": "ko-KR", "en": "en-US"}[language],
                color_scheme="dark" if theme == "dark" else "light",
                viewport={"width": int(width), "height": 860},
            )
            page = context.new_page()
            for view, ready in VIEWS.items():
                page.goto(f"{served.url}/?view={view}")
                expect(page.locator(ready).first).to_be_visible()
                page.wait_for_timeout(SETTLING_MS)
                picture = target / f"{view}-{width}-{language}-{theme}.png"
                page.screenshot(path=picture, full_page=view == "themes" and width == "1280")
                sys.stdout.write(f"{picture}\n")
            context.close()


if __name__ == "__main__":
    main()
