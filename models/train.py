"""Train a CLIP model on images and texts.

    python -m models.train --config models/pocket/train.yaml            start
    python -m models.train --config models/pocket/train.yaml --resume   continue from the checkpoint
    torchrun --nproc-per-node 4 -m models.train --config ...            use several GPUs

`train` below is one stage, in the order it runs. A recipe may have several stages, each of which
starts from the weights of the previous one. Every step draws its images, crops and texts from its
own seed, so a resumed run continues to the same curve.

Shape letters: b batch, d width, s side of a view in pixels, c classes.
"""

from __future__ import annotations

import logging
import math
import time
from pathlib import Path
from typing import Annotated, Any

import open_clip
import torch
import torch.distributed as dist
import torch.nn.functional as F  # noqa: N812 - its customary name
import typer
from torch.optim.swa_utils import AveragedModel, update_bn

from models.clip.encoder import choose_device
from models.command_line import in_sentences
from models.evaluation.calibration import best_logit_scale
from models.training.augment import random_views
from models.training.backbone import load_backbone, start_from
from models.training.cached_views import cache_views, split_tower
from models.training.config import TrainConfig, read_recipe
from models.training.distillation import distill_text, load_teacher, make_teacher
from models.training.losses import MAX_SCALE, LockedTextLoss, in_batch_terms
from models.training.network import (
    create_model,
    image_size,
    load_local_tokenizer,
    pixel_normalizer,
    register_architecture,
)
from models.training.optimization import (
    average_gradients,
    interpolate_weights,
    learning_rate_share,
    moving_average,
)
from models.training.progress import format_duration, listen_for_stop, log
from models.training.run_files import Curve, export, load_checkpoint, save_checkpoint
from models.training.sampling import Sampler, seed_everything
from models.training.text_bank import build_text_bank
from models.training.text_encoding import has_bfloat16
from models.training.training_set import TrainingSet, load_labelled_images, load_training_set
from models.training.validation import evaluate, top1

CLEAN_BATCHES = 50  # without augmentation, to estimate what batch norm needs at the final size
STOPPED = 130  # exit status after Ctrl-C, as shells have it


def train(config: TrainConfig, resume: bool = False) -> Path | None:
    """Run one stage to its end.

    Returns:
        The file of the finished weights, or None if the run was stopped.

    Raises:
        ModelError: the data, architecture or checkpoint is unusable.
    """
    # ---------------------------------------------------------------- device
    device, rank, world = choose_device(config.device), 0, 1
    if dist.is_torchelastic_launched():  # torchrun sets rank and world size
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        rank, world = dist.get_rank(), dist.get_world_size()
        if device.type == "cuda":
            device = torch.device("cuda", dist.get_node_local_rank())
    bf16 = has_bfloat16(device) if config.bf16 is None else config.bf16
    torch.set_flush_denormal(True)  # denormals late in a run slow down CPUs
    seed_everything(config.seed)
    config.out.mkdir(parents=True, exist_ok=True)
    checkpoint = config.out / "checkpoint.pt"
    saved = load_checkpoint(checkpoint, config) if resume else None

    # ---------------------------------------------------------------- data
    data = load_training_set(config) if config.sources else TrainingSet([], [], {})
    validation = load_labelled_images(config, config.validation) if config.validation else None

    # ---------------------------------------------------------------- model and loss
    architecture = register_architecture(config.architecture)
    tokenize = load_local_tokenizer(architecture, config.weights_dir)
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
        bank = build_text_bank(model, tokenize, data, config, device)
        trained["loss"] = LockedTextLoss(bank, config.alike).to(device)
    elif not config.sources:
        for name, parameter in model.named_parameters():
            parameter.requires_grad = not name.startswith("visual.")
    teacher = load_teacher(config.teacher, tokenize, device) if config.teacher else None

    # ---------------------------------------------------------------- frozen part
    encode_image: Any = torch.compile(model.visual) if config.compile else model.visual
    if config.learning_blocks is not None:
        model.eval()  # batch norms keep the statistics of the backbone
        model.visual.head.train()
        frozen, encode_image = split_tower(model.visual, config.learning_blocks)
        for parameter in frozen.parameters():
            parameter.requires_grad = False
        teach = make_teacher(backbone, frozen, config.learning_blocks)
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

    # ---------------------------------------------------------------- checkpoint
    first = 0
    if saved is not None:
        first = saved["step"]
        trained.load_state_dict(saved["trained"])
        average.load_state_dict(saved["average"])
        optimizer.load_state_dict(saved["optimizer"])
    curve = Curve(config.out, first) if rank == 0 else None

    # ---------------------------------------------------------------- the loop
    stop_requested = listen_for_stop()
    started = written = time.monotonic()
    if config.learning_blocks is None:
        model.train()
    for step in range(first, config.steps):
        lr = config.lr * learning_rate_share(step, config.steps, config.warmup_steps, config.hold)
        for parameter_group in optimizer.param_groups:
            parameter_group["lr"] = lr
        view = next(v for v in reversed(config.views) if step >= v.after * config.steps)

        for micro in range(step * config.accumulate, (step + 1) * config.accumulate):
            seed_everything(config.seed, micro, rank)
            terms: dict[str, torch.Tensor] = {}
            if config.sources:
                # Per source (b_i, s_i, s_i, 3) uint8 or cached features, then (b,) and (b, c).
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
                    tokens = tokenize(sampler.draw_texts(groups)).to(device)  # (b, context)
                    with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                        features = model.encode_text(tokens)  # (b, d)
                    texts = F.normalize(features.float(), dim=-1)  # (b, d)
                    scale, bias = model.logit_scale.exp(), model.logit_bias
                    terms = in_batch_terms(config.loss, images, texts, scale, bias, groups)
            if teacher is not None:
                distilled = distill_text(model, *teacher, config, micro, bf16)
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

        # ------------------------------------------------------------ report, save, stop
        done = step + 1
        stopping = stop_requested() or done == config.steps
        if curve and (done % config.log_every == 0 or stopping):
            per_step_s = (time.monotonic() - started) / (done - first)
            images_per_s = config.batch_size * config.accumulate * world / per_step_s
            curve.add(done, lr=lr, images_per_s=images_per_s, loss=loss, grad_norm=norm, **terms)
            log(
                f"step {done}/{config.steps}  loss {loss.item():.3f}  {images_per_s:.0f} images/s  "
                f"{format_duration(per_step_s * (config.steps - done))} left"
            )
        if curve and validation and done % config.validate_every == 0:
            embeddings = evaluate(average.module, tokenize, normalize, validation, size)
            accuracy = top1(*embeddings, validation.labels)
            curve.add(done, validation_top1=accuracy)
            log(f"step {done}/{config.steps}  zero-shot top-1 on {validation.name} {accuracy:.1%}")
        if curve and (stopping or time.monotonic() - written > config.checkpoint_minutes * 60):
            state = {"step": done, "trained": trained.state_dict()}
            state |= {"average": average.state_dict(), "optimizer": optimizer.state_dict()}
            save_checkpoint(checkpoint, config, state)
            curve.draw()
            written = time.monotonic()
        if stopping and done < config.steps:
            log(f"Stopped after step {done} of {config.steps}; --resume goes on from there.")
            return None

    # ---------------------------------------------------------------- the finished weights
    finished: Any = average.module
    if config.blend < 1:
        interpolate_weights(create_model(architecture, config), finished, 1 - config.blend)
    if config.sources and config.learning_blocks is None:
        views_of_all = sampler.clean_views(CLEAN_BATCHES, size)
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            update_bn((normalize(views) for views in views_of_all), finished.visual)
    if curve and validation:
        embeddings = evaluate(finished, tokenize, normalize, validation, size)
        accuracy = top1(*embeddings, validation.labels)
        curve.add(config.steps, validation_top1=accuracy)
        log(f"finished  zero-shot top-1 on {validation.name} {accuracy:.1%}")
        if config.text == "locked":  # the loss trained its own temperatures
            scale = best_logit_scale(*embeddings, validation.labels.numpy())
            finished.logit_scale.data.fill_(math.log(scale))
        curve.draw()
    if world > 1:
        dist.destroy_process_group()
    return export(finished, config, architecture) if rank == 0 else config.finished


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
            log(f"{stage.out.name} is finished.")
            path = stage.finished
            continue
        started = (stage.out / "checkpoint.pt").is_file() or not stage.staged
        path = train(stage, resume and started)
        if path is None:
            raise typer.Exit(STOPPED)
    log(f"The finished weights are {path}.")


if __name__ == "__main__":
    typer.run(main)
