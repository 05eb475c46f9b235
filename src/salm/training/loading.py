"""The batches of a run, made by its loader processes, which also read the sentences where they can."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch.utils.data import DataLoader, Dataset

from salm.errors import InputError
from salm.scenes.dataset import Batch, SceneBatches
from salm.training.corpora import OpenCorpora
from salm.training.sentences import ReadAhead
from salm.training.terms import Told
from salm.training.trainer import Trainer

__all__ = ["Lesson", "Lessons", "open_lessons"]


class Lesson(NamedTuple):
    """One batch and what could be read of its sentences."""

    batch: Batch[Any]
    ahead: ReadAhead | None


class Lessons(Dataset[Lesson]):
    """The lessons of a run, by step.

    Parameters
    ----------
    batches
        What is heard, and said of it.
    sentences
        Which sentences the loss of a batch needs at a step.
    read
        What can be read of them; None leaves the reading to the step.
    """

    def __init__(
        self,
        batches: SceneBatches[Any],
        *,
        sentences: Callable[[Batch[Any], int], Told],
        read: Callable[[list[str]], ReadAhead | None] | None,
    ) -> None:
        self.batches, self.sentences, self.read = batches, sentences, read

    def __getitem__(self, step: int) -> Lesson:
        """The lesson of a step."""
        batch = self.batches[step]
        return Lesson(batch, self.read(self.sentences(batch, step).of_batch) if self.read else None)


def open_lessons(trainer: Trainer, corpora: OpenCorpora, start: int) -> Iterator[Lesson]:
    """The lessons of a run from a step on, its process's share of each.

    Raises
    ------
    InputError
        While iterating, if a sound cannot be read.
    """
    config, devices = trainer.config, trainer.devices
    batches: SceneBatches[Any] = SceneBatches(
        **corpora.batch_arguments(config),
        observe=trainer.observe,
        batches=trainer.schedule.steps,
        part=(devices.rank, devices.count),
    )
    # A faster device than the loaders' own reads itself; so does one process for all, which then knows all it has read.
    here = devices.device.type == "cpu" and config.workers
    loader: DataLoader[Lesson] = DataLoader(
        Lessons(batches, sentences=trainer.sentences, read=trainer.read.ahead if here else None),
        batch_size=None,
        sampler=range(start, trainer.schedule.steps),
        num_workers=config.workers,
        prefetch_factor=4 if config.workers else None,
        worker_init_fn=_one_thread,
        pin_memory=devices.device.type == "cuda",
    )
    return _in_one_line(iter(loader))


def _in_one_line(lessons: Iterator[Lesson]) -> Iterator[Lesson]:
    try:
        yield from lessons
    except InputError as error:
        # Out of a loader process a message comes with everything that was called, itself last.
        raise InputError(str(error).rpartition(f"{InputError.__module__}.InputError: ")[2].strip()) from None


def _one_thread(worker: int) -> None:
    del worker
    torch.set_num_threads(1)
