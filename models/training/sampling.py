"""Images and texts of each step, as a function of its number."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch

from models.training.augment import plain_views
from models.training.training_set import TrainingSet

EPOCHS_KEPT = 2  # a batch touches one pass over its source, or the end of one and the next


def seed_everything(*numbers: int) -> None:
    """Seed torch from a tuple of numbers."""
    torch.manual_seed(int(np.random.SeedSequence(numbers).generate_state(1, np.uint32)[0]))


class Sampler:
    """Batches of a fixed mixture of sources.

    Each source is shuffled again on every pass.
    """

    def __init__(
        self,
        data: TrainingSet,
        batch_size: int,
        seed: int,
        device: torch.device,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        """Prepare the sources.

        On a GPU the images move to its memory, where cropping costs next to nothing.
        """
        self._texts = [group.texts for group in data.groups]
        self._batch_size, self._seed = batch_size, seed
        self._rank, self._world = rank, world
        on_gpu = device.type == "cuda"
        self._pixels = [s.pixels.to(device) if on_gpu else s.pixels for s in data.sources]
        self._opinions = [source.opinions for source in data.sources]
        self._rows = [source.rows.to(device) for source in data.sources]
        self._groups = [source.groups.to(device) for source in data.sources]
        self.counts = share_out(batch_size, [source.share for source in data.sources])
        self._orders: dict[tuple[int, int], torch.Tensor] = {}

    def batch(self, number: int) -> tuple[list[torch.Tensor], torch.Tensor, torch.Tensor | None]:
        """Draw batch `number`.

        Returns:
            Per source (b_i, s_i, s_i, 3) uint8, or its cached features, then the groups of all,
            (b,), and the teacher's opinions of all, (b, c) float32, if there are any.
        """
        pixels, groups, opinions = [], [], []
        index = number * self._world + self._rank
        for source, count in enumerate(self.counts):
            if count:
                positions = self._walk(source, index * count, count)
                rows = self._rows[source][positions]
                pixels.append(self._pixels[source][rows])
                groups.append(self._groups[source][positions])
                if (logits := self._opinions[source]) is not None:
                    opinions.append(logits[rows.cpu()].float().to(rows.device))
        return pixels, torch.cat(groups), torch.cat(opinions) if opinions else None

    def draw_texts(self, groups: torch.Tensor) -> list[str]:
        """Draw one text of each group."""
        choices = torch.rand(len(groups)).tolist()
        candidates = [self._texts[group] for group in groups.tolist()]
        return [texts[int(u * len(texts))] for texts, u in zip(candidates, choices, strict=True)]

    def clean_views(self, batches: int, size: int) -> Iterator[torch.Tensor]:
        """Yield batches without augmentation: (b, 3, size, size) float32 in [0, 1]."""
        for number in range(batches):
            pixels, _, _ = self.batch(number)
            yield torch.cat([plain_views(images, size) for images in pixels])

    def _walk(self, source: int, start: int, count: int) -> torch.Tensor:
        """Return `count` positions from `start` of an endless walk over the source."""
        n = len(self._groups[source])
        parts = []
        while count:
            epoch, offset = divmod(start, n)
            part = self._order(source, epoch)[offset : offset + count]
            parts.append(part)
            start, count = start + len(part), count - len(part)
        return torch.cat(parts)

    def _order(self, source: int, epoch: int) -> torch.Tensor:
        key = (source, epoch)
        if key not in self._orders:
            self._orders = {
                (s, e): order
                for (s, e), order in self._orders.items()
                if s != source or e > epoch - EPOCHS_KEPT
            }
            shuffle = np.random.default_rng((self._seed, source, epoch))
            order = shuffle.permutation(len(self._groups[source]))
            self._orders[key] = torch.from_numpy(order).to(self._groups[source].device)
        return self._orders[key]


def share_out(total: int, shares: list[float]) -> list[int]:
    """Split `total` in proportion to `shares` (largest remainders)."""
    exact = [total * share / sum(shares) for share in shares]
    counts = [math.floor(x) for x in exact]
    by_remainder = sorted(range(len(shares)), key=lambda i: counts[i] - exact[i])
    for i in by_remainder[: total - sum(counts)]:
        counts[i] += 1
    return counts
