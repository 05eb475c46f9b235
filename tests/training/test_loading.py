"""What loaders make: batches, and their sentences read before the step that needs them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from salm.model import hub
from salm.model.presets import preset
from salm.training.config import TrainConfig
from salm.training.corpora import open_corpora
from salm.training.devices import OneProcess
from salm.training.loading import open_lessons
from salm.training.schedule import Schedule
from salm.training.trainer import Trainer


@pytest.mark.parametrize("maps", [0, 2])
def test_sentences_read_ahead_change_no_bit(quick: Callable[..., TrainConfig], maps: int) -> None:
    config = quick(model=replace(preset("tiny"), text_maps=maps))

    def learned(workers: int) -> tuple[list[dict[str, float]], dict[str, Any]]:
        torch.manual_seed(0)
        run = replace(config, workers=workers)
        corpora = open_corpora(run)
        schedule = Schedule(steps=2, warmup_steps=0)
        trainer = Trainer(hub.build_frozen(run.model), run, schedule=schedule, devices=OneProcess())
        records = []
        for step, lesson in enumerate(open_lessons(trainer, corpora, 0)):
            assert (lesson.ahead is not None) == bool(workers)
            records.append(trainer.step(lesson.batch, step, ahead=lesson.ahead))
        return records, trainer.network.state_dict()

    (here, weights), (ahead, others) = learned(0), learned(1)
    assert here == ahead
    assert all(torch.equal(value, others[name]) for name, value in weights.items())
    assert len(here) == 2


def test_what_a_step_asks_for_was_read(quick: Callable[..., TrainConfig], monkeypatch: pytest.MonkeyPatch) -> None:
    config = quick(workers=1)
    corpora = open_corpora(config)
    schedule = Schedule(steps=1, warmup_steps=0)
    trainer = Trainer(hub.build_frozen(config.model), config, schedule=schedule, devices=OneProcess())
    (lesson,) = open_lessons(trainer, corpora, 0)
    assert lesson.ahead is not None
    assert set(lesson.ahead.sentences) == set(trainer.sentences(lesson.batch, 0).of_batch)
    asked: list[str] = []
    tower = trainer.network.text
    read = tower.forward
    monkeypatch.setattr(tower, "forward", lambda new: asked.extend(new) or read(new))
    trainer.step(lesson.batch, 0, ahead=lesson.ahead)
    assert not set(asked) & set(lesson.ahead.sentences)
