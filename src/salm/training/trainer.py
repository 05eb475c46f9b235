"""The training loop: resumable at any step, logged as JSON lines, validated on scenes of the val split."""

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from salm.errors import InputError
from salm.evaluation.confidence import calibrated
from salm.model.config import ModelConfig, to_mapping
from salm.model.encoders import Observation
from salm.model.hub import build_frozen, load, save, tag_labels, write_config
from salm.model.inference import Model
from salm.model.network import Network
from salm.scenes.captions import DIRECTION_PHRASINGS, direction_sentence
from salm.scenes.dataset import Batch, SceneBatches
from salm.training.augment import mask_features
from salm.training.checkpoint import load_checkpoint, save_checkpoint
from salm.training.config import TrainConfig
from salm.training.corpora import OpenCorpora, open_corpora
from salm.training.losses import contrastive, direction_of_arrival, label_distillation, nearest_sentence, total
from salm.training.schedule import warmup_cosine
from salm.training.sentences import SentenceCache
from salm.training.validation import Validation
from salm.whole import written_whole

__all__ = ["CALIBRATION_SCENES", "calibrate", "describe", "loss_terms", "train"]

log = logging.getLogger(__name__)

CHECKPOINT_NAME, LOG_NAME = "checkpoint.safetensors", "log.jsonl"
LOG_STEPS = 50

CALIBRATION_SCENES = 400
"""Scenes of the val split that the confidence of a trained model is fitted on."""


@dataclass(frozen=True, kw_only=True)
class _Sentences:
    """Sentences that no batch carries: the eight directions in every phrasing, and AudioSet's labels."""

    directions: tuple[tuple[str, ...], ...]
    labels: tuple[str, ...]

    @classmethod
    def of(cls, config: TrainConfig) -> "_Sentences":
        facing = config.model.facing
        directions = tuple(
            tuple(direction_sentence(sector, phrasing=phrasing, facing=facing) for sector in range(8))
            for phrasing in DIRECTION_PHRASINGS
        )
        return cls(directions=directions, labels=tuple(f"The sound of {label}." for label in tag_labels()))


def train(config: TrainConfig, out: str | Path, *, init: str | Path | None = None) -> Path:
    """Train a model into a folder, or go on where a killed run stopped; the folder of the finished model.

    The folder then holds ``config.json`` and ``model.safetensors`` (the model), ``train.json`` (this run),
    ``log.jsonl`` (loss terms and validation against steps) and the last checkpoint.

    Parameters
    ----------
    init
        Model whose weights a new run starts from, as :func:`salm.model.hub.load` takes it; None starts at random.

    Raises
    ------
    InputError
        If a corpus or the model to start from cannot be read, or the latter has other sizes.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(config.seed)
    model = build_frozen(config.model) if init is None else _initial(init, config.model)
    optimizer = _optimizer(model, config)
    checkpoint = out / CHECKPOINT_NAME
    start = load_checkpoint(checkpoint, model=model, optimizer=optimizer) if checkpoint.exists() else 0
    (out / "train.json").write_text(json.dumps(to_mapping(config), indent=1) + "\n", encoding="utf-8")
    corpora = open_corpora(config)
    validation = Validation(config, corpora)
    cache, sentences = SentenceCache(model.text), _Sentences.of(config)
    batches = _batches(config, SceneBatches(**corpora.batch_arguments(config), observe=model.observe), start)
    _keep_log(out / LOG_NAME, steps=start)
    with (out / LOG_NAME).open("a", encoding="utf-8") as journal, tqdm(total=config.steps, initial=start) as bar:
        for step, batch in enumerate(batches, start):
            record = _step(model, optimizer, cache, sentences, batch, config, step)
            done = step + 1
            bar.update()
            if done % LOG_STEPS == 0:
                bar.set_postfix(angle_deg=f"{record['angle_deg']:.1f}", loss=f"{record['loss']:.2f}")
                _write(journal, {"step": done, "time_s": time.time(), **record})
            if done % config.validation_steps == 0 or done == config.steps:
                _write(journal, {"step": done, "validation": validation(model)})
            if done % config.checkpoint_steps == 0 or done == config.steps:
                save_checkpoint(checkpoint, model=model, optimizer=optimizer, step=done)
    try:
        finished = _calibrated(model, config.model, corpora, seed=config.seed)
    except ValueError as error:
        log.warning("The confidence is not calibrated: %s", error)
        finished = config.model
    save(model, finished, out)
    return out


def _initial(name: str | Path, wanted: ModelConfig) -> Network:
    model, config = load(name)
    if replace(config, name=wanted.name, confidence=wanted.confidence) != wanted:
        raise InputError(f"{name} is another model than {wanted.name}; a run starts from weights of the same sizes.")
    return model


def calibrate(folder: str | Path, config: TrainConfig) -> ModelConfig:
    """Calibrate the confidence of a finished model once more; of its folder only ``config.json`` is written anew.

    Its digest changes, and an index that was made before refuses it.

    Parameters
    ----------
    folder
        Of the model, as :func:`train` leaves it.
    config
        The run whose first corpus and seed are used.

    Returns
    -------
    ModelConfig
        What ``config.json`` now holds.

    Raises
    ------
    InputError
        If the model or the corpus cannot be read.
    ValueError
        If all or none of the scenes are located right; nothing is written then.
    """
    network, model = load(folder)
    finished = _calibrated(network, model, open_corpora(config), seed=config.seed)
    write_config(finished, Path(folder))
    return finished


def _calibrated(network: Network, config: ModelConfig, corpora: OpenCorpora, *, seed: int) -> ModelConfig:
    """The configuration with weights of the confidence, fitted on the val split of the first corpus."""
    corpus = corpora.validation[0][0]
    weights = calibrated(Model(network, config), corpus, scenes=CALIBRATION_SCENES, seed=seed)
    return replace(config, confidence=weights)


def describe(config: TrainConfig) -> dict[str, Any]:
    """What a run would train: sounds, scenes and parameters, without training it."""
    corpora = open_corpora(config)
    model = build_frozen(config.model)
    return {
        "model": config.model.name,
        "trained_parameters": sum(p.numel() for p in _trained(model)),
        "frozen_parameters": sum(p.numel() for p in model.parameters() if not p.requires_grad),
        "train_sounds": sum(len(corpus.sounds) for corpus, _ in corpora.train),
        "val_sounds": sum(len(corpus.sounds) for corpus, _ in corpora.validation),
        "scenes": config.steps * config.batch_size,
        "steps": config.steps,
    }


def loss_terms(
    model: Network, batch: Batch[Observation], cache: SentenceCache, sentences: _Sentences, *, step: int, rivals: int
) -> tuple[dict[str, Float[Tensor, ""]], Float[Tensor, "batch 3"]]:
    """Every named term of the loss of one batch, and the predicted directions."""
    heard = model(batch.observation)
    wrong = [sentence for group in batch.rivals for sentence in group[:rivals]]
    directions = sentences.directions[step % len(sentences.directions)]
    labels = sentences.labels if batch.observation.tag_logits.shape[1] else ()
    groups = [batch.captions, batch.spatial_captions, wrong, list(directions), list(labels)]
    embedded = model.text_projection(cache([sentence for group in groups for sentence in group]))
    caption, spatial, rival, direction, label = embedded.split([len(group) for group in groups])
    scale = model.scale
    terms = {
        "cl": contrastive(heard.semantic, caption, scale=scale, positives=batch.same_sound),
        "scl": contrastive(
            heard.joint,
            spatial,
            scale=scale,
            positives=batch.same_scene,
            rivals=rival.unflatten(0, (len(batch.captions), -1)) if rivals else None,
        ),
        "doa": direction_of_arrival(heard.direction, batch.direction),
        "sentence": nearest_sentence(heard.spatial, direction, scale=scale, sector=batch.sector),
    }
    if labels:
        terms["labels"] = label_distillation(
            heard.semantic, label, scale=scale, tag_logits=batch.observation.tag_logits
        )
    return terms, heard.direction


def _step(
    model: Network,
    optimizer: torch.optim.Optimizer,
    cache: SentenceCache,
    sentences: _Sentences,
    batch: Batch[Observation],
    config: TrainConfig,
    step: int,
) -> dict[str, float]:
    # Everything random in a step comes from its number, so that a resumed run equals an uninterrupted one.
    torch.manual_seed(config.seed * 1_000_003 + step)
    model.train()
    if config.mask_features:
        generator = torch.Generator().manual_seed(config.seed * 1_000_003 + step)
        masked = mask_features(batch.observation.features, generator=generator)
        batch = batch._replace(observation=batch.observation._replace(features=masked))
    for group in optimizer.param_groups:
        share = warmup_cosine(step, warmup_steps=config.warmup_steps, steps=config.steps)
        group["lr"] = config.learning_rate * share
    with torch.autocast("cpu", torch.bfloat16, enabled=config.bfloat16):
        terms, predicted = loss_terms(model, batch, cache, sentences, step=step, rivals=config.rivals)
        loss = total(terms, config.losses)
    optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(_trained(model), config.clip_norm)
    optimizer.step()
    model.clamp_scale()
    cosine = torch.nn.functional.cosine_similarity(predicted.detach().float(), batch.direction)
    angle_deg = torch.rad2deg(cosine.clamp(-1, 1).arccos()).median()
    return {
        "loss": loss.item(),
        "angle_deg": angle_deg.item(),
        **{name: term.item() for name, term in terms.items()},
        "scale": model.scale.item(),
    }


def _optimizer(model: Network, config: TrainConfig) -> torch.optim.Optimizer:
    matrices = [p for p in _trained(model) if p.ndim > 1]
    vectors = [p for p in _trained(model) if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.999), eps=1e-8, fused=True)


def _trained(model: Network) -> list[torch.nn.Parameter]:
    return [p for p in model.parameters() if p.requires_grad]


def _batches(config: TrainConfig, dataset: SceneBatches[Observation], start: int) -> Iterator[Batch[Observation]]:
    loader: DataLoader[Batch[Observation]] = DataLoader(
        cast(Dataset[Batch[Observation]], dataset),
        batch_size=None,
        sampler=range(start, config.steps),
        num_workers=config.workers,
        prefetch_factor=4 if config.workers else None,
        worker_init_fn=_one_thread,
    )
    return iter(loader)


def _one_thread(worker: int) -> None:
    del worker
    torch.set_num_threads(1)


def _keep_log(path: Path, *, steps: int) -> None:
    """Drop what a killed run logged after its last checkpoint: those steps are done and logged once more."""
    if path.exists():
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        # The last line may be half written.
        whole = [line for line in lines if line.endswith("\n")]
        with written_whole(path) as part:
            part.write_text("".join(line for line in whole if json.loads(line)["step"] <= steps), encoding="utf-8")


def _write(journal: Any, record: dict[str, Any]) -> None:
    journal.write(json.dumps(record) + "\n")
    journal.flush()
