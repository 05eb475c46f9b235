"""Learning from batches: the losses fall, and each term is what it says."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from salm.model import hub
from salm.model.presets import preset
from salm.scenes.dataset import Batch, SceneBatches
from salm.training import trainer
from salm.training.config import TrainConfig
from salm.training.corpora import open_corpora
from salm.training.devices import OneProcess
from salm.training.losses import LossWeights
from salm.training.schedule import Schedule
from salm.training.terms import StandingSentences
from salm.training.trainer import Trainer

Quick = Callable[..., TrainConfig]


def trainer_of(config: TrainConfig, **settings: Any) -> tuple[Trainer, Batch[Any]]:
    """A trainer, and the first batch of its run."""
    torch.manual_seed(0)
    corpora = open_corpora(config)
    network = hub.build_frozen(config.model)
    made = Trainer(network, config, schedule=Schedule(steps=6, warmup_steps=0, **settings), devices=OneProcess())
    return made, SceneBatches(**corpora.batch_arguments(config), observe=made.observe, batches=6)[0]


EVERY_TERM = LossWeights(sentence=0.25, labels=0.25)


def terms(config: TrainConfig, *, step: int = 0) -> dict[str, float]:
    """Terms of the loss of a batch, without dropout."""
    made, batch = trainer_of(replace(config, model=replace(config.model, dropout=0.0), mask_features=False))
    return made.gradients(batch, step)


@pytest.mark.parametrize("pair", ["dual_htsat", "tagger_htsat"])
def test_one_small_batch_is_learned_by_heart(quick: Quick, pair: str) -> None:
    model = replace(preset("tiny"), pair=pair, intensity_maps=2 if pair == "tagger_htsat" else 0)
    config = quick(model=model, batch_size=6, rivals=7, losses=EVERY_TERM, learning_rate=3e-3, mask_features=False)
    made, batch = trainer_of(config)
    history = []
    for _ in range(80):
        history.append(made.gradients(batch, 0))
        made.update(0)
    for name in ("cl", "scl", "sentence"):
        assert history[-1][name] < 0.6 * history[0][name], name
    # A pair with a first answer for the direction begins with little to learn.
    assert history[-1]["doa"] < max(0.5 * history[0]["doa"], 0.05)


def test_adapters_of_the_text_tower_are_trained_along(quick: Quick) -> None:
    model = replace(preset("tiny"), text_adapter_rank=2, text_adapter_layers=1)
    made, batch = trainer_of(quick(model=model, micro_batch_size=3))
    before = {name: value.clone() for name, value in made.network.text.state_dict().items()}
    for step in range(2):
        made.step(batch, step)
    after = made.network.text.state_dict()
    changed = {name for name, value in after.items() if not torch.equal(value, before[name])}
    # Two factors beside each of six matrices of the one layer, and nothing of the tower itself.
    assert len(changed) == 12
    assert all(name.endswith((".up", ".down")) for name in changed)


def test_only_a_pair_with_a_tagger_learns_from_labels(quick: Quick) -> None:
    assert "labels" not in terms(quick(losses=EVERY_TERM))
    tagger = replace(preset("tiny"), pair="tagger_htsat", intensity_maps=2)
    assert terms(quick(model=tagger, losses=EVERY_TERM))["labels"] > 0


@pytest.mark.parametrize("rivals", [0, 2, 7])
def test_each_clip_has_so_many_rivals(quick: Quick, rivals: int) -> None:
    made, batch = trainer_of(quick(rivals=rivals, losses=EVERY_TERM))
    asked: list[str] = []
    read = made.read
    made.read = lambda sentences, **_: asked.extend(sentences) or read(sentences)  # type: ignore[assignment, func-returns-value]
    made.gradients(batch, 0)
    # Four captions, four with their place, the rivals, eight directions.
    assert len(asked) == 4 + 4 + 4 * rivals + 8


def test_what_does_not_count_is_not_computed(quick: Quick) -> None:
    made, batch = trainer_of(quick(losses=LossWeights(cl=0.0, scl=1.0, doa=0.0)))
    asked: list[str] = []
    read = made.read
    made.read = lambda sentences, **_: asked.extend(sentences) or read(sentences)  # type: ignore[assignment, func-returns-value]
    assert made.gradients(batch, 0).keys() == {"loss", "scl"}
    assert asked[:4] == batch.spatial_captions
    assert len(asked) == 4 + 4 * 2


def test_l_cl_joins_when_its_epoch_comes(quick: Quick) -> None:
    made, batch = trainer_of(quick(rivals=0, model=preset("tiny"), mask_features=False), cl_from_step=3)
    before, after = made.gradients(batch, 2), made.gradients(batch, 3)
    assert "cl" not in before
    assert before["loss"] == pytest.approx(before["scl"] + before["doa"], rel=1e-5)
    assert after["loss"] == pytest.approx(0.5 * (after["cl"] + after["scl"]) + after["doa"], rel=1e-5)


def test_rivals_make_the_spatial_term_harder_and_no_other(quick: Quick) -> None:
    few, many = (terms(quick(rivals=rivals, losses=EVERY_TERM)) for rivals in (0, 7))
    assert many["scl"] > few["scl"]
    for name in ("cl", "doa", "sentence"):
        assert many[name] == pytest.approx(few[name], abs=1e-5)


def test_steps_take_turns_at_the_phrasings_of_a_direction(quick: Quick) -> None:
    config = quick(losses=EVERY_TERM)
    count = len(StandingSentences.of(config.model).directions)
    values = [terms(config, step=step)["sentence"] for step in range(count + 1)]
    assert len({round(value, 6) for value in values}) == count
    assert values[count] == pytest.approx(values[0], rel=1e-6)


def test_the_direction_term_is_one_less_the_mean_cosine(quick: Quick) -> None:
    made, batch = trainer_of(quick(model=preset("tiny"), mask_features=False))
    doa = made.gradients(batch, 0)["doa"]
    predicted = made.network(batch.observation).direction.detach().numpy()
    true = batch.direction.numpy()
    cosines = [p @ t / np.linalg.norm(p) for p, t in zip(predicted, true, strict=True)]
    assert doa == pytest.approx(1 - np.mean(cosines), abs=1e-5)


def test_the_temperature_stays_below_a_hundred(quick: Quick) -> None:
    made, batch = trainer_of(quick(learning_rate=1e-3))
    made.network.logit_scale.data.fill_(4.7)
    assert made.step(batch, 0)["scale"] == pytest.approx(100.0, rel=1e-5)


def test_matrices_decay_and_vectors_do_not(quick: Quick) -> None:
    config = quick(weight_decay=0.3)
    model = hub.build_frozen(config.model)
    decayed, free = trainer._optimizer(model, config).param_groups
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.3, 0.0)
    assert all(parameter.ndim > 1 for parameter in decayed["params"])
    assert all(parameter.ndim <= 1 for parameter in free["params"])
    ids = {id(parameter) for group in (decayed, free) for parameter in group["params"]}
    assert ids == {id(parameter) for parameter in model.parameters() if parameter.requires_grad}
    assert id(model.joint_weight) in {id(parameter) for parameter in free["params"]}
