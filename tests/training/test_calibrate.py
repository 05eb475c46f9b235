"""The confidence of a trained model is calibrated before it is saved, and can be afterwards."""

from dataclasses import replace
from pathlib import Path

import pytest

from salm.evaluation.confidence import Calibration
from salm.model import hub
from salm.model.config import ModelConfig
from salm.model.presets import preset
from salm.training import run
from salm.training.config import CorpusConfig, TrainConfig

FOUND = Calibration(confidence=(1.0, -2.0, 3.0, 0.5), cone=((1.0, 0.5),) * 4)
CALIBRATED = {"confidence": FOUND.confidence, "cone": FOUND.cone}
CONFIG = TrainConfig(
    model=preset("tiny"), corpora=(CorpusConfig(per_kind=1),), batch_size=2, steps=1, workers=0, validation_scenes=2
)


def fitted(model, corpora, *, seed: int) -> Calibration:
    assert seed == CONFIG.seed
    assert [scenes for _, scenes in corpora] == [run.CALIBRATION_SCENES, run.CALIBRATION_SCENES // 5]
    assert [{sound.split for sound in corpus.sounds} for corpus, _ in corpora] == [{"val"}] * 2
    assert [corpus.name for corpus, _ in corpora][1] == "procedural"
    assert not model.network.training
    return FOUND


def unfit(*_, **__) -> Calibration:
    raise ValueError("0 of them close")


def test_a_trained_model_is_saved_with_weights_or_with_zeros(tmp_path: Path, monkeypatch, caplog) -> None:
    # As when all steps are done, and the run was killed before it was saved.
    monkeypatch.setattr(run, "open_lessons", lambda *_: iter(()))
    monkeypatch.setattr(run, "calibrated", fitted)
    folder = run.train(CONFIG, tmp_path / "run")
    assert hub.load(folder)[1] == replace(CONFIG.model, **CALIBRATED)
    monkeypatch.setattr(run, "calibrated", unfit)
    assert hub.read_config(run.train(CONFIG, tmp_path / "run")) == CONFIG.model
    assert "not calibrated: 0 of them close" in caplog.text


def test_afterwards_only_the_configuration_is_written(tmp_path: Path, monkeypatch) -> None:
    hub.save(hub.build_frozen(CONFIG.model), CONFIG.model, tmp_path)
    weights = (tmp_path / "model.safetensors").stat()
    monkeypatch.setattr(run, "calibrated", unfit)
    with pytest.raises(ValueError, match="0 of them close"):
        run.calibrate(tmp_path, CONFIG)
    assert hub.read_config(tmp_path) == CONFIG.model
    monkeypatch.setattr(run, "calibrated", fitted)
    finished: ModelConfig = run.calibrate(tmp_path, CONFIG)
    assert hub.read_config(tmp_path) == finished == replace(CONFIG.model, **CALIBRATED)
    now = (tmp_path / "model.safetensors").stat()
    assert (now.st_mtime_ns, now.st_ino) == (weights.st_mtime_ns, weights.st_ino)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "model.safetensors"]
