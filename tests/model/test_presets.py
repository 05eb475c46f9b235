"""Presets build models whose parts fit together."""

from dataclasses import replace

import pytest
import torch

from salm.errors import InputError
from salm.model.config import RobertaSize
from salm.model.encoders import DualHTSAT, TaggerAndHTSAT
from salm.model.presets import PRESETS, base, build, build_pair, laion_clap, preset, salm_s
from salm.model.text import RobertaTower

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


@pytest.fixture(scope="module")
def text() -> RobertaTower:
    """The smallest of its kind."""
    return RobertaTower(RobertaSize(vocabulary=10, dim=8, layers=1, heads=1, hidden=8))


@every_preset
def test_a_window_of_silence_is_encoded(name: str, text: RobertaTower) -> None:
    config = preset(name)
    network = build(config, text=text).eval()
    with torch.no_grad():
        heard = network(network.observe(torch.zeros(1, 4, config.features.window_samples)))
    for embedding in heard[:3]:
        assert embedding.shape == (1, config.width)
    assert heard.direction.shape == (1, 3)
    assert all(torch.isfinite(part).all() for part in heard)


def parameters(*modules: torch.nn.Module) -> int:
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def test_the_papers_model_has_as_many_parameters_as_its_code_line_says() -> None:
    model = base()
    pair = model.pair
    assert isinstance(pair, DualHTSAT)
    assert parameters(pair.what) == 27_534_360
    assert parameters(pair.where) == 27_543_576
    assert parameters(pair.stitches) == 5_760
    assert parameters(pair.what, pair.where, pair.stitches) == 55_083_696
    # Seven batch norms of 64 mel bands.
    assert parameters(pair.norm) == 7 * 2 * 64
    assert parameters(model.text) == 124_645_632
    assert parameters(model.text_projection) == parameters(model.what_projection) == 656_384
    assert parameters(model.direction_head) == 264_195
    assert parameters(model) == 181_964_084


def test_each_of_the_papers_encoders_has_as_many_entries_as_its_checkpoint() -> None:
    pair = build_pair(preset("base"))
    assert isinstance(pair, DualHTSAT)
    assert len(pair.what.state_dict()) == len(pair.where.state_dict()) == 188


def test_the_rows_of_table_1_differ_in_their_encoders() -> None:
    # LAION-CLAP is what Hugging Face's ClapModel has, less its second temperature.
    assert parameters(laion_clap()) == 153_492_890 - 1
    seven = parameters(salm_s())
    # Six more input channels of the first layer and their norms, and the head.
    assert seven - parameters(laion_clap()) == 6 * (96 * 16 + 2 * 64) + 264_195
    assert not laion_clap().has_direction
    assert salm_s().has_direction


@pytest.mark.parametrize("name", ["base", "salm_s", "laion_clap"])
def test_builders_and_presets_of_the_paper_are_the_same(name: str) -> None:
    config = preset(name)
    built = {"base": base, "salm_s": salm_s, "laion_clap": laion_clap}[name]()
    shapes = {key: value.shape for key, value in build(config, text=RobertaTower(config.roberta)).state_dict().items()}
    assert {key: value.shape for key, value in built.state_dict().items()} == shapes


@pytest.mark.parametrize("name", ["small_salm_s", "small_laion_clap"])
def test_a_single_encoder_is_no_pair(name: str) -> None:
    with pytest.raises(ValueError, match="is no pair of encoders"):
        build_pair(preset(name))


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
