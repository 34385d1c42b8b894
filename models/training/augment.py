"""Random views of image batches, on the device of the images."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812 - its customary name

MAX_ASPECT = 4 / 3


def random_views(pixels: torch.Tensor, size: int, smallest_area: float) -> torch.Tensor:
    """Crop, mirror and recolour each image at random.

    The random resized crop is that of Szegedy et al. 2015 ("Going Deeper with Convolutions"), done
    for the whole batch by one affine sampling. Half of the views are mirrored.

    Args:
        pixels: (b, h, w, 3) uint8.
        size: The side of a view in pixels.
        smallest_area: The least share of the image that a view shows, in (0, 1].

    Returns:
        (b, 3, size, size) float32 in [0, 1].
    """
    b, device = len(pixels), pixels.device

    def uniform(low: float, high: float) -> torch.Tensor:
        return torch.rand(b, device=device) * (high - low) + low  # (b,)

    area, log_aspect = uniform(smallest_area, 1.0), uniform(-1.0, 1.0) * math.log(MAX_ASPECT)
    width = (area * log_aspect.exp()).sqrt().clamp(max=1.0)  # (b,) share of the picture's width
    height = (area / log_aspect.exp()).sqrt().clamp(max=1.0)  # (b,)
    mirrored = torch.where(uniform(0.0, 1.0) < 0.5, -1.0, 1.0)  # (b,)
    crop = torch.zeros(b, 2, 3, device=device)
    crop[:, 0, 0], crop[:, 0, 2] = width * mirrored, (1 - width) * uniform(-1.0, 1.0)
    crop[:, 1, 1], crop[:, 1, 2] = height, (1 - height) * uniform(-1.0, 1.0)
    where = F.affine_grid(crop, [b, 3, size, size], align_corners=False)  # (b, size, size, 2)
    views = pixels.permute(0, 3, 1, 2).float() / 255  # (b, 3, h, w)
    views = F.grid_sample(views, where, padding_mode="reflection", align_corners=False)

    def per_image(values: torch.Tensor) -> torch.Tensor:
        return values[:, None, None, None]  # (b, 1, 1, 1)

    grey = views.mean(1, keepdim=True)  # (b, 1, size, size)
    saturation = torch.where(uniform(0.0, 1.0) < 0.08, 0.0, uniform(0.6, 1.4))
    views = grey + (views - grey) * per_image(saturation)
    mean = views.mean((1, 2, 3), keepdim=True)  # (b, 1, 1, 1)
    views = (views - mean) * per_image(uniform(0.7, 1.3)) + mean * per_image(uniform(0.7, 1.3))
    return views.clamp(0.0, 1.0)


def plain_views(pixels: torch.Tensor, size: int) -> torch.Tensor:
    """Resize images to views in [0, 1].

    (b, h, w, 3) uint8 -> (b, 3, size, size) float32.
    """
    views = pixels.permute(0, 3, 1, 2).float() / 255  # (b, 3, h, w)
    if views.shape[-2:] != (size, size):
        views = F.interpolate(views, (size, size), mode="bicubic", antialias=True)
    return views.clamp(0.0, 1.0)
