"""The training loop: resumable at any step, logged as JSON lines, validated on scenes of another split."""

import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from salm.errors import InputError
from salm.evaluation.confidence import calibrated
from salm.model.config import ModelConfig, to_mapping
from salm.model.encoders import Observation
from salm.model.hub import load, save, write_config
from salm.model.inference import Model
from salm.model.network import Network
from salm.scenes.corpora import open_corpus
from salm.scenes.dataset import Batch, SceneBatches
from salm.training.augment import mask_features
from salm.training.checkpoint import load_checkpoint, save_checkpoint
from salm.training.config import TrainConfig
from salm.training.corpora import OpenCorpora, open_corpora
from salm.training.devices import Devices, has_bfloat16, open_devices
from salm.training.losses import LossWeights, total
from salm.training.schedule import Schedule
from salm.training.sentences import reader
from salm.training.start import initial
from salm.training.terms import StandingSentences, loss_terms, median_angle_deg, told
from salm.training.towers import Embedded, TextInput, Towers, backward, checkpointed
from salm.training.validation import Validation
from salm.whole import written_whole

__all__ = ["CALIBRATION_SCENES", "Trainer", "calibrate", "open_batches", "train"]

log = logging.getLogger(__name__)

CHECKPOINT_NAME, LOG_NAME = "checkpoint.safetensors", "log.jsonl"
LOG_STEPS = 50

CALIBRATION_SCENES = 1000
"""Scenes of the validation split that the confidence of a trained model is fitted on, and a fifth as many with
procedural sounds."""


class Windows(NamedTuple):
    """Windows whose features are computed where the network is."""

    foa: Float[Tensor, "batch 4 time"]


class Trainer:
    """A network in training: batch after batch, it learns.

    Parameters
    ----------
    network
        What is trained, in place.
    config
        The run.
    schedule
        Its length.
    devices
        Where it computes.
    """

    def __init__(self, network: Network, config: TrainConfig, *, schedule: Schedule, devices: Devices) -> None:
        self.network, self.config, self.schedule, self.devices = network, config, schedule, devices
        if config.gradient_checkpointing:
            checkpointed(network)
        towers = Towers(network, bfloat16=config.bfloat16 and has_bfloat16(devices.device))
        if config.compile:
            towers.compile()
        self.towers = devices.wrapped(towers)
        self.optimizer = _optimizer(network, config)
        self.read: Callable[[Sequence[str]], TextInput] = reader(network.text)
        self.standing = StandingSentences.of(config.model)

    @property
    def observe(self) -> Callable[[Float[Tensor, "batch 4 time"]], Any]:
        """What the loader does with windows: features, unless a faster device than its own computes them."""
        return self.network.observe if self.devices.device.type == "cpu" else Windows

    def step(self, batch: Batch[Any], step: int) -> dict[str, float]:
        """Learn from one batch; what there is to log."""
        record = self.gradients(batch, step)
        self.update(step)
        return record | {"scale": self.network.scale.item()}

    def gradients(self, batch: Batch[Any], step: int) -> dict[str, float]:
        """Add the gradients of one batch to those of the weights; the terms of the loss."""
        self.network.train()
        batch = self._observed(_moved(batch, self.devices.device), step)
        return self._backward(batch, step, self.schedule.weights(step, self.config.losses))

    def update(self, step: int) -> None:
        """Change the weights by their gradients, which are gone then."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * self.schedule.learning_rate(step)
        nn.utils.clip_grad_norm_(_trained(self.network), self.config.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.network.clamp_scale()

    def _observed(self, batch: Batch[Any], step: int) -> Batch[Observation]:
        observation = batch.observation
        if isinstance(observation, Windows):
            observation = self.network.observe(observation.foa)
        if self.config.mask_features:
            generator = torch.Generator().manual_seed(self._seed(step, 0))
            features = mask_features(observation.features, generator=generator)
            observation = observation._replace(features=features)
        return batch._replace(observation=observation)

    def _backward(self, batch: Batch[Observation], step: int, weights: LossWeights) -> dict[str, float]:
        sentences = told(batch, self.standing, weights=weights, rivals=self.config.rivals, step=step)
        record: dict[str, float] = {}

        def loss(embedded: Embedded) -> Float[Tensor, ""]:
            terms = loss_terms(embedded, batch, sentences, weights=weights, devices=self.devices)
            summed = total(terms, weights)
            record.update({"loss": summed.item(), **{name: term.item() for name, term in terms.items()}})
            if weights.doa:
                record["angle_deg"] = median_angle_deg(embedded.direction.detach(), batch.direction)
            return summed

        size = len(batch.captions)
        pieces = -(-size // (self.config.micro_batch_size or size))
        seeds = [self._seed(step, piece) for piece in range(pieces)]
        text = _moved(self.read(sentences.all), self.devices.device)
        backward(self.towers, batch.observation, text, loss=loss, pieces=pieces, seeds=seeds, devices=self.devices)
        return record

    def _seed(self, step: int, piece: int) -> int:
        # Everything random in a step comes from its number, so that a resumed run equals an uninterrupted one.
        return int(np.random.SeedSequence([self.config.seed, step, self.devices.rank, piece]).generate_state(1)[0])


@dataclass(frozen=True, kw_only=True)
class _Folder:
    """Where a run keeps what it writes, by its first process only."""

    path: Path
    writes: bool

    def begin(self, config: TrainConfig, *, step: int) -> None:
        """Say what the run is, and forget what a killed one logged after its last checkpoint."""
        if self.writes:
            self.path.mkdir(parents=True, exist_ok=True)
            (self.path / "train.json").write_text(json.dumps(to_mapping(config), indent=1) + "\n", encoding="utf-8")
            _keep_log(self.path / LOG_NAME, steps=step)

    def note(self, record: dict[str, Any]) -> None:
        """Log a line."""
        if self.writes:
            with (self.path / LOG_NAME).open("a", encoding="utf-8") as journal:
                journal.write(json.dumps(record) + "\n")


def train(config: TrainConfig, out: str | Path, *, init: str | Path | None = None, device: str = "cpu") -> Path:
    """Train a model into a folder, or go on where a killed run stopped; the folder of the finished model.

    The folder then holds ``config.json`` and ``model.safetensors`` (the model), ``train.json`` (this run),
    ``log.jsonl`` (loss terms and validation against steps) and the last checkpoint.

    Parameters
    ----------
    init
        Model whose weights a new run starts from, as :func:`salm.model.hub.load` takes it; None starts at random.
    device
        Where it computes, if it is not one of several processes.

    Raises
    ------
    InputError
        If a corpus or the model to start from cannot be read, the latter has other sizes, or the batch cannot be shared
        out evenly.
    """
    devices = open_devices(device)
    if config.batch_size % devices.count:
        raise InputError(f"batch_size is {config.batch_size} but must be a multiple of the {devices.count} processes.")
    folder = _Folder(path=Path(out), writes=devices.is_first)
    torch.manual_seed(config.seed)
    network, model = initial(config, init=init)
    config = replace(config, model=model)
    corpora = open_corpora(config)
    schedule = config.schedule(len(corpora.source))
    trainer = Trainer(network, config, schedule=schedule, devices=devices)
    checkpoint = folder.path / CHECKPOINT_NAME
    start = load_checkpoint(checkpoint, model=network, optimizer=trainer.optimizer) if checkpoint.exists() else 0
    folder.begin(config, step=start)
    _run(trainer, corpora, folder, start=start)
    if folder.writes:
        save(network, _finished(network, config, corpora), folder.path)
    devices.wait()
    return folder.path


def _run(trainer: Trainer, corpora: OpenCorpora, folder: _Folder, *, start: int) -> None:
    config, steps = trainer.config, trainer.schedule.steps
    validation = Validation(config, corpora) if folder.writes else None
    bar = tqdm(total=steps, initial=start, unit="step", disable=None if folder.writes else True)
    for step, batch in enumerate(open_batches(trainer, corpora, start), start):
        record = trainer.step(batch, step)
        done, is_last = step + 1, step + 1 == steps
        bar.update()
        if done % LOG_STEPS == 0:
            bar.set_postfix({name: f"{record[name]:.2f}" for name in ("loss", "angle_deg") if name in record})
            folder.note({"step": done, "time_s": time.time(), **record})
        if validation and (done % config.validation_steps == 0 or is_last):
            folder.note({"step": done, "validation": validation(trainer.network)})
        if folder.writes and (done % config.checkpoint_steps == 0 or is_last):
            save_checkpoint(
                folder.path / CHECKPOINT_NAME, model=trainer.network, optimizer=trainer.optimizer, step=done
            )
        trainer.devices.wait()
    bar.close()


def _finished(network: Network, config: TrainConfig, corpora: OpenCorpora) -> ModelConfig:
    try:
        return _calibrated(network, config.model, corpora, seed=config.seed)
    except ValueError as error:
        log.warning("The confidence is not calibrated: %s", error)
        return config.model


def calibrate(folder: str | Path, config: TrainConfig) -> ModelConfig:
    """Calibrate the confidence and the cones of a finished model once more; only its ``config.json`` is written anew.

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
    """The configuration with a calibration on the validation split of the first corpus and on procedural sounds."""
    if not network.has_direction:
        return config
    device = str(next(network.parameters()).device)
    model = Model(network, config, device=device)
    procedural = open_corpus(None, split="val")
    held_out = [(corpora.validation, CALIBRATION_SCENES), (procedural, CALIBRATION_SCENES // 5)]
    found = calibrated(model, held_out, seed=seed)
    return replace(config, confidence=found.confidence, cone=found.cone)


def _optimizer(network: Network, config: TrainConfig) -> torch.optim.Optimizer:
    matrices = [p for p in _trained(network) if p.ndim > 1]
    vectors = [p for p in _trained(network) if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.999), eps=1e-8, fused=True)


def _trained(network: Network) -> list[nn.Parameter]:
    return [p for p in network.parameters() if p.requires_grad]


def _moved(value: Any, device: torch.device) -> Any:
    """A tensor, or a named tuple with tensors in it, on a device."""
    if isinstance(value, Tensor):
        return value.to(device, non_blocking=True)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_moved(part, device) for part in value))
    return value


def open_batches(trainer: Trainer, corpora: OpenCorpora, start: int) -> Iterator[Batch[Any]]:
    """The batches of a run from a step on, its process's share of each, made by the run's loader processes."""
    config, devices = trainer.config, trainer.devices
    dataset = SceneBatches(
        **corpora.batch_arguments(config),
        observe=trainer.observe,
        batches=trainer.schedule.steps,
        part=(devices.rank, devices.count),
    )
    loader: DataLoader[Batch[Any]] = DataLoader(
        cast(Dataset[Batch[Any]], dataset),
        batch_size=None,
        sampler=range(start, trainer.schedule.steps),
        num_workers=config.workers,
        prefetch_factor=4 if config.workers else None,
        worker_init_fn=_one_thread,
        pin_memory=devices.device.type == "cuda",
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
