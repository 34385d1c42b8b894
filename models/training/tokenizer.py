"""Training of an English and Korean tokenizer for open_clip.

    python -m models.training.tokenizer models/pocket/texts --out models/pocket

CLIP's own tokenizer cuts Korean into bytes, three for a syllable. A unigram model (Kudo 2018)
trained on both languages keeps words and stems whole.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers, processors, trainers
from tokenizers import models as tokenizer_models

from models.command_line import in_sentences
from models.errors import ModelError
from models.training.texts import hurried, read_texts

PAD, UNKNOWN, END = "<pad>", "<unk>", "</s>"
CONTEXT = 48  # tokens: twice the longest caption
SPACE = "\u2581"


def train_tokenizer(texts: Iterable[str], size: int) -> Tokenizer:
    """Train a unigram tokenizer of `size` pieces.

    Text is normalised to NFKC and lower case. The end token has the highest id, because open_clip
    uses the output at the highest id as the embedding of the text.

    Text is brought to NFKC and lower case. The end of a text has the highest number, because
    open_clip takes the output at the highest token of a text as the embedding of the text.
    """
    tokenizer = Tokenizer(tokenizer_models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFKC(),
            normalizers.Lowercase(),
            normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Strip(),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Punctuation("isolated"),
            pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="first"),
        ]
    )
    trainer = trainers.UnigramTrainer(
        vocab_size=size - 1,
        special_tokens=[PAD, UNKNOWN],
        unk_token=UNKNOWN,
        initial_alphabet=common_syllables(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    pieces = [(piece, score) for piece, score in json.loads(tokenizer.to_str())["model"]["vocab"]]
    tokenizer.model = tokenizer_models.Unigram([*pieces, (END, 0.0)], unk_id=1, byte_fallback=False)
    tokenizer.add_special_tokens([PAD, UNKNOWN, END])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {END}", special_tokens=[(END, len(pieces))]
    )
    return tokenizer


def common_syllables() -> list[str]:
    """List the 2,350 Hangul syllables of KS X 1001."""
    syllables = (chr(code) for code in range(ord("가"), ord("힣") + 1))
    return [syllable for syllable in syllables if len(syllable.encode("euc_kr")) == 2]


def write_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Write `tokenizer.json` and `tokenizer_config.json` for `transformers.AutoTokenizer`."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": CONTEXT,
        "padding_side": "right",
        "pad_token": PAD,
        "unk_token": UNKNOWN,
        "eos_token": END,
    }
    text = json.dumps(config, indent=2)
    (folder / "tokenizer_config.json").write_text(text + "\n", encoding="utf-8")


@in_sentences
def main(
    tables: Annotated[list[Path], typer.Argument(help="CSVs of en and ko, or folders of them.")],
    out: Annotated[Path, typer.Option(help="The folder of the model.")],
    size: Annotated[int, typer.Option(help="How many pieces.")] = 22_000,
    seed: Annotated[int, typer.Option(help="Of the spaces that are left out.")] = 0,
) -> None:
    """Train a tokenizer for English and Korean."""
    meanings = read_texts(tables_in(tables))
    meanings += hurried(meanings, random.Random(seed))
    texts = [text for meaning in meanings for text in (*meaning.en, *meaning.ko)]
    if not texts:
        raise ModelError("There is no text to train on.")
    tokenizer = train_tokenizer(texts, size)
    write_tokenizer(tokenizer, out)
    typer.echo(f"{tokenizer.get_vocab_size()} pieces from {len(texts)} texts in {out}.")


def tables_in(paths: Iterable[Path]) -> list[Path]:
    """List the CSVs among `paths` and in folders, except held-out ones."""
    tables: list[Path] = []
    for path in paths:
        candidates = sorted(path.glob("*.csv")) if path.is_dir() else [path]
        tables += [table for table in candidates if not table.name.startswith("held-out")]
    return tables


if __name__ == "__main__":
    typer.run(main)
