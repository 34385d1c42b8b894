from __future__ import annotations

import os
from pathlib import Path

import pytest

from album.settings import SettingError, Settings


def test_nothing_set_and_blanks_mean_the_defaults():
    settings = Settings.from_env({"ALBUM_MODEL": "  ", "ALBUM_FOLDERS": ""})

    assert settings == Settings.from_env({})
    assert (settings.model, settings.device, settings.login) == ("auto", "auto", None)
    assert settings.request_timeout_s == 60
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
            "ALBUM_CAPTIONER": "coca",
            "ALBUM_COCA_MODEL": "coca_ViT-L-14/x",
            "ALBUM_CAPTIONS_PER_MINUTE": "3",
            "ALBUM_CAPTIONS_PER_DAY": "40",
            "ALBUM_CAPTIONS_PARALLEL": "5",
            "ALBUM_LOGIN": "family:pass:word",
            "ALBUM_HOSTS": "Album.example.org, nas:8443 [2001:db8::1]:80",
            "ALBUM_FRAMED_BY": "https://home.example.org:8123",
            "ALBUM_MAX_UPLOAD_MB": "7",
            "ALBUM_REQUEST_TIMEOUT_S": "9",
            "ALBUM_LOG_LEVEL": "debug",
        }
    )

    assert settings.folders == (tmp_path / "a b", tmp_path / "사진")
    assert settings.login == ("family", "pass:word")
    assert settings.hosts == ("album.example.org", "nas:8443", "[2001:db8::1]:80")
    assert settings.framed_by == ("https://home.example.org:8123",)
    assert settings.max_upload_mb == 7
    assert settings.request_timeout_s == 9
    assert (settings.captioner, settings.coca_model) == ("coca", "coca_ViT-L-14/x")
    assert settings.captions_per_minute == 3
    assert settings.captions_per_day == 40
    assert settings.captions_parallel == 5
    assert settings.log_level == "DEBUG"


def test_space_allows_every_host_and_its_frame():
    space = {"SYSTEM": "spaces", "SPACE_ID": "me/album", "GRADIO_SERVER_NAME": "0.0.0.0"}

    settings = Settings.from_env(space)
    assert "*" in settings.hosts
    assert settings.framed_by == ("https://huggingface.co",)
    named = Settings.from_env({**space, "ALBUM_HOSTS": "me-album.hf.space"})
    assert "*" not in named.hosts
    assert "me-album.hf.space" in named.hosts


def test_names_in_the_settings_of_gradio_are_hosts():
    env = {"GRADIO_SERVER_NAME": "nas", "GRADIO_ROOT_PATH": "https://Photos.example.org/album"}

    assert Settings.from_env(env).hosts == ("photos.example.org", "nas")
    assert Settings.from_env({"GRADIO_ROOT_PATH": "/album"}).hosts == ()


def test_secrets_are_not_printed():
    settings = Settings.from_env({"GEMINI_API_KEY": "secret-key", "ALBUM_LOGIN": "me:secret-word"})

    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    "env",
    [
        {"ALBUM_DEVICE": "gpu"},
        {"ALBUM_LOGIN": "nopassword"},
        {"ALBUM_LOGIN": ":x"},
        {"ALBUM_HOSTS": "https://album.example.org"},
        {"ALBUM_HOSTS": "*.example.org"},
        {"ALBUM_FRAMED_BY": "home.example.org"},
        {"ALBUM_FRAMED_BY": "https://a.example; script-src *"},
        {"ALBUM_MAX_UPLOAD_MB": "0"},
        {"ALBUM_MAX_UPLOAD_MB": "many"},
        {"ALBUM_LOG_LEVEL": "loud"},
        {"ALBUM_CAPTIONER": "somebody"},
        {"ALBUM_CAPTIONS_PER_MINUTE": "0"},
        {"ALBUM_CAPTIONS_PER_DAY": "-1"},
        {"ALBUM_CAPTIONS_PARALLEL": "two"},
        {"ALBUM_GEMINI_KEY_FILE": "/nowhere/key"},
    ],
)
def test_bad_value_raises_sentence_with_setting_name(env):
    with pytest.raises(SettingError, match=next(iter(env))):
        Settings.from_env(env)


@pytest.fixture
def key_file(tmp_path):
    file = tmp_path / "key"
    file.write_text("secret-of-the-file\n")
    file.chmod(0o600)
    return file


def test_key_comes_from_environment_before_file(key_file):
    named = {"ALBUM_GEMINI_KEY_FILE": str(key_file)}

    settings = Settings.from_env(named)
    assert settings.gemini_api_key == "secret-of-the-file"
    assert settings.gemini_key_file == key_file
    assert "secret-of" not in repr(settings)
    assert Settings.from_env({**named, "GEMINI_API_KEY": "other"}).gemini_api_key == "other"
    key_file.chmod(0o400)
    assert Settings.from_env(named).gemini_api_key == "secret-of-the-file"


@pytest.mark.skipif(os.name != "posix", reason="rights are those of POSIX")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o610, 0o777])
def test_key_that_others_may_read_is_refused(key_file, mode):
    key_file.chmod(mode)

    with pytest.raises(SettingError, match=r"chmod 600") as caught:
        Settings.from_env({"ALBUM_GEMINI_KEY_FILE": str(key_file)})
    assert "secret-of" not in str(caught.value)


@pytest.mark.parametrize("held", [b"", b" \n", b"two secret-keys", b"secret-\xff", b"secret" * 999])
def test_invalid_key_file_is_refused_without_its_content(key_file, held):
    key_file.write_bytes(held)

    with pytest.raises(SettingError, match="one key") as caught:
        Settings.from_env({"ALBUM_GEMINI_KEY_FILE": str(key_file)})
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_key_file_must_be_regular_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(SettingError, match="which is no file"):
            Settings.from_env({"ALBUM_GEMINI_KEY_FILE": str(path)})
