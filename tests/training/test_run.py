"""Runs: resumed equals uninterrupted, and what a run leaves behind."""

import errno
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from salm.errors import InputError
from salm.evaluation.confidence import Calibration
from salm.model import hub
from salm.model.config import from_mapping
from salm.model.presets import preset
from salm.training import run, trainer
from salm.training.checkpoint import read_state
from salm.training.config import CorpusConfig, TrainConfig
from salm.training.devices import OneProcess
from salm.training.losses import LossWeights
from salm.training.run import train
from salm.training.schedule import Schedule
from salm.training.trainer import Trainer

Quick = Callable[..., TrainConfig]


@pytest.fixture(autouse=True)
def no_calibration(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has tests of its own and takes hundreds of scenes."""
    found = Calibration(confidence=(1.0, 2.0, 3.0, 4.0), cone=())
    monkeypatch.setattr(run, "calibrated", lambda *_, **__: found)


def logged(folder: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    return [
        {key: value for key, value in line.items() if key not in ("time_s", "clips_s", "waiting")} for line in lines
    ]


def killed_at(step: int, monkeypatch: pytest.MonkeyPatch, config: TrainConfig, folder: Path) -> None:
    """Train until a step is about to be taken."""
    whole = Trainer.step

    def fatal(self: Trainer, batch: Any, number: int, **read: Any) -> dict[str, float]:
        if number == step:
            raise KeyboardInterrupt
        return whole(self, batch, number, **read)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "step", fatal)
        with pytest.raises(KeyboardInterrupt):
            train(config, folder)


@pytest.mark.parametrize(
    ("bfloat16", "adapters", "maps"), [(False, 0, 0), (True, 0, 0), (False, 2, 0), (True, 0, 2), (False, 2, 2)]
)
def test_a_killed_and_resumed_run_equals_an_uninterrupted_one(
    quick: Quick, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bfloat16: bool, adapters: int, maps: int
) -> None:
    monkeypatch.setattr(trainer, "has_bfloat16", lambda device: True)
    text = {"text_adapter_rank": adapters, "text_adapter_layers": 1, "text_maps": maps}
    model = replace(preset("tiny"), dropout=0.2, **text)
    config = quick(bfloat16=bfloat16, model=model)
    train(config, tmp_path / "whole")
    # Killed after step 5, with the last checkpoint after step 3: validation after step 4 is logged and done again.
    killed_at(5, monkeypatch, config, tmp_path / "killed")
    assert not (tmp_path / "killed" / "model.safetensors").exists()
    assert [line["step"] for line in logged(tmp_path / "killed")] == [1, 2, 2, 3, 4, 4, 5]
    train(config, tmp_path / "killed")
    for name in ("model.safetensors", "checkpoint.safetensors", "best.safetensors", "config.json", "train.json"):
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
    names = {
        "config.json",
        "model.safetensors",
        "train.json",
        "log.jsonl",
        "checkpoint.safetensors",
        "best.safetensors",
    }
    assert {path.name for path in tmp_path.iterdir()} == names


def test_a_run_says_what_it_was(quick: Quick, tmp_path: Path) -> None:
    config = quick(steps=1)
    train(config, tmp_path)
    plain = json.loads((tmp_path / "train.json").read_text(encoding="utf-8"))
    assert from_mapping(TrainConfig, plain, where="train.json") == config


def test_the_log_has_every_term_and_validation(quick: Quick, tmp_path: Path) -> None:
    train(quick(steps=2, losses=LossWeights(sentence=0.25)), tmp_path)
    first, _, validation = logged(tmp_path)
    assert first.keys() == {"step", "loss", "angle_deg", "cl", "scl", "doa", "sentence", "scale", "learning_rate"}
    expected = 0.5 * first["cl"] + 0.5 * first["scl"] + first["doa"] + 0.25 * first["sentence"]
    assert first["loss"] == pytest.approx(expected, rel=1e-5)
    assert 0 <= first["angle_deg"] <= 180
    assert {"mean_r1", "mean_deg", "median_deg", "zero_shot", "spatial_text_to_audio_r1"} <= validation[
        "validation"
    ].keys()


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
    monkeypatch.setattr(run, "open_devices", lambda device: devices)
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


def test_speed_and_learning_rate_are_logged(quick: Quick, tmp_path: Path) -> None:
    train(quick(steps=3, warmup_steps=2, learning_rate=1e-3, log_steps=2), tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    steps = [line for line in lines if "loss" in line]
    # Every second, and the last one.
    assert [line["step"] for line in steps] == [2, 3]
    assert [line["learning_rate"] for line in steps] == [1e-3, 1e-3]
    assert all(line["clips_s"] > 0 and 0 < line["waiting"] < 1 for line in steps)


def figures(values: Iterator[float]) -> type:
    """A validation that says what it is told to."""

    class Told:
        def __init__(self, *_: object) -> None:
            pass

        def __call__(self, network: object) -> dict[str, float]:
            return {"mean_r1": next(values), "mean_deg": 5.0}

    return Told


@pytest.mark.parametrize(
    ("best_by", "step"), [("mean_r1", 4), (None, 5), ("mean_deg", 5)], ids=["best", "last", "of equals the later"]
)
def test_the_model_is_the_best_one_or_the_last(
    quick: Quick, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, best_by: str | None, step: int
) -> None:
    kept: dict[int, Any] = {}
    whole = Trainer.step

    def keeping(self: Trainer, batch: Any, number: int, **read: Any) -> dict[str, float]:
        record = whole(self, batch, number, **read)
        kept[number + 1] = {name: value.half() for name, value in self.network.state_dict().items()}
        return record

    monkeypatch.setattr(Trainer, "step", keeping)
    monkeypatch.setattr(run, "Validation", figures(iter([0.3, 0.5, 0.4])))
    train(quick(steps=5, validation_steps=2, checkpoint_steps=9, best_by=best_by), tmp_path)
    model = load_file(tmp_path / "model.safetensors")
    floating = {name: value for name, value in model.items() if value.is_floating_point()}
    assert len(floating) > 20
    assert all(torch.equal(value, kept[step][name]) for name, value in floating.items())
    assert any(not torch.equal(value, kept[9 - step][name]) for name, value in floating.items())
    # Whatever the model is, the last checkpoint is of the last step.
    assert read_state(tmp_path / "checkpoint.safetensors").step == 5


def test_a_best_that_is_not_there_is_said(quick: Quick, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = quick(steps=2)
    train(config, tmp_path)
    (tmp_path / "best.safetensors").unlink()
    train(config, tmp_path)
    assert "The weights of step 2, the best, are not in" in caplog.text


def test_an_unknown_figure_is_refused_before_training(quick: Quick, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="best_by is 'luck' but must be one of mean_r1"):
        train(quick(best_by="luck"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_threads_are_those_of_the_checkpoint(quick: Quick, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    seen: list[int] = []
    whole = Trainer.step
    monkeypatch.setattr(Trainer, "step", lambda *a, **read: seen.append(torch.get_num_threads()) or whole(*a, **read))
    train(quick(steps=1), tmp_path, threads=3)
    assert read_state(tmp_path / "checkpoint.safetensors").threads == 3
    train(quick(steps=2), tmp_path)
    assert seen == [3, 3]
    assert torch.get_num_threads() == before
    with pytest.raises(InputError, match="was computed with 3 threads, and with 2 the run would end"):
        train(quick(steps=3), tmp_path, threads=2)


@pytest.mark.parametrize("content", [b"{", b"[1]", b"5", b"\xff"])
def test_a_damaged_description_of_a_run_is_one_line(quick: Quick, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "train.json").write_bytes(content)
    with pytest.raises(InputError, match=r"train\.json does not say what the run is.*delete it to go on"):
        run._Folder(path=tmp_path, writes=True).begin(quick(), resumed=True)


def test_a_run_that_goes_on_as_another_says_so(quick: Quick, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    train(quick(steps=1), tmp_path)
    train(quick(steps=1), tmp_path)
    assert "other settings" not in caplog.text
    train(quick(steps=2, learning_rate=0.5), tmp_path)
    assert "goes on with other settings than it began with: steps, learning_rate." in caplog.text


@pytest.mark.parametrize("term", ["scl", "doa"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_stops_the_run_in_one_line(
    quick: Quick, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, term: str, value: float
) -> None:
    terms, calls = trainer.loss_terms, []

    def broken(*arguments: Any, **settings: Any) -> Any:
        calls.append(1)
        found = terms(*arguments, **settings)
        return {name: x * value if name == term and len(calls) == 5 else x for name, x in found.items()}

    monkeypatch.setattr(trainer, "loss_terms", broken)
    config = quick()
    with pytest.raises(InputError, match=rf"step 5: the loss term {term} is (nan|inf); lower learning_rate") as caught:
        train(config, tmp_path)
    assert "\n" not in str(caught.value)
    state = read_state(tmp_path / "checkpoint.safetensors")
    assert state.step == 4
    # Sound now, it goes on from there and ends.
    train(config, tmp_path)
    assert [line["step"] for line in logged(tmp_path) if "loss" in line] == [1, 2, 3, 4, 5, 6]


def test_a_gradient_that_is_no_number_changes_no_weight(quick: Quick, tmp_path: Path) -> None:
    config = quick()
    made = Trainer(
        hub.build_frozen(config.model), config, schedule=Schedule(steps=1, warmup_steps=0), devices=OneProcess()
    )
    before = {name: value.clone() for name, value in made.network.state_dict().items()}
    made.network.logit_scale.grad = torch.tensor(float("inf"))
    with pytest.raises(InputError, match="step 1: the gradient is inf"):
        made.update(0)
    assert all(torch.equal(value, before[name]) for name, value in made.network.state_dict().items())


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_sound_that_a_loader_process_cannot_read_is_one_line(
    quick: Quick, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*_: object, **__: object) -> None:
        raise InputError("dog.wav is no audio file that can be read.")

    monkeypatch.setattr("salm.scenes.dataset.render_scene", unreadable)
    for workers in (0, 1):
        with pytest.raises(InputError) as caught:
            train(quick(workers=workers), tmp_path)
        assert str(caught.value) == "dog.wav is no audio file that can be read."


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_leaves_the_checkpoint_before(
    quick: Quick, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = quick(steps=2, best_by=None)
    train(config, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with monkeypatch.context() as patch:
        patch.setattr("safetensors.torch.save_file", full)
        with pytest.raises(InputError, match=r"checkpoint\.safetensors cannot be written: No space left on device"):
            train(quick(steps=4, best_by=None), tmp_path)
    for name in ("checkpoint.safetensors", "model.safetensors"):
        assert (tmp_path / name).read_bytes() == before[name]
    assert {path.name for path in tmp_path.iterdir()} == before.keys()
    train(quick(steps=4, best_by=None), tmp_path)
    assert [line["step"] for line in logged(tmp_path) if "loss" in line] == [1, 2, 3, 4]


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A real disk of a few MiB, which no checkpoint that is still mapped into memory keeps from being taken away."""
    with tempfile.TemporaryDirectory() as place:
        command = ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", place]
        if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("a small disk cannot be mounted here")
        try:
            yield Path(place)
        finally:
            subprocess.run(["umount", "--lazy", place], check=True)


def test_a_real_disk_that_is_full(quick: Quick, small_disk: Path) -> None:
    train(quick(steps=1, best_by=None), small_disk / "run")
    before = {path.name: path.read_bytes() for path in (small_disk / "run").iterdir()}
    room = shutil.disk_usage(small_disk).free
    (small_disk / "other").write_bytes(bytes(room - 4096))
    with pytest.raises(InputError, match=r"cannot be written: No space left on device") as caught:
        train(quick(steps=9, best_by=None), small_disk / "run")
    assert "\n" not in str(caught.value)
    assert {path.name for path in (small_disk / "run").iterdir()} == before.keys()
    assert (small_disk / "run" / "checkpoint.safetensors").read_bytes() == before["checkpoint.safetensors"]
    (small_disk / "other").unlink()
    train(quick(steps=9, best_by=None), small_disk / "run")
    assert [line["step"] for line in logged(small_disk / "run") if "loss" in line] == list(range(1, 10))
