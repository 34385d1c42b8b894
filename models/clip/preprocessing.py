"""A checkpoint's own preprocessing of images, done on the device that then looks at them."""

from __future__ import annotations

import numpy as np
import torch
from open_clip.transform import ResizeKeepRatio
from PIL import Image
from torchvision.transforms import Compose, Normalize  # type: ignore[import-untyped]

SMALL_PX = 448
"""Pictures with a shorter side below this stay with Pillow: it is quick with them, and to enlarge
them torchvision's way differs more (cosine 0.998 for one of 100 x 64 with the embedded model)."""


def works_on_tensors(preprocess: Compose) -> bool:
    """Whether `preprocess_on` can do this; open_clip's own resizing (longest side) knows PIL only.

    Everything else in its preprocessing of validation images comes from torchvision and takes both.
    """
    return not any(isinstance(step, ResizeKeepRatio) for step in preprocess.transforms)


def preprocess_on(device: torch.device, image: Image.Image, preprocess: Compose) -> torch.Tensor:
    """The steps of `preprocess` on `device`: bytes travel, and are resized and normalised there.

    Antialiased as Pillow's are, torchvision's resizes differ by a step of 255 at most. On a CPU
    they are slower than Pillow's: by 1.7 times from 1000x750 to 224, by 1.2 squashed to 256.

    Args:
        device: where to work. Towards CUDA the bytes are page-locked, so that their transfer and
            all that follows is queued while the caller prepares the next image.
        image: upright RGB of any size.
        preprocess: open_clip's for validation images, where `works_on_tensors`.

    Returns:
        (3, h, w) float32 on `device`, of the mean and standard deviation of the checkpoint.
    """
    if min(image.size) < SMALL_PX:
        small: torch.Tensor = preprocess(image)
        return small.to(device)
    size = (image.height, image.width, 3)
    frame = torch.empty(size, dtype=torch.uint8, pin_memory=device.type == "cuda")  # (h, w, 3)
    frame.numpy()[:] = np.asarray(image)
    pixels = frame.to(device, non_blocking=True).permute(2, 0, 1)  # (3, h, w)
    for step in preprocess.transforms:
        if isinstance(step, Normalize):
            pixels = pixels.float() / 255
        pixels = step(pixels)
    return pixels
