"""The batches of a run, made by its loader processes."""

from collections.abc import Iterator
from typing import Any, cast

import torch
from torch.utils.data import DataLoader, Dataset

from salm.errors import InputError
from salm.scenes.dataset import Batch, SceneBatches
from salm.training.corpora import OpenCorpora
from salm.training.trainer import Trainer

__all__ = ["open_batches"]


def open_batches(trainer: Trainer, corpora: OpenCorpora, start: int) -> Iterator[Batch[Any]]:
    """The batches of a run from a step on, its process's share of each.

    Raises
    ------
    InputError
        While iterating, if a sound cannot be read.
    """
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
    return _in_one_line(iter(loader))


def _in_one_line(batches: Iterator[Batch[Any]]) -> Iterator[Batch[Any]]:
    try:
        yield from batches
    except InputError as error:
        # Out of a loader process a message comes with everything that was called, itself last.
        last = str(error).strip().splitlines()[-1]
        raise InputError(last.removeprefix(f"{InputError.__module__}.InputError: ")) from None


def _one_thread(worker: int) -> None:
    del worker
    torch.set_num_threads(1)
