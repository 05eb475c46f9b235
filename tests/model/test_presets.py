"""Presets build models whose parts fit together."""

from dataclasses import replace

import pytest
import torch

from salm.errors import InputError
from salm.model.encoders import DualHTSAT, TaggerAndHTSAT
from salm.model.presets import PRESETS, build_pair, preset

every_preset = pytest.mark.parametrize("name", PRESETS)


@every_preset
def test_a_preset_has_its_own_name(name: str) -> None:
    assert preset(name).name == name


def test_an_unknown_preset_lists_those_there_are() -> None:
    with pytest.raises(InputError, match=f"no preset 'huge'; there are {', '.join(PRESETS)}"):
        preset("huge")


@every_preset
def test_a_window_fits_into_the_encoders_image(name: str) -> None:
    config = preset(name)
    frames = config.features.window_samples // config.features.hop + 1
    held = config.htsat.grid * (config.htsat.grid // config.features.mel_bins)
    # Not twice as large either: half an image of zeros would be paid for.
    assert held / 2 < frames <= held


@every_preset
def test_a_window_of_silence_is_encoded(name: str) -> None:
    config = preset(name)
    pair = build_pair(config).eval()
    with torch.no_grad():
        what, where, direction = pair(pair.observe(torch.zeros(1, 4, config.features.window_samples)))
    assert what.shape == (1, pair.what_dim)
    assert where.shape == (1, pair.where_dim)
    for part in (what, where, direction):
        assert torch.isfinite(part).all()


def test_the_shipped_pair_is_a_tagger_beside_an_htsat() -> None:
    assert isinstance(build_pair(preset("small")), TaggerAndHTSAT)
    assert isinstance(build_pair(preset("small_htsat")), DualHTSAT)


def test_the_shipped_model_is_small() -> None:
    trained = sum(p.numel() for p in build_pair(preset("small")).parameters() if p.requires_grad)
    assert 300_000 < trained < 3_000_000


def test_equal_seeds_build_equal_weights() -> None:
    built = []
    for _ in range(2):
        torch.manual_seed(3)
        built.append(build_pair(preset("tiny")).state_dict())
    assert all(torch.equal(value, built[1][key]) for key, value in built[0].items())


def test_the_number_of_maps_is_the_presets() -> None:
    pairs = [build_pair(replace(preset("tiny"), pair="tagger_htsat", intensity_maps=maps)) for maps in (2, 5)]
    # Two poolings of three maps more, ten numbers a map.
    assert pairs[1].where_dim - pairs[0].where_dim == 2 * 3 * 10
