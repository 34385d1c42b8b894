"""Model specs, the values of `ALBUM_MODEL`.

pocket                                    the model that comes with the album
<architecture>/<pretrained tag>           weights published on the model hub
<architecture>/<path of a checkpoint>     a file of this machine, with <architecture>.json beside it
                                          for an architecture that open_clip does not know
<path of a folder>                        a model folder with config, weights and tokenizer, as
                                          open_clip's `local-dir:` reads it

open_clip imports torch and takes seconds, so model folders are read without it.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.errors import WeightsUnavailableError

POCKET = "pocket"
POCKET_DIR = Path(__file__).parents[1] / "pocket"
CONFIG_FILE, WEIGHTS_FILE = "open_clip_config.json", "open_clip_model.safetensors"
"""What open_clip calls the files of a model folder."""

CHECKPOINT_SUFFIXES = (".safetensors", ".pt", ".bin")
# Tokenizers that were made for English, as is open_clip's own. Those of the other models cut
# every script into pieces that were seen in training.
ENGLISH_TOKENIZERS = ("roberta-base", "bert-base-uncased", "timm/ViT-B-16-SigLIP")
_FOLDERS: dict[str, Path] = {}
"""By architecture the model folder that described it."""
TAGS_NAMED = 5  # some architectures have thirty: a sentence should stay one


@dataclass(frozen=True)
class ModelSpec:
    """A parsed spec, whose architecture, tag or file exists."""

    name: str
    architecture: str
    tag: str | None
    """The published weights, or None where `checkpoint` is a file of this machine."""
    checkpoint: Path | None

    def config(self) -> dict[str, Any]:
        """Copy open_clip's description of the architecture."""
        if self.architecture in _FOLDERS:
            model_cfg: dict[str, Any] = read_folder_config(_FOLDERS[self.architecture])["model_cfg"]
            return model_cfg
        import open_clip

        config: dict[str, Any] = open_clip.get_model_config(self.architecture)
        return config

    @property
    def folder(self) -> Path | None:
        """The model folder of the weights, or None."""
        folder = _FOLDERS.get(self.architecture)
        holds_weights = folder is not None and self.checkpoint == folder / WEIGHTS_FILE
        return folder if holds_weights else None

    def tell_open_clip(self) -> None:
        """Register a model folder's architecture with open_clip."""
        if self.architecture in _FOLDERS:
            register_folder(_FOLDERS[self.architecture], self.architecture)

    def published(self) -> dict[str, Any]:
        """Look up the weights' preprocessing and GELU.

        These are mean, std, interpolation, resize mode and `quick_gelu`.

        A checkpoint file does not carry this. Then it is what its model folder says, or what all
        published weights of the architecture agree on. Keys without agreement are left to
        open_clip's defaults.
        """
        if self.architecture in _FOLDERS:
            config = read_folder_config(_FOLDERS[self.architecture])
            return dict(config.get("preprocess_cfg", {}))
        import open_clip

        if self.tag is not None:
            return dict(open_clip.get_pretrained_cfg(self.architecture, self.tag))
        tags = open_clip.list_pretrained_tags_by_model(self.architecture)
        configs = [open_clip.get_pretrained_cfg(self.architecture, tag) for tag in tags]
        return {
            key: value
            for key, value in (configs[0] if configs else {}).items()
            if all(config.get(key) == value for config in configs)
        }

    def tokenizer_repo(self) -> str | None:
        """Name the tokenizer's hub repository. None if open_clip ships it."""
        repo: str | None = self.config()["text_cfg"].get("hf_tokenizer_name")
        return repo

    def tokenizer_beside(self) -> Path | None:
        """Find a tokenizer folder beside the checkpoint or the architecture."""
        folders = [self.checkpoint.parent] if self.checkpoint else []
        folders += [_FOLDERS[self.architecture]] if self.architecture in _FOLDERS else []
        return next((folder for folder in folders if (folder / "tokenizer.json").is_file()), None)

    def languages(self) -> tuple[str, ...]:
        """List the languages of the text tower as ISO 639-1 codes.

        () stands for all. A checkpoint does not say, so it is what the architecture's published
        weights read.
        """
        if self.architecture == POCKET:
            return ("en", "ko")
        repo = self.tokenizer_repo()
        return ("en",) if repo is None or repo in ENGLISH_TOKENIZERS else ()


def parse_spec(spec: str) -> ModelSpec:
    """Parse a spec and check that its parts exist.

    A part after the slash that looks like a path or is a file is a checkpoint.

    Raises:
        WeightsUnavailableError: there is no such architecture, tag or file.
    """
    if spec == POCKET:
        _note_folder(POCKET_DIR, POCKET)
        return ModelSpec(POCKET, POCKET, None, POCKET_DIR / WEIGHTS_FILE)
    folder = Path(spec).expanduser()
    if (folder / CONFIG_FILE).is_file():
        name = folder.resolve().name
        _note_folder(folder, name)
        return ModelSpec(name, name, None, folder / WEIGHTS_FILE)
    architecture, _, weights = spec.partition("/")
    if not weights:
        raise WeightsUnavailableError(
            '"{spec}" does not name a model: set ALBUM_MODEL to auto, pocket or '
            "<architecture>/<pretrained tag>, such as ViT-B-32/laion2b_s34b_b79k.",
            spec=spec,
        )
    import open_clip

    if POCKET not in open_clip.list_models():
        register_folder(POCKET_DIR, POCKET)
    described = Path(weights).expanduser().with_name(f"{architecture}.json")
    if architecture not in open_clip.list_models() and described.is_file():
        open_clip.add_model_config(described)
    if architecture not in open_clip.list_models():
        raise WeightsUnavailableError(
            'open_clip knows no architecture "{architecture}": set ALBUM_MODEL to one of '
            "open_clip.list_pretrained(), or to auto.",
            architecture=architecture,
        )
    path = Path(weights).expanduser()
    if _names_checkpoint(weights):
        if not path.is_file():
            raise WeightsUnavailableError(
                "There is no weights file {path}: correct the path in ALBUM_MODEL.", path=path
            )
        return ModelSpec(f"{architecture}/{path.stem}", architecture, None, path)
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    if weights not in tags:
        known = " or ".join(f"{architecture}/{tag}" for tag in tags[-TAGS_NAMED:])
        raise WeightsUnavailableError(
            'No weights "{weights}" are published for {architecture}: set ALBUM_MODEL to, for '
            "example, {reason}.",
            weights=weights,
            architecture=architecture,
            reason=known or "ViT-B-32/laion2b_s34b_b79k",
        )
    return ModelSpec(spec, architecture, weights, None)


def names_files(spec: str) -> bool:
    """Check whether a spec names local files, not published weights."""
    folder = Path(spec).expanduser()
    weights = spec.partition("/")[2]
    return spec == POCKET or (folder / CONFIG_FILE).is_file() or _names_checkpoint(weights)


def _names_checkpoint(weights: str) -> bool:
    """Check whether the part after the slash looks like a path."""
    path = Path(weights).expanduser()
    return "/" in weights or weights.endswith(CHECKPOINT_SUFFIXES) or path.is_file()


def register_folder(folder: Path, name: str) -> None:
    """Register a model folder's architecture with open_clip under `name`.

    Raises:
        WeightsUnavailableError: the folder has no config that can be read.
    """
    import open_clip

    config = _note_folder(folder, name)["model_cfg"]
    with tempfile.TemporaryDirectory() as temporary:  # open_clip reads configs from files alone
        path = Path(temporary) / f"{name}.json"
        path.write_text(json.dumps(config), encoding="utf-8")
        open_clip.add_model_config(path)


def _note_folder(folder: Path, name: str) -> dict[str, Any]:
    """Remember the model folder of an architecture and return its config."""
    config = read_folder_config(folder)
    _FOLDERS[name] = folder
    return config


def read_folder_config(folder: Path) -> dict[str, Any]:
    """Read the config of a model folder.

    Raises:
        WeightsUnavailableError: the folder has no config that can be read.
    """
    try:
        config: dict[str, Any] = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        config["model_cfg"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsUnavailableError(
            "The model folder {folder} cannot be read: restore it, or set ALBUM_MODEL to "
            "another model.",
            folder=folder,
        ) from error
    return config


def model_id_of(spec: ModelSpec) -> str:
    """Build the id of embeddings: equal ids mean comparable embeddings.

    Published weights never change under their tag. A file may, so its id has a digest.

    Raises:
        WeightsUnavailableError: the file cannot be read.
    """
    if spec.checkpoint is None:
        return spec.name
    try:
        with spec.checkpoint.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsUnavailableError(
            "The weights file {checkpoint} cannot be read: restore it, or set ALBUM_MODEL to "
            "another model.",
            checkpoint=spec.checkpoint,
        ) from error
    return f"{spec.name}@{digest[:8]}"
