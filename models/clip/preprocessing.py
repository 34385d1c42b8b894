"""A checkpoint's image preprocessing, run on the encoder's device."""

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
    """Check that `preprocess_on` supports all steps.

    open_clip's own resizing (longest side) only works on PIL images. All other steps come from
    torchvision and take both.
    """
    return not any(isinstance(step, ResizeKeepRatio) for step in preprocess.transforms)


def preprocess_on(device: torch.device, image: Image.Image, preprocess: Compose) -> torch.Tensor:
    """Resize and normalise an image on `device`.

    The bytes are transferred and processed there. Antialiased as Pillow's are, torchvision's
    resizes differ by at most one step of 255. On a CPU they are slower than Pillow's: by 1.7 times
    from 1000x750 to 224, by 1.2 squashed to 256.

    Args:
        device: Where to work. For CUDA the bytes are page-locked, so that the transfer and all that
            follows is queued while the caller prepares the next image.
        image: Upright RGB of any size.
        preprocess: open_clip's for validation images, if `works_on_tensors`.

    Returns:
        (3, h, w) float32 on `device`, with the mean and standard deviation of the checkpoint.
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
