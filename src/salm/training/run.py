"""A training run: resumable at any step, logged, validated on scenes of another split, and a model in the end."""

import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from salm.errors import InputError
from salm.evaluation.confidence import calibrated
from salm.model.config import ModelConfig, to_mapping
from salm.model.hub import load, save, write_config
from salm.model.inference import Model
from salm.model.network import Network
from salm.scenes.corpora import open_corpus
from salm.training.checkpoint import (
    Best,
    RunState,
    load_checkpoint,
    load_weights,
    read_state,
    save_checkpoint,
    save_weights,
)
from salm.training.config import TrainConfig
from salm.training.corpora import OpenCorpora, open_corpora
from salm.training.devices import open_devices
from salm.training.journal import Journal
from salm.training.loading import open_lessons
from salm.training.progress import Pace, Progress
from salm.training.start import initial
from salm.training.trainer import Trainer
from salm.training.validation import Validation, check_figure, is_better
from salm.whole import written_whole

__all__ = ["CALIBRATION_SCENES", "calibrate", "train"]

log = logging.getLogger(__name__)

CALIBRATION_SCENES = 1000
"""Scenes of the validation split that the confidence of a trained model is fitted on, and a fifth as many with
procedural sounds."""


@dataclass(frozen=True, kw_only=True)
class _Folder:
    """Where a run keeps what it writes, by its first process only."""

    path: Path
    writes: bool

    @property
    def last(self) -> Path:
        """The last checkpoint."""
        return self.path / "checkpoint.safetensors"

    @property
    def best(self) -> Path:
        """The best weights so far."""
        return self.path / "best.safetensors"

    def begin(self, config: TrainConfig, *, resumed: bool) -> None:
        """Say what the run is, and if it goes on as another one than it was."""
        if not self.writes:
            return
        path, now = self.path / "train.json", json.loads(json.dumps(to_mapping(config)))
        if resumed and path.exists():
            try:
                before = dict(json.loads(path.read_text(encoding="utf-8")))
            except (OSError, ValueError, TypeError, RecursionError) as error:
                raise InputError(f"{path} does not say what the run is: {error}; delete it to go on.") from error
            if changed := [name for name in now if before.get(name) != now[name]]:
                log.warning("The run goes on with other settings than it began with: %s.", ", ".join(changed))
        with written_whole(path) as part:
            part.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")


def train(
    config: TrainConfig, out: str | Path, *, init: str | Path | None = None, device: str = "cpu", threads: int = 0
) -> Path:
    """Train a model into a folder, or go on where a killed run stopped; the folder of the finished model.

    The folder then holds ``config.json`` and ``model.safetensors`` (the model), ``train.json`` (this run),
    ``log.jsonl`` (loss terms, speed and validation against steps), ``checkpoint.safetensors`` (the last one) and
    ``best.safetensors`` (the weights that were best in validation, which the model is made of).

    A run that was killed at any step and is started again ends with the same weights, bit for bit, as one that was not,
    on the same machine with the same release of torch.

    Parameters
    ----------
    init
        Model whose weights a new run starts from, as :func:`salm.model.hub.load` takes it; None starts at random.
    device
        Where it computes, if it is not one of several processes.
    threads
        Threads that torch computes with. A checkpoint remembers them, since with another number sums are rounded
        otherwise; 0 takes those of the checkpoint, or torch's own choice for a new run.

    Raises
    ------
    InputError
        If a corpus or the model to start from cannot be read, the latter has other sizes, the batch cannot be shared
        out evenly, a checkpoint was computed with other threads, the loss is not finite, or a file cannot be written.
    """
    devices = open_devices(device)
    if config.batch_size % devices.count:
        raise InputError(f"batch_size is {config.batch_size} but must be a multiple of the {devices.count} processes.")
    folder = _Folder(path=Path(out), writes=devices.is_first)
    with _computing(config, threads=_threads(folder.last, threads)):
        torch.manual_seed(config.seed)
        network, model = initial(config, init=init)
        config = replace(config, model=model)
        if config.best_by is not None:
            check_figure(config.best_by, has_direction=network.has_direction)
        corpora = open_corpora(config)
        trainer = Trainer(network, config, schedule=config.schedule(len(corpora.source)), devices=devices)
        state = RunState(step=0, threads=torch.get_num_threads())
        if resumed := folder.last.exists():
            state = load_checkpoint(folder.last, model=network, optimizer=trainer.optimizer)
        folder.begin(config, resumed=resumed)
        state = _run(trainer, corpora, folder, state)
        if folder.writes:
            _take_best(network, folder, state)
            save(network, _finished(network, config, corpora), folder.path)
        devices.wait()
    return folder.path


def _threads(checkpoint: Path, asked: int) -> int:
    """With how many threads a run computes; 0 is torch's own choice."""
    state = read_state(checkpoint)
    if state is None:
        return asked
    if asked and asked != state.threads:
        raise InputError(
            f"{checkpoint} was computed with {state.threads} threads, and with {asked} the run would end with other "
            "weights; leave --threads out, or train into another folder."
        )
    if state.torch != torch.__version__:
        log.warning("The run began with torch %s and may not go on to the same bits.", state.torch)
    return state.threads


@contextmanager
def _computing(config: TrainConfig, *, threads: int) -> Iterator[None]:
    """A context in which torch computes as a run wants it to."""
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    if threads:
        torch.set_num_threads(threads)
    if config.deterministic:
        # What cuBLAS asks for, before it is first used.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])


def _run(trainer: Trainer, corpora: OpenCorpora, folder: _Folder, state: RunState) -> RunState:
    config, steps, start = trainer.config, trainer.schedule.steps, state.step
    validation = Validation(config, corpora) if folder.writes else None
    journal = Journal(folder.path, steps=start, tensorboard=config.tensorboard) if folder.writes else None
    pace = Pace(config.batch_size)
    with Progress(start=start, steps=steps, clips=config.batch_size, quiet=not folder.writes) as progress:
        for step, lesson in enumerate(pace.waiting(open_lessons(trainer, corpora, start)), start):
            with pace.working():
                record = trainer.step(lesson.batch, step, ahead=lesson.ahead)
            progress.step(record)
            state, is_last, is_best = replace(state, step=step + 1), step + 1 == steps, False
            if journal and (state.step % config.log_steps == 0 or is_last):
                journal.note({"step": state.step, "time_s": time.time(), **record, **pace.taken()})
            if journal and validation and (state.step % config.validation_steps == 0 or is_last):
                figures = validation(trainer.network)
                journal.note({"step": state.step, "validation": figures})
                is_best = _is_best(config.best_by, figures, state)
                if is_best:
                    state = replace(state, best=Best(step=state.step, value=figures[str(config.best_by)]))
                    save_weights(folder.best, model=trainer.network, state=state)
            # The best weights never are of a step that the run would have to find again.
            if folder.writes and (state.step % config.checkpoint_steps == 0 or is_last or is_best):
                save_checkpoint(folder.last, model=trainer.network, optimizer=trainer.optimizer, state=state)
            trainer.devices.wait()
    if journal:
        journal.close()
    return state


def _is_best(name: str | None, figures: dict[str, float], state: RunState) -> bool:
    return name is not None and (state.best is None or is_better(name, figures[name], than=state.best.value))


def _take_best(network: Network, folder: _Folder, state: RunState) -> None:
    if state.best is None:
        return
    kept = read_state(folder.best)
    if kept is None or kept.best != state.best:
        log.warning(
            "The weights of step %d, the best, are not in %s; the last ones are taken.", state.best.step, folder.best
        )
        return
    load_weights(folder.best, model=network)


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
