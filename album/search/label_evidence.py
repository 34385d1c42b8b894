"""Labels of a query as evidence, beside what photos look like.

A label is believed: its photos are sure, those labelled by a person before those labelled by a
rule, and a photo that a person refused for it is no hit. What merely looks like it follows. Looks
make a photo sure only where they also find most of the labelled photos: of a name such as that of
a grandmother, which no model can know, they are a maybe at best.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import chain

import numpy as np
import numpy.typing as npt

from album.encoding.score_calibration import DOUBT_FROM, MAYBE, SURE, Calibrated, LogOdds
from album.storage.database import Database
from album.storage.label_evidence import REFUSED, Evidence, read_evidence

LABEL_BONUS = 1.5  # log-odds beyond sure, or, refused, below maybe
KNOWN = 0.4  # share of the labelled photos that looks must find: names got 0, things 0.46 to 1
DOUBTED = float(np.nextafter(np.float32(SURE), np.float32(0)))

Ids = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class LabelEvidence:
    """Evidence for the visual parts of one query that name labels."""

    def __init__(
        self, database: Database, labels: Iterable[tuple[str, tuple[str, ...]]], ids: Ids
    ) -> None:
        """Read the labels of (n,) photos, by the texts that name them."""
        texts = dict(labels)
        by_label = read_evidence(database, chain(*texts.values()), ids)
        self._by_text: dict[str, Evidence] = {
            text: np.minimum.reduce([by_label[label] for label in dict.fromkeys(names)])
            for text, names in texts.items()
        }

    def of(self, texts: Iterable[str]) -> Evidence | None:
        """Return the (n,) evidence for all texts, None unless each names labels."""
        evidence = [self._by_text.get(text) for text in texts]
        known = [one for one in evidence if one is not None]
        return np.minimum.reduce(known) if known and len(known) == len(evidence) else None

    def calibrated(self, text: str, looks: Calibrated) -> Calibrated:
        """Return how photos look, none of them sure if looks miss the labelled ones."""
        evidence = self._by_text.get(text)
        if evidence is None or not (evidence > 0).any():
            return looks
        if np.mean(looks.log_odds[evidence > 0] >= MAYBE) >= KNOWN:
            return looks
        highest = np.float32(DOUBTED)
        return replace(
            looks,
            log_odds=np.minimum(looks.log_odds, highest),
            logits=np.minimum(looks.logits, highest),
        )

    def believed(self, text: str, looks: LogOdds) -> LogOdds:
        """Return (n,) log-odds of looks with what the labels say."""
        evidence = self._by_text.get(text)
        if evidence is None:
            return looks
        labelled = np.maximum(looks, np.float32(SURE)) + np.float32(LABEL_BONUS)
        refused = np.minimum(looks, np.float32(MAYBE)) - np.float32(LABEL_BONUS)
        log_odds: LogOdds = np.select(
            [evidence > 0, evidence == REFUSED], [labelled, refused], looks
        )
        return log_odds

    def refused(self, texts: Iterable[str], n: int) -> Flags:
        """Flag (n,) photos that a person refused for any of the texts."""
        flags = np.zeros(n, bool)
        for text in texts:
            if (evidence := self._by_text.get(text)) is not None:
                flags |= evidence == REFUSED
        return flags


def undoubted(unwanted: LogOdds, refused: Flags) -> LogOdds:
    """Return (n,) log-odds of what is unwanted, low where a person refused it."""
    return np.where(refused, np.float32(DOUBT_FROM), unwanted) if refused.any() else unwanted
