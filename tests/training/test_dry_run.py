"""What is said of a run before it is one."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from salm.model import hub
from salm.model.config import RobertaSize
from salm.model.presets import preset
from salm.training.config import CorpusConfig, TrainConfig, read_train_config
from salm.training.dry_run import describe

Quick = Callable[..., TrainConfig]


def test_it_counts_what_would_be_trained(quick: Quick) -> None:
    config = quick(corpora=(CorpusConfig(per_kind=2), CorpusConfig(per_kind=1)))
    said = describe(config)
    every = sum(parameter.numel() for parameter in hub.build_frozen(config.model).parameters())
    assert said["trained_parameters"] + said["frozen_parameters"] == every
    # The words of the text tower alone are 30522 vectors.
    assert said["frozen_parameters"] > 30_522 * 64 > said["trained_parameters"]
    # Nine sounds at three places each.
    assert (said["epoch_scenes"], said["steps"], said["scenes"]) == (27, 6, 24)
    assert said["missing"] is None


def test_the_time_of_a_step_grows_with_the_batch(quick: Quick) -> None:
    few, many = (describe(quick(batch_size=size)) for size in (2, 200))
    assert many["step_s"] > 5 * few["step_s"] > 0
    assert few["tried_windows"] == 2
    assert many["loader_s"] > 5 * few["loader_s"] > 0
    assert many["hours"] > 0


def test_memory_is_that_of_a_micro_batch(quick: Quick) -> None:
    large = replace(preset("tiny"), htsat=replace(preset("tiny").htsat, embed_dim=32))
    whole, pieces, less = (
        describe(quick(model=large, batch_size=512, **settings))["memory_gb"]
        for settings in ({}, {"micro_batch_size": 8}, {"gradient_checkpointing": True})
    )
    assert whole > 5 * pieces
    assert whole > 1.5 * less


def test_a_text_tower_without_words_can_be_tried_out(quick: Quick) -> None:
    size = RobertaSize(vocabulary=30, dim=16, layers=1, heads=2, hidden=16)
    said = describe(quick(model=replace(preset("tiny"), text="roberta", roberta=size), rivals=0))
    assert said["frozen_parameters"] == 0


def test_without_data_it_says_what_it_can(quick: Quick, tmp_path) -> None:
    said = describe(quick(scene_files=(str(tmp_path / "sclotho.jsonl"),), epochs=2))
    assert "sclotho.jsonl" in said["missing"]
    assert (said["steps"], said["hours"]) == (None, None)
    assert said["step_s"] > 0


@pytest.mark.parametrize("steps", [5])
def test_the_length_in_steps_is_known_without_data(quick: Quick, tmp_path, steps: int) -> None:
    assert describe(quick(scene_files=(str(tmp_path / "s.jsonl"),), steps=steps))["steps"] == steps


def test_the_papers_model_takes_a_step_here() -> None:
    config = read_train_config(Path(__file__).parents[2] / "configs" / "table1" / "salm_scl_cl_doa.yaml")
    said = describe(config)
    assert (said["model"], said["trained_parameters"], said["frozen_parameters"]) == ("base", 181_964_084, 0)
    # Sixteen bytes a weight, and 0.3 to 0.4 GB that each of 64 windows keeps.
    assert 15 < said["memory_gb"] < 40
    assert said["tried_windows"] == 2
    # The update takes as long for a large batch as for a small one.
    assert 1 < said["step_s"] / said["tried_step_s"] <= 32


def test_adapters_are_tried_out_too(quick: Quick) -> None:
    few, more = (
        describe(quick(model=replace(preset("tiny"), text_adapter_rank=rank, text_adapter_layers=1))) for rank in (0, 2)
    )
    # Four square matrices of 64 and two of the feed-forward part, as wide.
    assert more["trained_parameters"] - few["trained_parameters"] == 6 * 2 * 2 * 64
    assert more["frozen_parameters"] == few["frozen_parameters"]
