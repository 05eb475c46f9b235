"""Training: resumed equals uninterrupted, the losses fall, and what a run leaves behind."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from salm.errors import InputError
from salm.model import hub
from salm.model.config import from_mapping
from salm.model.presets import preset
from salm.scenes.dataset import Batch, SceneBatches
from salm.training import trainer
from salm.training.config import CorpusConfig, TrainConfig
from salm.training.corpora import open_corpora
from salm.training.devices import OneProcess
from salm.training.losses import LossWeights
from salm.training.schedule import Schedule
from salm.training.terms import StandingSentences
from salm.training.trainer import Trainer, train

Quick = Callable[..., TrainConfig]


@pytest.fixture(autouse=True)
def no_calibration(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has tests of its own and takes hundreds of scenes."""
    monkeypatch.setattr(trainer, "calibrated", lambda *_, **__: (1.0, 2.0, 3.0, 4.0))
    monkeypatch.setattr(trainer, "LOG_STEPS", 1)


def logged(folder: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    return [{key: value for key, value in line.items() if key != "time_s"} for line in lines]


def killed_at(step: int, monkeypatch: pytest.MonkeyPatch, config: TrainConfig, folder: Path) -> None:
    """Train until a step is about to be taken."""
    whole = Trainer.step

    def fatal(self: Trainer, batch: Any, number: int) -> dict[str, float]:
        if number == step:
            raise KeyboardInterrupt
        return whole(self, batch, number)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "step", fatal)
        with pytest.raises(KeyboardInterrupt):
            train(config, folder)


@pytest.mark.parametrize("bfloat16", [False, True])
def test_a_killed_and_resumed_run_equals_an_uninterrupted_one(
    quick: Quick, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bfloat16: bool
) -> None:
    monkeypatch.setattr(trainer, "has_bfloat16", lambda device: True)
    config = quick(bfloat16=bfloat16)
    train(config, tmp_path / "whole")
    # Killed after step 5, with the last checkpoint after step 3: validation after step 4 is logged and done again.
    killed_at(5, monkeypatch, config, tmp_path / "killed")
    assert not (tmp_path / "killed" / "model.safetensors").exists()
    assert [line["step"] for line in logged(tmp_path / "killed")] == [1, 2, 2, 3, 4, 4, 5]
    train(config, tmp_path / "killed")
    for name in ("model.safetensors", "checkpoint.safetensors", "config.json", "train.json"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    assert logged(tmp_path / "killed") == logged(tmp_path / "whole")


def test_a_run_killed_before_its_first_checkpoint_begins_anew(
    quick: Quick, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = quick(steps=3)
    train(config, tmp_path / "whole")
    killed_at(2, monkeypatch, config, tmp_path / "killed")
    train(config, tmp_path / "killed")
    assert logged(tmp_path / "killed") == logged(tmp_path / "whole")


def test_a_half_written_line_of_the_log_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 1}\n{"step": 2}\n{"step": 3}\n{"step": 3, "valid', encoding="utf-8")
    trainer._keep_log(path, steps=2)
    assert path.read_text(encoding="utf-8") == '{"step": 1}\n{"step": 2}\n'


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_loader_processes_change_nothing(quick: Quick, tmp_path: Path) -> None:
    for workers in (0, 1):
        train(quick(steps=2, validation_steps=9, workers=workers), tmp_path / str(workers))
    alone, in_process = ((tmp_path / name / "checkpoint.safetensors").read_bytes() for name in "01")
    assert alone == in_process


def test_a_finished_run_has_nothing_left_to_do(quick: Quick, tmp_path: Path) -> None:
    config = quick(steps=2)
    train(config, tmp_path)
    before = (tmp_path / "model.safetensors").read_bytes()
    train(config, tmp_path)
    assert (tmp_path / "model.safetensors").read_bytes() == before
    assert [line["step"] for line in logged(tmp_path)] == [1, 2, 2]


def test_a_run_leaves_a_model_that_loads(quick: Quick, tmp_path: Path) -> None:
    config = quick(steps=2)
    assert train(config, tmp_path) == tmp_path
    network, model = hub.load(tmp_path)
    assert model == replace(config.model, confidence=(1.0, 2.0, 3.0, 4.0))
    assert not network.training
    names = {"config.json", "model.safetensors", "train.json", "log.jsonl", "checkpoint.safetensors"}
    assert {path.name for path in tmp_path.iterdir()} == names


def test_a_run_says_what_it_was(quick: Quick, tmp_path: Path) -> None:
    config = quick(steps=1)
    train(config, tmp_path)
    plain = json.loads((tmp_path / "train.json").read_text(encoding="utf-8"))
    assert from_mapping(TrainConfig, plain, where="train.json") == config


def test_the_log_has_every_term_and_validation(quick: Quick, tmp_path: Path) -> None:
    train(quick(steps=2, losses=LossWeights(sentence=0.25)), tmp_path)
    first, _, validation = logged(tmp_path)
    assert first.keys() == {"step", "loss", "angle_deg", "cl", "scl", "doa", "sentence", "scale"}
    expected = 0.5 * first["cl"] + 0.5 * first["scl"] + first["doa"] + 0.25 * first["sentence"]
    assert first["loss"] == pytest.approx(expected, rel=1e-5)
    assert 0 <= first["angle_deg"] <= 180
    assert {"mean_deg", "median_deg", "spatial_text_to_audio_r1"} <= validation["validation"].keys()


def test_the_seed_decides_everything(quick: Quick, tmp_path: Path) -> None:
    # Between the two, torch's generator moves on.
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(quick(steps=1, validation_steps=9, seed=seed), tmp_path / name)
    a, b, c = ((tmp_path / name / "model.safetensors").read_bytes() for name in "abc")
    assert a == b != c


def test_a_run_can_start_from_given_weights(quick: Quick, tmp_path: Path) -> None:
    config = quick(steps=1, learning_rate=0.0)
    torch.manual_seed(99)
    network = hub.build_frozen(config.model)
    hub.save(network, config.model, tmp_path / "given")
    train(config, tmp_path / "run", init=tmp_path / "given")
    given, kept = (load_file(tmp_path / name / "model.safetensors") for name in ("given", "run"))
    # Without a learning rate only the running statistics of the features change.
    changed = {key for key, value in given.items() if not torch.equal(kept[key], value)}
    assert changed == {f"pair.norm.norm.{name}" for name in ("running_mean", "running_var", "num_batches_tracked")}


def test_weights_of_another_size_are_no_start(quick: Quick, tmp_path: Path) -> None:
    config = quick()
    hub.save(hub.build_frozen(config.model), config.model, tmp_path / "given")
    with pytest.raises(InputError, match="is another model than tiny; a run starts from weights of the same sizes"):
        train(quick(model=replace(config.model, width=16)), tmp_path / "run", init=tmp_path / "given")


def test_a_batch_is_shared_out_evenly_or_not_at_all(
    quick: Quick, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    devices = OneProcess()
    devices.count = 3
    monkeypatch.setattr(trainer, "open_devices", lambda device: devices)
    with pytest.raises(InputError, match="batch_size is 4 but must be a multiple of the 3 processes"):
        train(quick(), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_missing_corpus_is_named(quick: Quick, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere.*manifest\.csv does not exist"):
        train(quick(corpora=(CorpusConfig(folder=str(tmp_path / "nowhere")),)), tmp_path / "run")


def test_a_folder_of_another_run_is_refused(quick: Quick, tmp_path: Path) -> None:
    train(quick(steps=1), tmp_path)
    with pytest.raises(InputError, match="belongs to another model; train into another folder"):
        train(quick(steps=2, model=replace(preset("tiny"), width=16)), tmp_path)


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


def test_only_a_pair_with_a_tagger_learns_from_labels(quick: Quick) -> None:
    assert "labels" not in terms(quick(losses=EVERY_TERM))
    tagger = replace(preset("tiny"), pair="tagger_htsat", intensity_maps=2)
    assert terms(quick(model=tagger, losses=EVERY_TERM))["labels"] > 0


@pytest.mark.parametrize("rivals", [0, 2, 7])
def test_each_clip_has_so_many_rivals(quick: Quick, rivals: int) -> None:
    made, batch = trainer_of(quick(rivals=rivals, losses=EVERY_TERM))
    asked: list[str] = []
    read = made.read
    made.read = lambda sentences: asked.extend(sentences) or read(sentences)  # type: ignore[assignment, func-returns-value]
    made.gradients(batch, 0)
    # Four captions, four with their place, the rivals, eight directions.
    assert len(asked) == 4 + 4 + 4 * rivals + 8


def test_what_does_not_count_is_not_computed(quick: Quick) -> None:
    made, batch = trainer_of(quick(losses=LossWeights(cl=0.0, scl=1.0, doa=0.0)))
    asked: list[str] = []
    read = made.read
    made.read = lambda sentences: asked.extend(sentences) or read(sentences)  # type: ignore[assignment, func-returns-value]
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
