"""Train a CLIP model on pictures and words.

    python -m models.train --config models/pocket/train.yaml            begin
    python -m models.train --config models/pocket/train.yaml --resume   go on where it stopped
    torchrun --nproc-per-node 4 -m models.train --config ...            on several GPUs

`train` below is one stage, in the order it runs. A recipe may have several, each of which starts
from the weights of the one before. Every step draws its pictures, its crops and its wordings from
its own seed, so a run that was stopped continues to the same curve.

Shape letters: b batch, d width, s side of a view in pixels, c classes.
"""

from __future__ import annotations

import copy
import logging
import math
import signal
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import open_clip
import torch
import torch.distributed as dist
import torch.nn.functional as F  # noqa: N812 - its customary name
import typer
from torch.optim.swa_utils import AveragedModel, update_bn

from models.clip.encoder import choose_device, choose_dtype, tokenizer_of
from models.clip.spec import ModelSpec, register_folder
from models.clip.weights import tokenizer_on_disk
from models.command_line import in_sentences
from models.errors import ModelError
from models.evaluation.calibration import best_logit_scale
from models.interfaces import Embeddings
from models.training.augment import plain_views, random_views
from models.training.backbone import load_backbone, read_class_names, start_from
from models.training.cached_views import cache_views, split_tower, split_trunk
from models.training.config import TrainConfig, read_recipe
from models.training.losses import (
    MAX_SCALE,
    LockedTextLoss,
    TextBank,
    distillation_terms,
    in_batch_terms,
)
from models.training.run_files import Curve, export, load_checkpoint, save_checkpoint
from models.training.sampling import Sampler, seed_everything
from models.training.training_set import Pictures, TrainingSet, load_pictures, load_training_set

log = logging.getLogger(__name__)

CLEAN_BATCHES = 50  # without augmentation, to estimate what batch norm needs at the final size
UNCERTAIN = 0.25  # what it says that a caption, or a class, does not mention a common thing
PARTED = 4  # batches of texts that are drawn together and parted by length
ALIKE = 0.5  # a tag nearer than this to a class's name, but not among its tags: left open
STOPPED = 130  # exit status after Ctrl-C, as shells have it


def train(config: TrainConfig, resume: bool = False) -> Path | None:
    """Run to the end and return the finished weights' file; None where Ctrl-C came first.

    Raises:
        ModelError: data, architecture or checkpoint cannot be used.
    """
    # ---------------------------------------------------------------- where
    device, rank, world = choose_device(config.device), 0, 1
    if dist.is_torchelastic_launched():  # by torchrun, which says how many of us there are
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        rank, world = dist.get_rank(), dist.get_world_size()
        if device.type == "cuda":
            device = torch.device("cuda", dist.get_node_local_rank())
    bf16 = has_bfloat16(device) if config.bf16 is None else config.bf16
    torch.set_flush_denormal(True)  # late in a run tiny numbers make CPUs crawl
    seed_everything(config.seed)
    config.out.mkdir(parents=True, exist_ok=True)
    checkpoint = config.out / "checkpoint.pt"
    saved = load_checkpoint(checkpoint, config) if resume else None

    # ---------------------------------------------------------------- data
    data = load_training_set(config) if config.sources else TrainingSet([], [], {})
    validation = load_pictures(config, config.validation) if config.validation else None

    # ---------------------------------------------------------------- model and loss
    architecture = architecture_name(config.architecture)
    tokenize = tokenizer_for(architecture, config.weights_dir)
    model = create_model(architecture, config).to(device, memory_format=torch.channels_last)
    normalize = pixel_normalizer(model, device)
    size = image_size(model)
    trained = torch.nn.ModuleDict({"model": model})
    backbone = None
    if config.init_image is not None:
        name = open_clip.get_model_config(architecture)["vision_cfg"]["timm_model_name"]
        backbone = load_backbone(config.init_image, name)
        backbone = backbone.to(device, memory_format=torch.channels_last)
        if config.begins_from_backbone:
            start_from(backbone, model.visual)
    if config.text == "locked":
        for name, parameter in model.named_parameters():
            parameter.requires_grad = name.startswith("visual.")
        bank = encode_bank(model, tokenize, data, config, device)
        trained["loss"] = LockedTextLoss(bank, config.alike).to(device)
    elif not config.sources:
        for name, parameter in model.named_parameters():
            parameter.requires_grad = not name.startswith("visual.")
    teacher = load_teacher(config.teacher, tokenize, device) if config.teacher else None

    # ---------------------------------------------------------------- what does not learn
    encode_image: Any = torch.compile(model.visual) if config.compile else model.visual
    if config.learning_blocks is not None:
        model.eval()  # the statistics of its batch norms stay those of the backbone
        model.visual.head.train()
        frozen, encode_image = split_tower(model.visual, config.learning_blocks)
        for parameter in frozen.parameters():
            parameter.requires_grad = False
        teach = teaching(backbone, frozen, config.learning_blocks)
        data = cache_views(config, data, frozen, teach, normalize)
    sampler = Sampler(data, config.batch_size, config.seed, device, rank, world)

    # ---------------------------------------------------------------- optimiser
    parameters = [p for p in trained.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        [  # gains, biases and temperatures are not decayed
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": config.weight_decay},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ],
        lr=config.lr,
        betas=config.betas,
    )
    average = AveragedModel(model, multi_avg_fn=moving_average(config.ema), use_buffers=True)

    # ---------------------------------------------------------------- go on where it stopped
    first = 0
    if saved is not None:
        first = saved["step"]
        trained.load_state_dict(saved["trained"])
        average.load_state_dict(saved["average"])
        optimizer.load_state_dict(saved["optimizer"])
    curve = Curve(config.out, first) if rank == 0 else None

    # ---------------------------------------------------------------- the loop
    stop_asked = listen_for_stop()
    began = written = time.monotonic()
    if config.learning_blocks is None:
        model.train()
    for step in range(first, config.steps):
        lr = config.lr * rate(step, config.steps, config.warmup_steps, config.hold)
        for parameter_group in optimizer.param_groups:
            parameter_group["lr"] = lr
        view = next(v for v in reversed(config.views) if step >= v.after * config.steps)

        for micro in range(step * config.accumulate, (step + 1) * config.accumulate):
            seed_everything(config.seed, micro, rank)
            terms: dict[str, torch.Tensor] = {}
            if config.sources:
                # Per source (b_i, s_i, s_i, 3) uint8 or what is cached of its views; (b,); (b, c).
                pixels, groups, opinions = sampler.batch(micro)
                if config.learning_blocks is None:
                    views = [random_views(p, view.pixels, view.smallest_area) for p in pixels]
                    inputs = normalize(torch.cat(views))
                else:
                    inputs = torch.cat(pixels).float()
                if inputs.ndim == 4:
                    inputs = inputs.contiguous(memory_format=torch.channels_last)
                with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                    features = encode_image(inputs)  # (b, d)
                images = F.normalize(features.float(), dim=-1)  # (b, d)
                if config.text == "locked":
                    terms = trained["loss"](images, groups, opinions)
                else:
                    tokens = tokenize(sampler.wordings(groups)).to(device)  # (b, context)
                    with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                        features = model.encode_text(tokens)  # (b, d)
                    texts = F.normalize(features.float(), dim=-1)  # (b, d)
                    scale, bias = model.logit_scale.exp(), model.logit_bias
                    terms = in_batch_terms(config.loss, images, texts, scale, bias, groups)
            if teacher is not None:
                distilled = distillation(model, *teacher, config, micro, bf16)
                terms = distilled if not terms else terms | {"distil": distilled["distil"]}
            weights = {
                "cosine": config.cosine_weight,
                "tags": config.tag_weight,
                "opinion": config.opinion_weight,
                "distil": config.distil_weight,
            }
            weighted = [weights.get(name, 1.0) * term for name, term in terms.items()]
            loss: Any = torch.stack(weighted).sum()
            (loss / config.accumulate).backward()

        if world > 1:
            average_gradients(parameters, world)
        norm = torch.nn.utils.clip_grad_norm_(parameters, config.clip_norm)
        optimizer.step()
        optimizer.zero_grad()
        model.logit_scale.data.clamp_(0, math.log(MAX_SCALE))
        average.update_parameters(model)

        # ------------------------------------------------------------ tell, keep, stop
        done = step + 1
        stopping = stop_asked() or done == config.steps
        if curve and (done % config.log_every == 0 or stopping):
            per_step_s = (time.monotonic() - began) / (done - first)
            images_per_s = config.batch_size * config.accumulate * world / per_step_s
            curve.add(done, lr=lr, images_per_s=images_per_s, loss=loss, grad_norm=norm, **terms)
            say(
                f"step {done}/{config.steps}  loss {loss.item():.3f}  {images_per_s:.0f} images/s  "
                f"{duration(per_step_s * (config.steps - done))} left"
            )
        if curve and validation and done % config.validate_every == 0:
            seen = see(average.module, tokenize, normalize, validation, size)
            accuracy = top1(*seen, validation.labels)
            curve.add(done, validation_top1=accuracy)
            say(f"step {done}/{config.steps}  zero-shot top-1 on {validation.name} {accuracy:.1%}")
        if curve and (stopping or time.monotonic() - written > config.checkpoint_minutes * 60):
            state = {"step": done, "trained": trained.state_dict()}
            state |= {"average": average.state_dict(), "optimizer": optimizer.state_dict()}
            save_checkpoint(checkpoint, config, state)
            curve.draw()
            written = time.monotonic()
        if stopping and done < config.steps:
            say(f"Stopped after step {done} of {config.steps}; --resume goes on from there.")
            return None

    # ---------------------------------------------------------------- the finished weights
    finished: Any = average.module
    if config.blend < 1:
        mix_in(create_model(architecture, config), finished, 1 - config.blend)
    if config.sources and config.learning_blocks is None:
        views_of_all = sampler.clean_views(CLEAN_BATCHES, size)
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            update_bn((normalize(views) for views in views_of_all), finished.visual)
    if curve and validation:
        seen = see(finished, tokenize, normalize, validation, size)
        accuracy = top1(*seen, validation.labels)
        curve.add(config.steps, validation_top1=accuracy)
        say(f"finished  zero-shot top-1 on {validation.name} {accuracy:.1%}")
        if config.text == "locked":  # the loss had temperatures of its own, and left this one
            scale = best_logit_scale(*seen, validation.labels.numpy())
            finished.logit_scale.data.fill_(math.log(scale))
        curve.draw()
    if world > 1:
        dist.destroy_process_group()
    return export(finished, config, architecture) if rank == 0 else config.finished


# ------------------------------------------------------------------------------------- the model


def architecture_name(name_or_path: str) -> str:
    """The name that open_clip knows the architecture by, after telling it of a folder or a JSON.

    Raises:
        ModelError: there is no such architecture or file.
    """
    path = Path(name_or_path)
    if path.is_dir():
        register_folder(path, path.name)
        return path.name
    if name_or_path.endswith(".json"):
        if not path.is_file():
            raise ModelError(f"There is no architecture file {path}.")
        open_clip.add_model_config(path)
        return path.stem
    if name_or_path not in open_clip.list_models():
        raise ModelError(f'open_clip knows no architecture "{name_or_path}".')
    return name_or_path


def tokenizer_for(architecture: str, weights_dir: Path) -> Any:
    """What turns texts into tokens (n, context), from this machine's files alone.

    Raises:
        ModelError: open_clip ships none for this architecture, and none is here.
    """
    spec = ModelSpec(architecture, architecture, None, None)
    folder = tokenizer_on_disk(spec, weights_dir)
    if spec.tokenizer_repo() and folder is None:
        raise ModelError(
            f"The tokenizer of {architecture} is not in {weights_dir} yet: start the album with "
            "that model once, where it can reach the network."
        )
    return tokenizer_of(spec, folder)


def create_model(architecture: str, config: TrainConfig) -> Any:
    """The model on the CPU in float32, random or from `init`.

    Raises:
        ModelError: `init` is missing, broken, or of another architecture.
    """
    siglip = {"init_logit_scale": math.log(10), "init_logit_bias": -10.0}
    extra = siglip if config.loss == "siglip" else {}
    if config.init is None:
        return open_clip.create_model(architecture, pretrained_image=False, **extra)
    if not config.init.is_file():
        raise ModelError(f"There is no checkpoint {config.init} to start from.")
    try:
        return open_clip.create_model(
            architecture, pretrained=str(config.init), pretrained_image=False, **extra
        )
    except (RuntimeError, OSError, ValueError, KeyError) as error:
        raise ModelError(f"{config.init} is damaged or not of {architecture}.") from error


def image_size(model: Any) -> int:
    """Pixels of the square that the image tower is made for."""
    size = model.visual.image_size
    return int(size[0] if isinstance(size, tuple | list) else size)


def pixel_normalizer(model: Any, device: torch.device) -> Callable[[torch.Tensor], torch.Tensor]:
    """(b, 3, s, s) in [0, 1] -> what the image tower expects, on its device."""
    mean, std = (
        torch.tensor(values, device=device)[:, None, None]
        for values in (model.visual.image_mean, model.visual.image_std)
    )

    def normalize(views: torch.Tensor) -> torch.Tensor:
        views = (views.to(device) - mean) / std
        return views.contiguous(memory_format=torch.channels_last)

    return normalize


# ------------------------------------------------------------------------------------- the words


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device computes in bfloat16 itself. Emulated it is several times slower."""
    return choose_dtype(device) is torch.bfloat16


@torch.no_grad()
def encode_words(model: Any, tokenize: Any, texts: Sequence[str]) -> torch.Tensor:
    """(n, d) float32, rows of norm 1."""
    device = model.logit_scale.device
    rows = []
    for i in range(0, len(texts), 256):
        tokens = tokenize(list(texts[i : i + 256])).to(device)  # (256, context)
        with torch.autocast(device.type, torch.bfloat16, enabled=has_bfloat16(device)):
            features = encode_trimmed(model, tokens)  # (256, d)
        rows.append(F.normalize(features.float(), dim=-1))
    return torch.cat(rows)


def encode_bank(
    model: Any, tokenize: Any, data: TrainingSet, config: TrainConfig, device: torch.device
) -> TextBank:
    """All the words of the training set as the locked text tower has them."""
    model.eval()
    distinct = list(dict.fromkeys(text for group in data.groups for text in group.texts))
    row_of = {text: row for row, text in enumerate(distinct)}
    rows = encode_words(model, tokenize, distinct)  # (n, d)
    counts = torch.tensor([len(group.texts) for group in data.groups])  # (g,)
    wordings = rows.new_zeros(len(data.groups), int(counts.max()), rows.shape[1])  # (g, v, d)
    for number, group in enumerate(data.groups):
        wordings[number, : len(group.texts)] = rows[[row_of[text] for text in group.texts]]

    names = list(data.tags)
    languages = list(zip(*data.tags.values(), strict=True)) if names else []
    tags = [encode_words(model, tokenize, words) for words in languages]  # 2 x (k, d)
    tagged = torch.tensor([[float(name in g.tags) for name in names] for g in data.groups])
    captions = torch.tensor([group.source < 0 for group in data.groups])  # (g,)
    certainty = torch.ones_like(tagged)  # (g, k)
    if names:
        certainty[:, [names.index(t) for t in config.context_tags if t in data.tags]] = UNCERTAIN
        certainty[captions] = UNCERTAIN
        alike = wordings[:, 0].cpu() @ tags[0].T.cpu() > ALIKE  # (g, k): neither true nor false
        certainty[alike] = 0.0
        certainty[tagged > 0] = 1.0
        certainty[:, tagged.sum(0) == 0] = 0.0  # of no picture: it would only learn to say no
    return TextBank(
        wordings,
        counts.to(device),
        torch.tensor([group.source for group in data.groups], device=device),
        torch.stack(tags) if names else rows.new_zeros(1, 0, rows.shape[1]),
        tagged.to(device),
        certainty.to(device),
        encode_classes(model, tokenize, config.class_names) if config.class_names else None,
    )


def encode_classes(model: Any, tokenize: Any, class_names: Path) -> torch.Tensor:
    """The names of a backbone's classes in English and in Korean: (2, c, d), rows of norm 1.

    Raises:
        ModelError: the table cannot be read.
    """
    names = read_class_names(class_names)
    languages = []
    for language in (0, 1):
        cells = [names[number][language].split("|") for number in sorted(names)]
        rows = encode_words(model, tokenize, [name for cell in cells for name in cell])
        parts = torch.split(rows, [len(cell) for cell in cells])
        means = [some.mean(0) for some in parts]
        languages.append(F.normalize(torch.stack(means), dim=-1))
    return torch.stack(languages)


def teaching(
    backbone: Any, frozen: torch.nn.Module, learning_blocks: int
) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """How views (b, 3, s, s), and what the frozen part makes of them, become the teacher's logits.

    Where the frozen part is the backbone's own, the backbone goes on from there.
    """
    if backbone is None:
        return lambda views, _made: views.new_zeros(len(views), 0)
    same, rest = split_trunk(backbone, learning_blocks)
    if repr(same) == repr(frozen):  # the same layers, also in how they pad
        return lambda _views, made: backbone.get_classifier()(rest(made))
    return lambda views, _made: backbone(views)


def load_teacher(
    path: Path, tokenize: Any, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """A sentence encoder's texts as tokens (n, context), and what it makes of them (n, d).

    Raises:
        ModelError: it is no .npz of `texts` and `embeddings` of one length.
    """
    try:
        with np.load(path) as arrays:
            texts, embeddings = arrays["texts"].tolist(), torch.from_numpy(arrays["embeddings"])
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{path} is no .npz of texts and embeddings.") from error
    if len(texts) != len(embeddings):
        raise ModelError(f"{path} has {len(texts)} texts but {len(embeddings)} embeddings.")
    return tokenize(texts).to(device), F.normalize(embeddings.float(), dim=-1).to(device)


def distillation(
    model: Any,
    tokens: torch.Tensor,
    targets: torch.Tensor,
    config: TrainConfig,
    micro: int,
    bf16: bool,
) -> dict[str, torch.Tensor]:
    """How far the text tower is from the teacher on a batch of the teacher's texts.

    Four batches are drawn together and parted by length, so that little of a batch is padding.

    Args:
        model: The model that learns.
        tokens: (n, context) of all texts, 0 behind their ends.
        targets: (n, d), rows of norm 1.
        config: The run.
        micro: The number of the batch.
        bf16: Whether to compute in bfloat16.
    """
    turn, part = divmod(micro, PARTED)
    draw = torch.Generator().manual_seed(config.seed * 1_000_003 + turn)
    rows = torch.randint(0, len(tokens), (PARTED * config.batch_size,), generator=draw)
    lengths = (tokens[rows] != 0).sum(1)  # (4 b,)
    rows = rows[lengths.argsort()].view(PARTED, -1)[(part + turn) % PARTED]
    with torch.autocast(tokens.device.type, torch.bfloat16, enabled=bf16):
        features = encode_trimmed(model, tokens[rows])  # (b, d)
    return distillation_terms(F.normalize(features.float(), dim=-1), targets[rows])


def encode_trimmed(model: Any, tokens: torch.Tensor) -> torch.Tensor:
    """Features (b, d) of tokens (b, context), without the padding that all of a batch share.

    A causal tower gives the same with and without it: what follows the end is not looked at.
    """
    tower: Any = getattr(model, "text", None)
    mask = getattr(tower, "attn_mask", None)
    if mask is None or tower.pool_type != "argmax":
        features: torch.Tensor = model.encode_text(tokens)
        return features
    longest = int((tokens != 0).sum(1).max())
    try:
        tower.attn_mask = mask[:longest, :longest]
        features = model.encode_text(tokens[:, :longest])
    finally:
        tower.attn_mask = mask
    return features


# ---------------------------------------------------------------------------------- the progress


def rate(step: int, steps: int, warmup: int, hold: float) -> float:
    """Share of the peak learning rate: up in a line, held for a while, down in a cosine to 0."""
    if step < warmup:
        return (step + 1) / warmup
    begin = max(warmup, hold * steps)
    if step < begin:
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (step - begin) / (steps - begin)))


@torch.no_grad()
def see(
    model: Any,
    tokenize: Any,
    normalize: Callable[[torch.Tensor], torch.Tensor],
    pictures: Pictures,
    size: int,
) -> tuple[Embeddings, Embeddings]:
    """What the averaged weights make of pictures (n, d) and of their classes' names (c, d)."""
    model = copy.deepcopy(model).eval()
    names = [encode_words(model, tokenize, words).mean(0) for words in pictures.names]
    rows = []
    for start in range(0, len(pictures.labels), 256):
        views = normalize(plain_views(pictures.pixels[start : start + 256], size))
        with torch.autocast(views.device.type, torch.bfloat16, enabled=has_bfloat16(views.device)):
            features = model.visual(views)  # (256, d)
        rows.append(F.normalize(features.float(), dim=-1))
    classes = F.normalize(torch.stack(names), dim=-1)
    return torch.cat(rows).cpu().numpy(), classes.cpu().numpy()


def top1(embeddings: Embeddings, classes: Embeddings, labels: torch.Tensor) -> float:
    """Share of the pictures whose nearest class is their own."""
    return float(((embeddings @ classes.T).argmax(axis=1) == labels.numpy()).mean())


def moving_average(decay: float) -> Any:
    """For `AveragedModel`: each step moves the average 1 - `decay` of the way to the weights.

    torch's own makes NaN of the infinities in an attention mask, which is one of the buffers.
    """

    @torch.no_grad()
    def move(averages: Sequence[torch.Tensor], currents: Sequence[torch.Tensor], _: Any) -> None:
        for average, current in zip(averages, currents, strict=True):
            if average.is_floating_point() and bool(average.isfinite().all()):
                average.lerp_(current, 1 - decay)
            else:
                average.copy_(current)

    return move


@torch.no_grad()
def mix_in(other: Any, model: Any, share: float) -> None:
    """Move every weight of `model` by `share` of the way to that of `other`."""
    for weight, theirs in zip(model.parameters(), other.parameters(), strict=True):
        weight.lerp_(theirs.to(weight.device), share)


def average_gradients(parameters: Sequence[torch.nn.Parameter], world: int) -> None:
    """What DistributedDataParallel does, for models that are called in two halves."""
    for parameter in parameters:
        if parameter.grad is not None:
            dist.all_reduce(parameter.grad)
            parameter.grad /= world


def listen_for_stop() -> Callable[[], bool]:
    """Ctrl-C and termination end the run after the step that is under way; twice, at once."""
    asked = threading.Event()

    def ask(number: int, _frame: object) -> None:
        asked.set()
        signal.signal(number, signal.default_int_handler)

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, ask)
        signal.signal(signal.SIGTERM, ask)

    def stop_asked() -> bool:
        if not dist.is_initialized():
            return asked.is_set()
        votes = torch.tensor(float(asked.is_set()))
        dist.all_reduce(votes)  # all stop after the same step, or the others would wait for ever
        return bool(votes)

    return stop_asked


def duration(seconds: float) -> str:
    """`1 h 05 min`, `12 min`, `40 s`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def say(sentence: str) -> None:
    """Progress, from one process only."""
    if not dist.is_initialized() or dist.get_rank() == 0:
        typer.echo(sentence)


@in_sentences
def main(
    config: Annotated[Path, typer.Option(help="The recipe, a YAML file.")],
    resume: Annotated[bool, typer.Option(help="Go on from the last checkpoint.")] = False,
    override: Annotated[
        list[str] | None, typer.Option("--set", help="key=value instead of the recipe's.")
    ] = None,
) -> None:
    """Train a CLIP model by a recipe."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    path: Path | None = None
    for stage in read_recipe(config, override or []):
        if resume and stage.finished.is_file():
            say(f"{stage.out.name} is finished.")
            path = stage.finished
            continue
        started = (stage.out / "checkpoint.pt").is_file() or not stage.staged
        path = train(stage, resume and started)
        if path is None:
            raise typer.Exit(STOPPED)
    say(f"The finished weights are {path}.")


if __name__ == "__main__":
    typer.run(main)
