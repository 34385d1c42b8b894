from __future__ import annotations

import os
from pathlib import Path

import pytest

from album.settings import SettingError, Settings


def test_nothing_set_and_blanks_mean_the_defaults():
    settings = Settings.from_env({"ALBUM_MODEL": "  ", "ALBUM_FOLDERS": ""})

    assert settings == Settings.from_env({})
    assert (settings.model, settings.device, settings.login) == ("auto", "auto", None)
    assert settings.data_dir == Path("data").resolve()


def test_every_setting_is_read(tmp_path):
    folders = os.pathsep.join([str(tmp_path / "a b"), str(tmp_path / "사진")])
    settings = Settings.from_env(
        {
            "ALBUM_DATA_DIR": str(tmp_path),
            "ALBUM_FOLDERS": folders,
            "ALBUM_MODEL": "pocket",
            "ALBUM_DEVICE": "cpu",
            "GEMINI_API_KEY": "secret-key",
            "ALBUM_GEMINI_MODEL": "gemini-x",
            "ALBUM_GEMINI_ENDPOINT": "http://127.0.0.1:1",
            "ALBUM_LOGIN": "family:pass:word",
            "ALBUM_MAX_UPLOAD_MB": "7",
            "ALBUM_LOG_LEVEL": "debug",
        }
    )

    assert settings.folders == (tmp_path / "a b", tmp_path / "사진")
    assert settings.login == ("family", "pass:word")
    assert settings.max_upload_mb == 7
    assert settings.log_level == "DEBUG"


def test_secrets_are_not_printed():
    settings = Settings.from_env({"GEMINI_API_KEY": "secret-key", "ALBUM_LOGIN": "me:secret-word"})

    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    "env",
    [
        {"ALBUM_DEVICE": "gpu"},
        {"ALBUM_LOGIN": "nopassword"},
        {"ALBUM_LOGIN": ":x"},
        {"ALBUM_MAX_UPLOAD_MB": "0"},
        {"ALBUM_MAX_UPLOAD_MB": "many"},
        {"ALBUM_LOG_LEVEL": "loud"},
    ],
)
def test_a_bad_value_stops_the_start_with_a_sentence_that_names_the_setting(env):
    with pytest.raises(SettingError, match=next(iter(env))):
        Settings.from_env(env)
