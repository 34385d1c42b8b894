"""Everything a person may change, read once. The only module that touches the environment."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from album.errors import AlbumError

LONGEST_KEY_FILE_BYTES = 1000
OTHERS = stat.S_IRWXG | stat.S_IRWXO
HOST = r"\*|[\w.-]+(:\d+)?|\[[\da-f:.]+\](:\d+)?"
ORIGIN = r"https?://[\w.-]+(:\d+)?"
SPACES = "https://huggingface.co"
DECODERS_NEED = (
    *("PATH", "PYTHONPATH", "PYTHONHOME", "PYTHONUTF8", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
    *("LANG", "LC_ALL", "LC_CTYPE", "TZ"),  # as the names of files and the times are read here
    *("HOME", "USERPROFILE", "APPDATA", "SYSTEMROOT", "TEMP"),  # where Python looks for libraries
)


class SettingError(AlbumError):
    """Raised when a setting has a value that cannot be used; the start stops with the sentence."""


@dataclass(frozen=True)
class Settings:
    """What a person may change; README lists each with its environment variable."""

    data_dir: Path = Path("data")
    """ALBUM_DATA_DIR: where the album keeps everything; the folder may be moved or copied."""
    folders: tuple[Path, ...] = ()
    """ALBUM_FOLDERS: folders that the album keeps up with in place, separated as in PATH."""
    rescan_minutes: int = 15
    """ALBUM_RESCAN_MINUTES: how often they are looked through; not all drives tell of changes."""
    model: str = "auto"
    """ALBUM_MODEL: `auto`, `pocket`, or `<open_clip architecture>/<pretrained tag or file>`."""
    device: str = "auto"
    """ALBUM_DEVICE: `auto`, `cuda`, `mps` or `cpu`."""
    gemini_api_key: str | None = field(default=None, repr=False)
    """GEMINI_API_KEY, or what `gemini_key_file` holds: without it there are no captions by Gemini,
    and all else works."""
    gemini_key_file: Path | None = None
    """ALBUM_GEMINI_KEY_FILE: holds the key, for its owner's eyes alone; the environment goes
    first."""
    gemini_model: str = "gemini-3.5-flash-lite"
    """ALBUM_GEMINI_MODEL: Google retires models; this names the one to ask."""
    gemini_endpoint: str | None = None
    """ALBUM_GEMINI_ENDPOINT: another address that speaks the same API, such as a proxy."""
    captioner: str = "gemini"
    """ALBUM_CAPTIONER: who writes captions: `gemini`, or `coca` on this machine."""
    coca_model: str = "coca_ViT-B-32/laion2b_s13b_b90k"
    """ALBUM_COCA_MODEL: one of open_clip's CoCa models, named as in ALBUM_MODEL."""
    captions_per_minute: int = 10
    """ALBUM_CAPTIONS_PER_MINUTE: how many requests to Gemini at the most."""
    captions_per_day: int = 1000
    """ALBUM_CAPTIONS_PER_DAY: the same from midnight to midnight in California."""
    captions_parallel: int = 2
    """ALBUM_CAPTIONS_PARALLEL: how many photos are captioned at the same time."""
    login: tuple[str, str] | None = field(default=None, repr=False)
    """ALBUM_LOGIN: `name:password` that the page asks for; needed wherever others can reach it."""
    hosts: tuple[str, ...] = ()
    """ALBUM_HOSTS: more names by which browsers reach the album, such as that of a proxy before it;
    `*` for every name, as on a Space, where nobody gets here but through its own proxy."""
    framed_by: tuple[str, ...] = ()
    """ALBUM_FRAMED_BY: sites whose pages may show the album in a frame; on a Space that of Spaces.
    """
    max_upload_mb: int = 500
    """ALBUM_MAX_UPLOAD_MB: the largest single file that the page takes, in megabytes."""
    log_level: str = "INFO"
    """ALBUM_LOG_LEVEL: DEBUG, INFO, WARNING or ERROR."""

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Settings out of environment variables; unset and blank ones keep their defaults.

        Raises:
            SettingError: a value cannot be used.
        """
        env = os.environ if env is None else env
        given = {name: value.strip() for name, value in env.items() if value.strip()}
        folders = given.get("ALBUM_FOLDERS", "").split(os.pathsep)
        key_file = _file(given.get("ALBUM_GEMINI_KEY_FILE"))
        on_space = given.get("SYSTEM") == "spaces"  # as Gradio tells
        return cls(
            data_dir=Path(given.get("ALBUM_DATA_DIR", cls.data_dir)).expanduser().resolve(),
            folders=tuple(Path(folder).expanduser().resolve() for folder in folders if folder),
            rescan_minutes=_positive(given, "ALBUM_RESCAN_MINUTES", cls.rescan_minutes),
            model=given.get("ALBUM_MODEL", cls.model),
            device=_one_of(given, "ALBUM_DEVICE", cls.device, ("auto", "cuda", "mps", "cpu")),
            gemini_api_key=given.get("GEMINI_API_KEY") or _key_in(key_file),
            gemini_key_file=key_file,
            gemini_model=given.get("ALBUM_GEMINI_MODEL", cls.gemini_model),
            gemini_endpoint=given.get("ALBUM_GEMINI_ENDPOINT"),
            captioner=_one_of(given, "ALBUM_CAPTIONER", cls.captioner, ("gemini", "coca")),
            coca_model=given.get("ALBUM_COCA_MODEL", cls.coca_model),
            captions_per_minute=_positive(
                given, "ALBUM_CAPTIONS_PER_MINUTE", cls.captions_per_minute
            ),
            captions_per_day=_positive(given, "ALBUM_CAPTIONS_PER_DAY", cls.captions_per_day),
            captions_parallel=_positive(given, "ALBUM_CAPTIONS_PARALLEL", cls.captions_parallel),
            login=_login(given.get("ALBUM_LOGIN")),
            hosts=(
                *_each(given, "ALBUM_HOSTS", HOST, "*" if on_space else ""),
                *_served_as(given),
            ),
            framed_by=_each(given, "ALBUM_FRAMED_BY", ORIGIN, SPACES if on_space else ""),
            max_upload_mb=_positive(given, "ALBUM_MAX_UPLOAD_MB", cls.max_upload_mb),
            log_level=_one_of(
                {name: value.upper() for name, value in given.items()},
                "ALBUM_LOG_LEVEL",
                cls.log_level,
                ("DEBUG", "INFO", "WARNING", "ERROR"),
            ),
        )

    @property
    def weights_dir(self) -> Path:
        """Where downloaded weights are kept."""
        return self.data_dir / "weights"

    @cached_property
    def temp_dir(self) -> Path:
        """Where each process has a folder for uploads and downloads; on the disk of originals.

        Elsewhere where that cannot be written to, for the little that looking needs.
        """
        if self.data_dir.is_dir() and not os.access(self.data_dir, os.W_OK):
            return Path(tempfile.mkdtemp(prefix="album-"))
        return self.data_dir / "temp"


def keep_libraries_private(settings: Settings) -> None:
    """Switch off what Gradio and the hub client would send, before either is imported."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["DO_NOT_TRACK"] = "1"
    use_temp_dir(settings.temp_dir)


def use_temp_dir(folder: Path) -> None:
    """Have Gradio put uploads and downloads into a folder."""
    os.environ["GRADIO_TEMP_DIR"] = str(folder)


def decoder_environment() -> dict[str, str]:
    """The environment of the processes that decode files: no key, no password, one thread each."""
    kept = {name: os.environ[name] for name in DECODERS_NEED if name in os.environ}
    return kept | {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}


def _one_of(given: Mapping[str, str], name: str, default: str, choices: tuple[str, ...]) -> str:
    value = given.get(name, default)
    if value not in choices:
        raise SettingError(f"{name} is {value!r}; it can be {', '.join(choices)}.")
    return value


def _positive(given: Mapping[str, str], name: str, default: int) -> int:
    value = given.get(name, str(default))
    if not value.isascii() or not value.isdigit() or int(value) == 0:
        raise SettingError(f"{name} is {value!r}; it must be a whole number above zero.")
    return int(value)


def _each(given: Mapping[str, str], name: str, pattern: str, default: str) -> tuple[str, ...]:
    """The parts of a value, which stand between commas or blanks."""
    parts = given.get(name, default).lower().replace(",", " ").split()
    for part in parts:
        if not re.fullmatch(pattern, part):
            example = "https://example.org" if pattern == ORIGIN else "album.example.org"
            raise SettingError(f"{name} has {part!r} in it; it must be like {example}.")
    return tuple(parts)


def _served_as(given: Mapping[str, str]) -> tuple[str, ...]:
    """The names that Gradio's own settings give the server."""
    root = urlsplit(given.get("GRADIO_ROOT_PATH", "")).netloc
    name = given.get("GRADIO_SERVER_NAME", "").lower()
    return tuple(it for it in (root.lower(), name) if re.fullmatch(HOST, it))


def _file(value: str | None) -> Path | None:
    return None if value is None else Path(value).expanduser().resolve()


def _key_in(file: Path | None) -> str | None:
    """The key in a file that nobody but its owner can read; None without one.

    Raises:
        SettingError: others can, or there is no key in it. What the file holds is never told.
    """
    if file is None:
        return None
    try:
        mode = file.stat().st_mode
        if not stat.S_ISREG(mode):  # a pipe would be waited for
            raise SettingError(f"ALBUM_GEMINI_KEY_FILE names {file}, which is no file.")
        if os.name == "posix" and mode & OTHERS:
            raise SettingError(
                f"ALBUM_GEMINI_KEY_FILE names {file}, which others may read: say"
                f" chmod 600 {file} first."
            )
        with file.open("rb") as opened:
            held = opened.read(LONGEST_KEY_FILE_BYTES + 1)
    except OSError as error:
        why = error.strerror or "it cannot be read"
        raise SettingError(f"ALBUM_GEMINI_KEY_FILE names {file}: {why}.") from error
    key = held.decode("ascii", "replace").strip()
    if len(held) > LONGEST_KEY_FILE_BYTES or not key or not key.isascii() or len(key.split()) > 1:
        raise SettingError(
            f"ALBUM_GEMINI_KEY_FILE names {file}, which does not hold one key and nothing else."
        )
    return key


def _login(value: str | None) -> tuple[str, str] | None:
    if value is None:
        return None
    name, _, password = value.partition(":")
    if not name or not password:
        raise SettingError("ALBUM_LOGIN must be a name and a password with a colon between them.")
    return name, password
