"""What a run would be, before it is one: its size, its memory, its length, and the time that a step takes here."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from salm.model.encoders import Observation
from salm.model.hub import build_frozen
from salm.model.network import Network
from salm.model.text import RobertaTower, SentenceTower, States, TextTower, Tokens
from salm.scenes.dataset import Batch, SceneBatches
from salm.training.config import TrainConfig
from salm.training.corpora import OpenCorpora, open_corpora
from salm.training.devices import OneProcess
from salm.training.loading import Lessons
from salm.training.schedule import Schedule
from salm.training.sentences import ReadAhead, Reader
from salm.training.towers import TextInput
from salm.training.trainer import Trainer

__all__ = ["PROBE", "describe"]

PROBE = 2
"""Windows in the batch that is tried out."""

_SENTENCE_TOKENS = 24
_BYTES_A_WEIGHT, _BYTES_A_TRAINED_WEIGHT = 4, 16
_GB = 1e9


def describe(config: TrainConfig, *, device: str = "cpu") -> dict[str, Any]:
    """What the run would train, with one step of it tried out on a small batch.

    Returns
    -------
    dict
        Parameters that are trained and frozen; ``memory_gb``, an estimate for one process with its whole share of the
        batch (weights, gradients, Adam's two moments, and what the tried step kept for its backward pass, scaled to
        the micro-batch); scenes, sounds and steps; ``step_s``, the time of a step with the whole batch on this
        machine; ``loader_s``, the time of its scenes with the run's workers; ``hours`` for the run here. What needs
        fixed scenes is None as long as they are not made, and ``missing`` says which.

    Raises
    ------
    InputError
        If the data that are there cannot be read.
    """
    absent = [file for file in config.scene_files if not os.path.exists(file)]
    corpora = None if absent else open_corpora(config)
    network = build_frozen(config.model)
    trained = sum(p.numel() for p in network.parameters() if p.requires_grad)
    frozen = sum(p.numel() for p in network.parameters() if not p.requires_grad)
    tried = _try_out(network, config, device=device)
    at_once = config.micro_batch_size or config.batch_size
    kept = _BYTES_A_TRAINED_WEIGHT * trained + _BYTES_A_WEIGHT * frozen + tried.kept_bytes * at_once / PROBE
    # In micro-batches every window goes forward once more.
    passes = 4 / 3 if at_once < config.batch_size else 1.0
    step_s = passes * tried.gradients_s * config.batch_size / PROBE + tried.update_s
    return {
        "model": config.model.name,
        "trained_parameters": trained,
        "frozen_parameters": frozen,
        "memory_gb": round(kept / _GB, 1),
        **(_length(config, corpora, network, step_s=step_s) if corpora else _unknown(config, absent[0])),
        "step_s": _short(step_s),
        "tried_windows": PROBE,
        "tried_step_s": _short(tried.gradients_s + tried.update_s),
    }


@dataclass(frozen=True, kw_only=True)
class _Tried:
    gradients_s: float
    update_s: float
    kept_bytes: int


def _unknown(config: TrainConfig, absent: str) -> dict[str, Any]:
    unknown = dict.fromkeys(("epoch_scenes", "scenes", "loader_s", "hours"))
    steps = None if config.epochs else config.steps
    return {**unknown, "steps": steps, "missing": f"{absent}; `salm scenes make` writes such files"}


def _length(config: TrainConfig, corpora: OpenCorpora, network: Network, *, step_s: float) -> dict[str, Any]:
    schedule = config.schedule(len(corpora.source))
    trainer = Trainer(network, config, schedule=schedule, devices=OneProcess())
    loader_s = _loader_s(trainer, corpora)
    return {
        "epoch_scenes": len(corpora.source),
        "scenes": schedule.steps * config.batch_size,
        "steps": schedule.steps,
        "loader_s": _short(loader_s),
        "hours": _short(schedule.steps * max(step_s, loader_s) / 3600),
        "missing": None,
    }


def _loader_s(trainer: Trainer, corpora: OpenCorpora) -> float:
    """Seconds that a batch's scenes and sentences take, shared out among the workers."""
    config = trainer.config
    arguments = corpora.batch_arguments(config) | {"batch_size": PROBE, "observe": trainer.observe, "batches": 2}
    lessons = Lessons(SceneBatches(**arguments), sentences=trainer.sentences, read=trainer.read.ahead)
    # The first one compiles and fills caches.
    _ = lessons[0]
    begun = time.perf_counter()
    _ = lessons[1]
    elapsed_s = time.perf_counter() - begun
    return elapsed_s * config.batch_size / PROBE / max(1, config.workers)


def _try_out(network: Network, config: TrainConfig, *, device: str) -> _Tried:
    schedule = Schedule(steps=2, warmup_steps=0)
    trainer = Trainer(network, config, schedule=schedule, devices=OneProcess(device))
    trainer.read = _Unread(network.text)
    batch = _made_up(network, config)
    kept: dict[int, int] = {}
    weights = {p.untyped_storage().data_ptr() for p in network.parameters()}

    def keep(value: Tensor) -> Tensor:
        storage = value.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return value

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda value: value):
        trainer.step(batch, 0)
    begun = time.perf_counter()
    trainer.gradients(batch, 1)
    computed = time.perf_counter()
    trainer.update(1)
    return _Tried(gradients_s=computed - begun, update_s=time.perf_counter() - computed, kept_bytes=sum(kept.values()))


class _Unread(Reader[TextTower]):
    """Sentences of usual length, whatever they say: the time that they take does not depend on the words."""

    def __call__(self, sentences: Sequence[str], *, ahead: ReadAhead | None = None) -> TextInput:
        """Tokens for a tower that is trained; what a frozen tower, or what is frozen of it, would have said before."""
        del ahead
        tower = self.tower
        if isinstance(tower, RobertaTower):
            ids = torch.randint(5, tower.roberta.config.vocab_size, (len(sentences), _SENTENCE_TOKENS))
            return Tokens(ids, torch.ones_like(ids))
        if isinstance(tower, SentenceTower) and not tower.frozen:
            states = torch.randn(len(sentences), _SENTENCE_TOKENS, tower.token_dim)
            return States(states, torch.ones(len(sentences), _SENTENCE_TOKENS, dtype=torch.long))
        return torch.randn(len(sentences), tower.dim)


def _made_up(network: Network, config: TrainConfig) -> Batch[Observation]:
    """A batch of noise from all around."""
    rng = np.random.default_rng(0)
    foa = 0.1 * rng.standard_normal((PROBE, 4, config.model.features.window_samples), dtype=np.float32)
    direction = torch.nn.functional.normalize(torch.from_numpy(foa[:, 1:, 0]), dim=-1)
    names = [f"noise {number}" for number in range(PROBE)]
    return Batch(
        observation=network.observe(torch.from_numpy(foa)),
        direction=direction,
        sector=torch.arange(PROBE),
        located=torch.ones(PROBE, dtype=torch.bool),
        captions=names,
        spatial_captions=names,
        rivals=[[name] * 7 for name in names],
        same_sound=torch.eye(PROBE, dtype=torch.bool),
        same_scene=torch.eye(PROBE, dtype=torch.bool),
    )


def _short(duration: float) -> float:
    """Three digits of a duration, which may be hours or a millisecond."""
    return float(f"{duration:.3g}")
