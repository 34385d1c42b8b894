"""Settings, and the only code that reads the environment."""

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

MAX_KEY_FILE_BYTES = 1000
GROUP_AND_OTHERS = stat.S_IRWXG | stat.S_IRWXO
HOST = r"\*|[\w.-]+(:\d+)?|\[[\da-f:.]+\](:\d+)?"
ORIGIN = r"https?://[\w.-]+(:\d+)?"
SPACES = "https://huggingface.co"
LIBRARY_PATHS = (
    "PATH",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONUTF8",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
)
LOCALE = ("LANG", "LC_ALL", "LC_CTYPE", "TZ")
HOME_FOLDERS = ("HOME", "USERPROFILE", "APPDATA", "SYSTEMROOT", "TEMP")
DECODER_VARIABLES = LIBRARY_PATHS + LOCALE + HOME_FOLDERS
"""Environment variables that the decoder processes get."""


class SettingError(AlbumError):
    """Raised when a setting has an invalid value, which stops the start."""


@dataclass(frozen=True)
class Settings:
    """Settings of the album. README lists each with its environment variable."""

    data_dir: Path = Path("data")
    """ALBUM_DATA_DIR: the folder of the library. It may be moved or copied."""
    folders: tuple[Path, ...] = ()
    """ALBUM_FOLDERS: folders to watch and import in place, separated as in PATH."""
    rescan_minutes: int = 15
    """ALBUM_RESCAN_MINUTES: how often they are rescanned. Some drives report no changes."""
    model: str = "auto"
    """ALBUM_MODEL: `auto`, `pocket`, or `<open_clip architecture>/<pretrained tag or file>`."""
    device: str = "auto"
    """ALBUM_DEVICE: `auto`, `cuda`, `mps` or `cpu`."""
    gemini_api_key: str | None = field(default=None, repr=False)
    """GEMINI_API_KEY, or the key in `gemini_key_file`. Only captions by Gemini need it."""
    gemini_key_file: Path | None = None
    """ALBUM_GEMINI_KEY_FILE: file with the key that only its owner can read. GEMINI_API_KEY goes
    first."""
    gemini_model: str = "gemini-3.5-flash-lite"
    """ALBUM_GEMINI_MODEL: the model to use. Google retires models."""
    gemini_endpoint: str | None = None
    """ALBUM_GEMINI_ENDPOINT: another server with the same API, such as a proxy."""
    captioner: str = "gemini"
    """ALBUM_CAPTIONER: `gemini`, or `coca` on this machine."""
    coca_model: str = "coca_ViT-B-32/laion2b_s13b_b90k"
    """ALBUM_COCA_MODEL: one of open_clip's CoCa models, named as in ALBUM_MODEL."""
    captions_per_minute: int = 10
    """ALBUM_CAPTIONS_PER_MINUTE: the most requests to Gemini in a minute."""
    captions_per_day: int = 1000
    """ALBUM_CAPTIONS_PER_DAY: the most from midnight to midnight in California."""
    captions_parallel: int = 2
    """ALBUM_CAPTIONS_PARALLEL: photos captioned at the same time."""
    login: tuple[str, str] | None = field(default=None, repr=False)
    """ALBUM_LOGIN: `name:password` for the page, needed if others can reach it."""
    hosts: tuple[str, ...] = ()
    """ALBUM_HOSTS: further names by which browsers reach the album, such as a proxy's.

    `*` allows every name, as on a Space, which only its own proxy can reach."""
    framed_by: tuple[str, ...] = ()
    """ALBUM_FRAMED_BY: sites that may frame the album. On a Space: huggingface.co."""
    max_upload_mb: int = 500
    """ALBUM_MAX_UPLOAD_MB: the largest file that can be uploaded, in megabytes."""
    request_timeout_s: int = 60
    """ALBUM_REQUEST_TIMEOUT_S: how many seconds a sender may pause within a request.

    Its headers must arrive in a third of it."""
    log_level: str = "INFO"
    """ALBUM_LOG_LEVEL: DEBUG, INFO, WARNING or ERROR."""

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Read settings from variables. Unset and blank ones keep their defaults.

        Raises:
            SettingError: a value is invalid.
        """
        env = os.environ if env is None else env
        values = {name: value.strip() for name, value in env.items() if value.strip()}
        folders = values.get("ALBUM_FOLDERS", "").split(os.pathsep)
        key_file = _path(values.get("ALBUM_GEMINI_KEY_FILE"))
        on_space = values.get("SYSTEM") == "spaces"  # as Gradio checks it
        return cls(
            data_dir=Path(values.get("ALBUM_DATA_DIR", cls.data_dir)).expanduser().resolve(),
            folders=tuple(Path(folder).expanduser().resolve() for folder in folders if folder),
            rescan_minutes=_positive(values, "ALBUM_RESCAN_MINUTES", cls.rescan_minutes),
            model=values.get("ALBUM_MODEL", cls.model),
            device=_one_of(values, "ALBUM_DEVICE", cls.device, ("auto", "cuda", "mps", "cpu")),
            gemini_api_key=values.get("GEMINI_API_KEY") or _read_key(key_file),
            gemini_key_file=key_file,
            gemini_model=values.get("ALBUM_GEMINI_MODEL", cls.gemini_model),
            gemini_endpoint=values.get("ALBUM_GEMINI_ENDPOINT"),
            captioner=_one_of(values, "ALBUM_CAPTIONER", cls.captioner, ("gemini", "coca")),
            coca_model=values.get("ALBUM_COCA_MODEL", cls.coca_model),
            captions_per_minute=_positive(
                values, "ALBUM_CAPTIONS_PER_MINUTE", cls.captions_per_minute
            ),
            captions_per_day=_positive(values, "ALBUM_CAPTIONS_PER_DAY", cls.captions_per_day),
            captions_parallel=_positive(values, "ALBUM_CAPTIONS_PARALLEL", cls.captions_parallel),
            login=_login(values.get("ALBUM_LOGIN")),
            hosts=(
                *_list(values, "ALBUM_HOSTS", HOST, "*" if on_space else ""),
                *_server_names(values),
            ),
            framed_by=_list(values, "ALBUM_FRAMED_BY", ORIGIN, SPACES if on_space else ""),
            max_upload_mb=_positive(values, "ALBUM_MAX_UPLOAD_MB", cls.max_upload_mb),
            request_timeout_s=_positive(values, "ALBUM_REQUEST_TIMEOUT_S", cls.request_timeout_s),
            log_level=_one_of(
                {name: value.upper() for name, value in values.items()},
                "ALBUM_LOG_LEVEL",
                cls.log_level,
                ("DEBUG", "INFO", "WARNING", "ERROR"),
            ),
        )

    @property
    def weights_dir(self) -> Path:
        """Folder of downloaded weights."""
        return self.data_dir / "weights"

    @cached_property
    def temp_dir(self) -> Path:
        """Folder of temporary uploads and downloads, on the disk of the originals.

        If the library is read-only, it is elsewhere, for the little that browsing needs.
        """
        if self.data_dir.is_dir() and not os.access(self.data_dir, os.W_OK):
            return Path(tempfile.mkdtemp(prefix="album-"))
        return self.data_dir / "temp"


def keep_libraries_private(settings: Settings) -> None:
    """Switch off telemetry of Gradio and the hub client before their import."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["DO_NOT_TRACK"] = "1"
    use_temp_dir(settings.temp_dir)


def use_temp_dir(folder: Path) -> None:
    """Set the folder of Gradio's uploads and downloads."""
    os.environ["GRADIO_TEMP_DIR"] = str(folder)


def decoder_environment() -> dict[str, str]:
    """Return the environment of decoders: no key, no password, one thread."""
    variables = {name: os.environ[name] for name in DECODER_VARIABLES if name in os.environ}
    return variables | {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}


def _one_of(values: Mapping[str, str], name: str, default: str, choices: tuple[str, ...]) -> str:
    value = values.get(name, default)
    if value not in choices:
        raise SettingError(f"{name} is {value!r}; it can be {', '.join(choices)}.")
    return value


def _positive(values: Mapping[str, str], name: str, default: int) -> int:
    value = values.get(name, str(default))
    if not value.isascii() or not value.isdigit() or int(value) == 0:
        raise SettingError(f"{name} is {value!r}; it must be a whole number above zero.")
    return int(value)


def _list(values: Mapping[str, str], name: str, pattern: str, default: str) -> tuple[str, ...]:
    """Split a value at commas and blanks, and check each part."""
    parts = values.get(name, default).lower().replace(",", " ").split()
    for part in parts:
        if not re.fullmatch(pattern, part):
            example = "https://example.org" if pattern == ORIGIN else "album.example.org"
            raise SettingError(f"{name} has {part!r} in it; it must be like {example}.")
    return tuple(parts)


def _server_names(values: Mapping[str, str]) -> tuple[str, ...]:
    """Return the server's names in Gradio's own settings."""
    root = urlsplit(values.get("GRADIO_ROOT_PATH", "")).netloc
    name = values.get("GRADIO_SERVER_NAME", "").lower()
    return tuple(host for host in (root.lower(), name) if re.fullmatch(HOST, host))


def _path(value: str | None) -> Path | None:
    return None if value is None else Path(value).expanduser().resolve()


def _read_key(file: Path | None) -> str | None:
    """Read the key from a file that only its owner can read.

    Raises:
        SettingError: others can read it, or it has no key. The content is never repeated.
    """
    if file is None:
        return None
    try:
        mode = file.stat().st_mode
        if not stat.S_ISREG(mode):  # opening a FIFO would block
            raise SettingError(f"ALBUM_GEMINI_KEY_FILE names {file}, which is no file.")
        if os.name == "posix" and mode & GROUP_AND_OTHERS:
            raise SettingError(
                f"ALBUM_GEMINI_KEY_FILE names {file}, which others may read: say"
                f" chmod 600 {file} first."
            )
        with file.open("rb") as opened:
            content = opened.read(MAX_KEY_FILE_BYTES + 1)
    except OSError as error:
        why = error.strerror or "it cannot be read"
        raise SettingError(f"ALBUM_GEMINI_KEY_FILE names {file}: {why}.") from error
    key = content.decode("ascii", "replace").strip()
    if len(content) > MAX_KEY_FILE_BYTES or not key or not key.isascii() or len(key.split()) > 1:
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
