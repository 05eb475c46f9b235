"""Validation while training: fixed scenes, no randomness, and the model left as it was."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from salm.errors import InputError
from salm.model import hub
from salm.model.inference import Model
from salm.model.presets import preset
from salm.model.salm import SALM
from salm.scenes.dataset import WindowRanges
from salm.training.config import TrainConfig
from salm.training.corpora import open_corpora
from salm.training.validation import Validation, check_figure, is_better


@pytest.fixture
def config(quick: Callable[..., TrainConfig]) -> TrainConfig:
    return quick(model=replace(preset("tiny"), dropout=0.5), validation_scenes=6)


@pytest.fixture
def network(config: TrainConfig) -> SALM:
    torch.manual_seed(0)
    return hub.build_frozen(config.model)


def test_figures_have_no_part_in_chance(config: TrainConfig, network: SALM) -> None:
    validation = Validation(config, open_corpora(config))
    network.train()
    scores = []
    for seed in range(3):
        torch.manual_seed(seed)
        scores.append((validation(network), validation.scenes))
    assert scores[0] == scores[1] == scores[2]


def test_dropout_is_off_for_sound_and_sentences(
    config: TrainConfig, network: SALM, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[bool] = []
    for part in (network.what_projection, network.text_projection):
        part.register_forward_hook(lambda module, *_: modes.append(module.training))
    network.train()
    Validation(config, open_corpora(config))(network)
    assert modes
    assert not any(modes)


@pytest.mark.parametrize("training", [True, False])
def test_the_network_is_left_in_its_mode(config: TrainConfig, network: SALM, training: bool) -> None:
    network.train(training)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    Validation(config, open_corpora(config))(network)
    assert network.training == network.what_projection.training == training
    assert all(torch.equal(network.state_dict()[key], value) for key, value in before.items())


def test_scenes_are_of_the_val_split_and_the_same_for_every_run(config: TrainConfig) -> None:
    first, second = (Validation(config, open_corpora(config)) for _ in range(2))
    assert first.scenes == second.scenes
    assert {scene.sources[0].sound_id.split("-")[1] for scene in first.scenes} == {"val"}
    assert len(first.scenes) == 6


def test_figures_are_degrees_and_recalls(config: TrainConfig, network: SALM) -> None:
    figures = Validation(config, open_corpora(config))(network)
    assert 0 <= figures["median_deg"] <= 180
    recalls = {name: value for name, value in figures.items() if name.endswith("_r1")}
    mean = recalls.pop("mean_r1")
    assert len(recalls) == 4
    assert all(0 <= value <= 1 for value in recalls.values())
    assert mean == pytest.approx(sum(recalls.values()) / 4)
    # Of six scenes a whole number has the right one of eight sentences nearest.
    assert figures["zero_shot"] * 6 == pytest.approx(round(figures["zero_shot"] * 6))
    for name in figures:
        check_figure(name, has_direction=True)


def test_a_figure_to_choose_by_is_one_that_there_is() -> None:
    with pytest.raises(InputError, match="best_by is 'loss' but must be one of mean_r1, spatial_text_to_audio_r1"):
        check_figure("loss", has_direction=True)
    with pytest.raises(InputError, match="best_by is 'median_deg' but must be one of"):
        check_figure("median_deg", has_direction=False)


@pytest.mark.parametrize(("name", "better", "worse"), [("mean_r1", 0.4, 0.3), ("mean_deg", 3.0, 4.0)])
def test_degrees_are_better_when_they_are_less(name: str, better: float, worse: float) -> None:
    assert is_better(name, better, than=worse)
    assert not is_better(name, worse, than=better)
    # The later of two equals has learned longer.
    assert is_better(name, better, than=better)


def test_captions_are_in_the_words_and_the_frame_that_are_trained(
    quick: Callable[..., TrainConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    compass = WindowRanges(vocabularies={"listener": 0.2, "compass": 0.8})
    config = quick(model=replace(preset("tiny"), facing="south"), windows=compass, validation_scenes=9)
    asked: list[str] = []
    embed = Model.embed_text
    monkeypatch.setattr(Model, "embed_text", lambda self, texts: asked.extend(texts) or embed(self, texts))
    validation = Validation(config, open_corpora(config))
    validation(hub.build_frozen(config.model))
    # The front is south, so what is on the left is east.
    words = ("south", "southeast", "east", "northeast", "north", "northwest", "west", "southwest")
    expected = {f"is coming from the {words[scene.sources[0].sector]}." for scene in validation.scenes}
    assert {sentence[sentence.index("is coming") :] for sentence in asked if "The sound: " in sentence} == expected


def test_a_network_without_direction_is_not_asked_for_one(quick: Callable[..., TrainConfig]) -> None:
    config = quick(model=replace(preset("tiny"), pair="mono_htsat"))
    figures = Validation(config, open_corpora(config))(hub.build_frozen(config.model))
    assert len(figures) == 5
    assert all(name.endswith("_r1") for name in figures)
