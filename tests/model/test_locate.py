"""Locating the sound of files, with a model and without."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from salm.audio.formats import encode_plane_wave
from salm.errors import InputError
from salm.model.inference import Model
from salm.model.locate import locate_file


@pytest.fixture
def file(tmp_path: Path, rng: np.random.Generator) -> Path:
    """Noise from 50 degrees left and 15 up, two and a half seconds."""
    sound = (0.1 * rng.standard_normal(60_000)).astype(np.float32)
    path = tmp_path / "noise.wav"
    soundfile.write(path, encode_plane_wave(sound, 50.0, 15.0).T, 24_000, subtype="FLOAT")
    return path


def test_without_a_model_it_is_located_by_intensity(file: Path) -> None:
    (place,) = locate_file(file, None)["windows"]
    assert place["azimuth_deg"] == pytest.approx(50, abs=0.1)
    assert place["elevation_deg"] == pytest.approx(15, abs=0.1)
    assert place["sector"] == "front left"
    assert place["confidence"] > 0.95
    assert (place["start_s"], place["end_s"]) == (0.0, 2.5)
    assert (place["ambiguity"], place["reason"]) == (None, None)


@pytest.mark.parametrize(
    ("front_deg", "azimuth_deg", "sector"),
    [(0.0, 50.0, "front left"), (50.0, 0.0, "front"), (-40.0, 90.0, "left"), (-150.0, -160.0, "back")],
)
def test_angles_are_relative_to_the_front(file: Path, front_deg: float, azimuth_deg: float, sector: str) -> None:
    (place,) = locate_file(file, None, front_deg=front_deg)["windows"]
    assert place["azimuth_deg"] == pytest.approx(azimuth_deg, abs=0.1)
    assert place["sector"] == sector


def test_with_a_model_there_is_one_place_a_file_or_a_window(model: Model, file: Path) -> None:
    assert len(locate_file(file, model)["windows"]) == 1
    windows = locate_file(file, model, windows=True)["windows"]
    assert [window["start_s"] for window in windows] == pytest.approx([0.0, 1.0, 1.5])


def test_a_model_turns_with_the_front_too(models: dict[str, Model], file: Path) -> None:
    (place,) = locate_file(file, models["tagger_htsat"], front_deg=140.0)["windows"]
    assert place["azimuth_deg"] == pytest.approx(-90, abs=1)
    assert place["sector"] == "right"


def test_words_score_every_window(model: Model, file: Path) -> None:
    windows = locate_file(file, model, windows=True, what="a dog")["windows"]
    (whole,) = locate_file(file, model, what="a dog")["windows"]
    assert len({window["what"] for window in windows}) == 3
    assert all(-1 <= window["what"] <= 1 for window in windows)
    assert whole["what"] == max(window["what"] for window in windows)


def test_without_words_there_is_no_score(model: Model, file: Path) -> None:
    assert "what" not in locate_file(file, model)["windows"][0]


def test_how_wide_a_cone_may_be_is_asked_for(model: Model, file: Path) -> None:
    """Cones of 40 degrees whatever is heard: the file and each of its windows."""
    wide = Model(model.network, replace(model.config, cone=((math.log(40.0),),) * 4))
    for windows in (False, True):
        named = locate_file(file, wide, windows=windows, widest_deg=41.0)["windows"]
        silent = locate_file(file, wide, windows=windows, widest_deg=39.0, front_deg=20.0)["windows"]
        assert all(place["azimuth_deg"] is not None for place in named)
        assert {(place["azimuth_deg"], place["ambiguity"]) for place in silent} == {(None, "all")}
        assert all(place["cone_deg"] >= 39.9 for place in (*named, *silent))
    fits = locate_file(file, wide, what="a dog", widest_deg=39.0)["windows"]
    assert fits[0]["azimuth_deg"] is None


def test_intensity_alone_has_no_cone(file: Path) -> None:
    (place,) = locate_file(file, None, widest_deg=0.0)["windows"]
    assert (place["cone_deg"], place["kappa"]) == (None, None)
    assert place["azimuth_deg"] == pytest.approx(50, abs=0.1)


def test_mono_has_no_angle_to_turn(tmp_path: Path, rng: np.random.Generator) -> None:
    soundfile.write(tmp_path / "mono.wav", 0.1 * rng.standard_normal(24_000), 24_000)
    (place,) = locate_file(tmp_path / "mono.wav", None, front_deg=30.0)["windows"]
    assert place["azimuth_deg"] is None
    assert place["sector"] is None
    assert place["ambiguity"] == "all"
    assert place["confidence"] == 0.0


def test_a_layout_is_converted_and_noted(file: Path) -> None:
    samples, rate_hz = soundfile.read(file)
    w, y, z, x = samples.T
    fuma = file.with_name("fuma.wav")
    soundfile.write(fuma, np.stack([w / np.sqrt(2), x, y, z], axis=1), rate_hz, subtype="FLOAT")
    found = locate_file(fuma, None, layout="fuma")
    assert found["windows"][0]["azimuth_deg"] == pytest.approx(50, abs=0.1)
    assert any("FuMa" in note for note in found["notes"])
    assert locate_file(file, None)["notes"] == []


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.wav does not exist"):
        locate_file(tmp_path / "gone.wav", None)
