"""CLIP encoder: any open_clip model behind `interfaces.Encoder`.

Reads files of this machine only (`models.clip.weights.fetch_weights` downloads them). The
checkpoint decides size, mean, std and resize mode, so no such number is repeated here.
"""

from __future__ import annotations

import logging
import pickle
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import open_clip
import torch
from open_clip.tokenizer import HFTokenizer
from PIL import Image
from safetensors import SafetensorError, safe_open
from torch.overrides import TorchFunctionMode

from models.clip.preprocessing import preprocess_on, works_on_tensors
from models.clip.spec import ModelSpec, model_id_of, parse_spec
from models.clip.weights import checkpoint_on_disk, tokenizer_on_disk, weights_missing
from models.errors import ModelError, WeightsUnavailableError
from models.interfaces import Embeddings

log = logging.getLogger(__name__)

Item = TypeVar("Item", Image.Image, str)

BATCH = 32  # b: larger gains nothing on a CPU, and 32 images of 512 px are 100 MB
CUDA_BATCH = 128  # to begin with: halved where the memory of the device does not hold it
QUERIES_KEPT = 256  # paging, filtering and retyping ask for the same text again

BROKEN_CHECKPOINT = (
    SafetensorError,
    pickle.UnpicklingError,
    RuntimeError,  # torch's archive reader, and parameters that do not fit the architecture
    OSError,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,  # a pickle of something that is no dictionary of tensors
    StopIteration,  # open_clip's answer to an empty dictionary
    AssertionError,  # and to a width that is not the architecture's
)


def choose_device(name: str) -> torch.device:
    """Resolve a device name for this machine.

    `name` is "auto", "cuda", "mps" or "cpu".

    Raises:
        ModelError: `name` is none of these, or this machine has no such device.
    """
    availability = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        return torch.device(next(device for device, available in availability.items() if available))
    if not availability.get(name, False):
        choices = " or ".join(device for device, available in availability.items() if available)
        raise ModelError(
            'This machine has no device "{name}": set ALBUM_DEVICE to auto or {choices}.',
            name=name,
            choices=choices,
        )
    return torch.device(name)


def choose_dtype(device: torch.device) -> torch.dtype:
    """Choose the fastest dtype that keeps the ranking.

    bfloat16 has the range of float32, so no checkpoint can overflow it, and is preferred where it
    is native. GPUs without it (before Ampere, MPS on older systems) get float16. On a CPU without
    it bfloat16 is emulated and slower than float32.
    """
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if native else torch.float16
    if device.type == "mps":
        return torch.float16
    able = torch.cpu.get_capabilities()
    native = any(able.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    # oneDNN is what uses those instructions: a build without it falls back to slow loops.
    onednn: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return torch.bfloat16 if native and onednn else torch.float32


def _stamp(checkpoint: Path | None) -> tuple[int, int] | None:
    """Return the time and size of a checkpoint file, to detect changes.

    None for published weights, which never change.
    """
    if checkpoint is None or not checkpoint.is_file():
        return None
    status = checkpoint.stat()
    return status.st_mtime_ns, status.st_size


class ClipEncoder:
    """One open_clip model in memory. Safe to call from many threads.

    Weights are stored in the reduced dtype instead of cast by autocast in each call: measured on
    2 cores, ViT-B/32 runs 40 img/s stored in bfloat16, 20 in float32 and 10 under autocast, which
    converts every weight each time. It also halves the memory.
    """

    def __init__(
        self,
        spec: str,
        weights_dir: Path,
        device: str = "auto",
        precision: Literal["auto", "float32"] = "auto",
        towers: Literal["both", "text"] = "both",
    ) -> None:
        """Load a model from this machine's files.

        Args:
            spec: Which model, see `models.clip.spec`.
            weights_dir: The folder of the hub's files.
            device: "auto", "cuda", "mps" or "cpu".
            precision: "float32" for exact comparisons, else the fastest.
            towers: "text" if no image will be encoded, which saves the memory of the image tower.

        Raises:
            WeightsUnavailableError: unknown name, or weights or tokenizer missing, truncated or
                broken.
            ModelError: there is no such device.
        """
        model = parse_spec(spec)
        self._device = choose_device(device)
        self._dtype = torch.float32 if precision == "float32" else choose_dtype(self._device)
        stamp = _stamp(model.checkpoint)
        self.model_id = model_id_of(model)
        self.languages = model.languages()
        self._name = model.name
        self.dim: int = model.config()["embed_dim"]
        self._lock = threading.Lock()
        checkpoint = checkpoint_on_disk(model, weights_dir)
        tokenizer_dir = tokenizer_on_disk(model, weights_dir)
        if checkpoint is None or (model.tokenizer_repo() and tokenizer_dir is None):
            raise weights_missing(model)
        try:
            network, self._preprocess = load_clip(model, checkpoint, tokenizer_dir, towers)
            # Read before the cast: a temperature rounded to bfloat16 is up to 2 % off.
            self.logit_scale = float(network.logit_scale.detach().exp())
            bias = getattr(network, "logit_bias", None)
            self.logit_bias = None if bias is None else float(bias.detach())
            size = network.visual.image_size
            self.image_size: int = max(size) if isinstance(size, tuple | list) else size
            if towers == "text":
                del network.visual
            # channels_last: convolutions run 20 to 80 % faster, vision transformers the same.
            self._model = network.to(self._device, self._dtype, memory_format=torch.channels_last)
            self._tokenize = load_tokenizer(model, tokenizer_dir)
        except torch.OutOfMemoryError as error:
            raise ModelError(self._does_not_fit()) from error
        except BROKEN_CHECKPOINT as error:
            # In the hub's layout the file is a link three levels below its repository's folder.
            broken = checkpoint if model.checkpoint else checkpoint.parents[2]
            raise WeightsUnavailableError(
                "The weights of {name} are damaged or made for another architecture: replace or "
                "delete {broken}, or set ALBUM_MODEL to another model.",
                name=model.name,
                broken=broken,
            ) from error
        if _stamp(model.checkpoint) != stamp:  # the id may be that of other weights
            raise WeightsUnavailableError(
                "The weights file {checkpoint} changed while it was read: try again when it is "
                "complete.",
                checkpoint=model.checkpoint,
            )
        cuda = self._device.type == "cuda"
        self._batch = CUDA_BATCH if cuda else BATCH
        self._resizes_on_device = cuda and works_on_tensors(self._preprocess)
        self._query = lru_cache(QUERIES_KEPT)(self._embed_query)
        log.info("%s on %s in %s", self.model_id, self._device, self._dtype)

    def encode_images(self, images: Sequence[Image.Image]) -> Embeddings:
        """Embed upright RGB images: (n, d) float32, rows of norm 1.

        Raises:
            ModelError: the device has no memory left for a single one.
        """
        return self._in_batches(images, self._embed_images)

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """Embed texts: (n, d) float32, rows of norm 1.

        Texts are cut at the model's context length.

        Raises:
            ModelError: the device has no memory left for a single one.
        """
        if len(texts) == 1:
            return self._query(texts[0]).copy()
        return self._in_batches(texts, self._embed_texts)

    def _in_batches(
        self, items: Sequence[Item], embed: Callable[[Sequence[Item]], Embeddings]
    ) -> Embeddings:
        """Embed all items in batches that fit into memory.

        A batch that was too large stays halved from then on.
        """
        batches = [np.empty((0, self.dim), np.float32)]
        done = 0
        while done < len(items):
            batch = items[done : done + self._batch]
            try:
                batches.append(embed(batch))
            except torch.OutOfMemoryError as error:
                if len(batch) == 1:
                    raise ModelError(self._does_not_fit()) from error
                self._batch = min(self._batch, len(batch) // 2)
                log.warning("%d at once are too many for %s", len(batch), self._device)
            else:
                done += len(batch)
        return np.concatenate(batches)

    def _does_not_fit(self) -> str:
        return (
            f"{self._name} does not fit into the memory of the {self._device.type} device: set "
            "ALBUM_DEVICE=cpu or ALBUM_MODEL to a smaller model."
        )

    def _embed_query(self, text: str) -> Embeddings:
        return self._in_batches([text], self._embed_texts)

    @torch.inference_mode()
    def _embed_images(self, images: Sequence[Image.Image]) -> Embeddings:
        # Outside the lock: resizing the next caller's images overlaps with this forward pass.
        if self._resizes_on_device:
            pixels = [preprocess_on(self._device, image, self._preprocess) for image in images]
        else:
            pixels = [self._preprocess(image) for image in images]
        batch = torch.stack(pixels)  # (b, 3, h, w)
        with self._lock:
            batch = batch.to(self._device, self._dtype, memory_format=torch.channels_last)
            return _unit_rows(self._model.encode_image(batch))

    @torch.inference_mode()
    def _embed_texts(self, texts: Sequence[str]) -> Embeddings:
        with self._lock:  # the tokenizers of transformers must not be used by two threads at once
            tokens = self._tokenize(list(texts)).to(self._device)  # (b, context)
            return _unit_rows(self._model.encode_text(tokens))


def _unit_rows(features: torch.Tensor) -> Embeddings:
    """Normalise rows in float32.

    In bfloat16 the norms themselves would be off by half a percent.
    """
    rows: Embeddings = torch.nn.functional.normalize(features.float(), dim=-1).cpu().numpy()
    return rows


class _SkipInitialisation(TorchFunctionMode):
    """Leaves new parameters unset, because strict loading sets all of them.

    Drawing random numbers for a vocabulary of 256,000 takes longer than reading the weights.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init":
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        return func(*args, **kwargs)


def load_clip(
    spec: ModelSpec,
    checkpoint: Path,
    tokenizer_dir: Path | None,
    towers: Literal["both", "text"] = "both",
) -> tuple[Any, Any]:
    """Load a model in eval mode, float32 on the CPU.

    With "text" the image tower is a shell of unset parameters, if the file allows it.

    Returns:
        The model and its preprocessing of validation images.
    """
    texts_only = towers == "text"
    spec.tell_open_clip()
    published = spec.published()
    overrides: dict[str, Any] = {}
    text_cfg = spec.config()["text_cfg"]
    if "hf_model_name" in text_cfg:
        # A text tower of transformers: its config lies beside its tokenizer. By name it would be
        # looked up on the hub, even if it is on disk.
        text_cfg |= {"hf_model_name": str(tokenizer_dir), "hf_model_pretrained": False}
        overrides["text_cfg"] = text_cfg
    with _SkipInitialisation():
        model, _, preprocess = open_clip.create_model_and_transforms(
            spec.architecture,
            pretrained=None if texts_only else str(checkpoint),
            # open_clip only warns when weights were trained with the other GELU.
            force_quick_gelu=published.get("quick_gelu", False),
            image_mean=published.get("mean"),
            image_std=published.get("std"),
            image_interpolation=published.get("interpolation"),
            image_resize_mode=published.get("resize_mode"),
            **overrides,
        )
    if texts_only and not _load_texts(model, checkpoint):
        open_clip.load_checkpoint(model, str(checkpoint))
    return model.eval(), preprocess


def _load_texts(model: Any, checkpoint: Path) -> bool:
    """Load all weights but the image tower's.

    Returns:
        False if the names in the file are not those of the model.
    """
    if checkpoint.suffix != ".safetensors":
        return False
    with safe_open(checkpoint, "pt") as file:
        names = [name for name in file.keys() if not name.startswith("visual.")]  # noqa: SIM118
        expected = {name for name in model.state_dict() if not name.startswith("visual.")}
        if set(names) != expected:
            return False
        model.load_state_dict({name: file.get_tensor(name) for name in names}, strict=False)
    return True


def load_tokenizer(spec: ModelSpec, tokenizer_dir: Path | None) -> Any:
    """Load the tokenizer of a model: texts to tokens (n, context).

    It is read from `tokenizer_dir`, None if open_clip ships it.
    """
    if tokenizer_dir is None:
        return open_clip.get_tokenizer(spec.architecture)
    # What get_tokenizer() would build, but from a folder: by name it asks the hub for news.
    text_cfg = spec.config()["text_cfg"]
    return HFTokenizer(
        str(tokenizer_dir),
        context_length=text_cfg.get("context_length", open_clip.tokenizer.DEFAULT_CONTEXT_LENGTH),
        tokenizer_mode=text_cfg.get("tokenizer_mode"),
        **text_cfg.get("tokenizer_kwargs", {}),
    )
