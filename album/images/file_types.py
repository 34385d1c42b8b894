"""Kinds of files by name, as a hint for scanning folders.

Only the content tells whether a file is a photo, and its format (see `decoding.py`).
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Literal

Kind = Literal["photo", "video", "sound", "sidecar", "document", "archive", "other"]

RAW_SUFFIXES = frozenset(
    {".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".gpr", ".iiq"}
    | {".k25", ".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw"}
    | {".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"}
)
"""Lower-case suffixes of camera raw files."""
PHOTO_SUFFIXES = (
    RAW_SUFFIXES
    | {".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".mpo", ".png", ".apng", ".webp", ".gif"}
    | {".bmp", ".dib", ".tif", ".tiff", ".heic", ".heif", ".hif", ".heics", ".heifs"}
    | {".avif", ".avifs", ".jxl", ".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"}
)
"""Lower-case suffixes of photos that the album reads."""

_SUFFIXES: dict[Kind, str] = {
    "photo": " ".join(PHOTO_SUFFIXES),
    "video": ".mp4 .m4v .mov .qt .avi .mkv .webm .wmv .flv .f4v .mpg .mpeg .mpe .m2v .m2ts .mts .ts"
    " .mod .tod .vob .3gp .3g2 .asf .ogv .insv .lrv .mxf .divx .rm .rmvb",
    "sound": ".mp3 .m4a .aac .wav .flac .ogg .oga .opus .wma .aif .aiff .amr .mid .midi .ape",
    # Written beside a photo by cameras, editors and cloud services.
    "sidecar": ".xmp .json .aae .thm .pp3 .dop .cos .vrd .nksc .on1 .arp .ctg",
    "document": ".pdf .txt .md .rtf .doc .docx .odt .xls .xlsx .ods .csv .tsv .ppt .pptx .odp .html"
    " .htm .xml .epub .hwp .hwpx .pages .numbers .key .psd .psb .ai .indd .xcf .kra .svg .eps .ini"
    " .lrcat .log .nfo .url .ics .vcf",
    "archive": ".zip .tar .gz .tgz .bz2 .tbz2 .xz .txz .zst .7z .rar .cab .iso .dmg .egg .alz",
}
_KIND_BY_SUFFIX = {
    suffix: kind for kind, suffixes in _SUFFIXES.items() for suffix in suffixes.split()
}


def file_kind(name: str) -> Kind:
    """Return the kind of a file, "other" for hidden files and unknown suffixes.

    Args:
        name: a file name or a path.
    """
    path = PurePath(name)
    # macOS writes "._IMG_1.JPG" beside a photo on foreign disks, which is no photo.
    if path.name.startswith("."):
        return "other"
    return _KIND_BY_SUFFIX.get(path.suffix.lower(), "other")
