"""Text embeddings by a sentence encoder, as targets of a text tower.

    python -m models.training.sentence_targets --config models/pocket/texts.yaml

Korean texts get the target of their English translation: the tower learns to put both in one place
("Making Monolingual Sentence Embeddings Multilingual using Knowledge Distillation", Reimers and
Gurevych 2020).

Shape letters: n texts, d width.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - its customary name
import typer
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from tqdm import tqdm

from models.command_line import in_sentences
from models.errors import ModelError
from models.interfaces import Embeddings
from models.training.compose import compose, read_slots
from models.training.texts import Meaning, hurried, in_templates, read_texts
from models.training.tokenizer import tables_in

log = logging.getLogger(__name__)

BATCH = 256
MAX_TOKENS = 48


class Table(BaseModel):
    """Tables of texts and how they are used."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path
    """A CSV of `en` and `ko`, or a folder of them."""
    times: int = 1
    """How often each text is among the targets."""
    templates: int = 0
    """Into how many templates each short name is put."""


class TextsConfig(BaseModel):
    """Sources of the targets. Paths are relative to the working directory."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoder: Path
    """A folder of a sentence encoder as transformers saves it, such as all-MiniLM-L6-v2."""
    out: Path
    """The `.npz` of texts and embeddings."""
    tables: tuple[Table, ...]
    slots: Path | None = None
    """Building blocks of composed captions."""
    composed: int = 0
    """How many captions are composed."""
    seed: int = 0


def read_texts_config(path: Path) -> TextsConfig:
    """Read the YAML.

    Raises:
        ModelError: it cannot be read, or a value is invalid.
    """
    try:
        return TextsConfig.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} is no YAML of keys and values.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise ModelError(f"{path}: {where}: {first['msg']}.") from error


def gather(config: TextsConfig) -> list[Meaning]:
    """Collect all texts of a run, shuffled by its seed."""
    rng = random.Random(config.seed)
    meanings: list[Meaning] = []
    for table in config.tables:
        table_texts = read_texts(tables_in([table.path]))
        meanings += in_templates(table_texts, rng, table.templates)
        for _ in range(table.times):
            meanings += table_texts + hurried(table_texts, rng)
    if config.slots is not None:
        composed = compose(read_slots(config.slots), config.composed, rng)
        meanings += composed + hurried(composed, rng)
    return meanings


class SentenceEncoder:
    """A BERT of sentence-transformers with mean pooling, from files of this machine."""

    def __init__(self, folder: Path) -> None:
        """Load the encoder.

        Raises:
            ModelError: there is no such encoder.
        """
        from transformers import AutoModel, AutoTokenizer

        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            self._model: Any = AutoModel.from_pretrained(folder, local_files_only=True).eval()
        except (OSError, ValueError) as error:
            raise ModelError(
                f"{folder} is no sentence encoder as transformers saves it."
            ) from error

    @torch.inference_mode()
    def encode(self, texts: Sequence[str]) -> Embeddings:
        """Embed texts: (n, d) float32, rows of norm 1."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))  # little padding in a batch
        parts = []
        for start in tqdm(range(0, len(order), BATCH), desc="encoding", leave=False, disable=None):
            batch = [texts[i] for i in order[start : start + BATCH]]
            tokens = self._tokenizer(
                batch, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
            )
            states = self._model(**tokens).last_hidden_state  # (b, tokens, d)
            mask = tokens["attention_mask"][..., None]  # (b, tokens, 1)
            parts.append(F.normalize((states * mask).sum(1) / mask.sum(1), dim=-1))
        rows = torch.cat(parts).numpy()
        embeddings: Embeddings = np.empty_like(rows)
        embeddings[order] = rows
        return embeddings


def targets_of(
    meanings: Sequence[Meaning], encoder: SentenceEncoder
) -> tuple[list[str], Embeddings]:
    """Compute the target of every text.

    The mean of all English embeddings is subtracted, because it does not distinguish texts. Texts
    without English are left out.

    Returns:
        (n,) texts and (n, d) float32, rows of norm 1.
    """
    english = list(dict.fromkeys(text for meaning in meanings for text in meaning.en))
    embeddings = encoder.encode(english)
    embeddings -= embeddings.mean(axis=0)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    row_of = {text: row for row, text in enumerate(english)}
    texts: list[str] = []
    rows: list[Embeddings] = []
    for meaning in meanings:
        targets = [embeddings[row_of[text]] for text in meaning.en]
        if not targets:
            continue
        shared = np.mean(targets, axis=0)
        texts += [*meaning.en, *meaning.ko]
        rows += [*targets, *[shared / np.linalg.norm(shared)] * len(meaning.ko)]
    return texts, np.stack(rows)


@in_sentences
def main(
    config: Annotated[Path, typer.Option(help="What the targets are made of, a YAML file.")],
) -> None:
    """Write the targets of a text tower."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    settings = read_texts_config(config)
    meanings = gather(settings)
    texts, embeddings = targets_of(meanings, SentenceEncoder(settings.encoder))
    settings.out.parent.mkdir(parents=True, exist_ok=True)
    with settings.out.open("wb") as file:
        np.savez(file, texts=np.array(texts), embeddings=embeddings.astype(np.float16))
    typer.echo(f"{len(texts)} texts of {len(meanings)} meanings in {settings.out}.")


if __name__ == "__main__":
    typer.run(main)
