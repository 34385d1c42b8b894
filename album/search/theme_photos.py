"""What a search needs to know of the themes of an album."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt


class ThemePhotos(Protocol):
    """What knows the photos of each theme."""

    def photo_ids(self, key: int) -> npt.NDArray[np.int64]:
        """Return (n,) photos of a theme, the most typical first.

        Raises:
            QueryError: there is no such theme.
        """
