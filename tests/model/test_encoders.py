"""The pairs of encoders: pooling that is the un-learned direction, normalisation against torch's own, frozen parts."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from salm.audio.formats import encode_plane_wave
from salm.audio.intensity import UnitIntensity
from salm.frame import angle_between_deg, unit_vector
from salm.model.encoders import (
    FEATURES_A_MAP,
    FeatureNorm,
    IntensityPooling,
    Observation,
    TaggerAndHTSAT,
    direction_features,
)
from salm.model.inference import Model
from salm.model.presets import PRESETS, build_pair

# Order of x, y, z among the channels y, z, x.
XYZ = [2, 0, 1]


def tagger_pair(models: dict[str, Model]) -> TaggerAndHTSAT:
    pair = models["tagger_htsat"].network.pair
    assert isinstance(pair, TaggerAndHTSAT)
    return pair


def even(pooling: IntensityPooling) -> IntensityPooling:
    nn.init.zeros_(pooling.logits.weight)
    nn.init.zeros_(pooling.logits.bias)
    return pooling


def test_even_maps_pool_to_the_weighted_mean(rng: np.random.Generator) -> None:
    tokens, weights, vectors = rng.standard_normal((2, 9, 5)), rng.random((2, 9, 1)), rng.standard_normal((2, 9, 3))
    arguments = [torch.tensor(array, dtype=torch.float32) for array in (tokens, weights, vectors)]
    pooled = even(IntensityPooling(dim=5, maps=4))(*arguments)
    wanted = vectors.sum(1) / weights.sum(1)
    assert pooled.shape == (2, 4, 3)
    for item in range(2):
        np.testing.assert_allclose(pooled[item].detach(), np.tile(wanted[item], (4, 1)), rtol=1e-5)


def test_a_map_pools_by_its_softmax(rng: np.random.Generator) -> None:
    tokens, weights, vectors = rng.standard_normal((1, 6, 5)), rng.random((1, 6, 1)), rng.standard_normal((1, 6, 3))
    pooling = IntensityPooling(dim=5, maps=2)
    arguments = [torch.tensor(array, dtype=torch.float32) for array in (tokens, weights, vectors)]
    pooled = pooling(*arguments)[0].detach().numpy()
    matrix, bias = pooling.logits.weight.detach().numpy(), pooling.logits.bias.detach().numpy()
    for number in range(2):
        share = np.exp(tokens[0] @ matrix[number] + bias[number])
        share /= share.sum()
        wanted = sum(share[i] * vectors[0, i] for i in range(6)) / sum(share[i] * weights[0, i] for i in range(6))
        np.testing.assert_allclose(pooled[number], wanted, rtol=1e-4)


@pytest.mark.parametrize("scale", [1e-9, 1e6])
def test_the_scale_of_weights_has_no_meaning(rng: np.random.Generator, scale: float) -> None:
    arguments = [torch.tensor(rng.random((1, 6, size)), dtype=torch.float32) for size in (5, 1, 3)]
    pooling = IntensityPooling(dim=5, maps=2)
    scaled = pooling(arguments[0], scale * arguments[1], scale * arguments[2])
    torch.testing.assert_close(scaled, pooling(*arguments), rtol=1e-4, atol=1e-6)


def test_silence_pools_to_zero() -> None:
    pooled = IntensityPooling(dim=5, maps=2)(torch.ones(1, 6, 5), torch.zeros(1, 6, 1), torch.zeros(1, 6, 3))
    assert torch.equal(pooled, torch.zeros(1, 2, 3))


def test_with_even_maps_onset_pooling_is_the_unlearned_direction(models: dict[str, Model], windows: Tensor) -> None:
    pair = tagger_pair(models)
    seen = pair.observe(windows)
    weights, vectors = pair._patches(seen.onsets).split([1, 3], dim=-1)
    pooled = even(IntensityPooling(dim=2, maps=1))(torch.zeros(*weights.shape[:2], 2), weights, vectors)
    # The un-learned direction is the plain sum over frames and bands.
    summed = seen.onsets[:, 1:].sum((2, 3)).numpy()
    assert angle_between_deg(pooled[:, 0].detach().numpy(), summed).max() < 1e-3
    truth = np.array([unit_vector(90, 0), unit_vector(-45, 20), unit_vector(170, -30)])
    assert angle_between_deg(summed[:, XYZ], truth).max() < 3


def test_a_plane_wave_is_pooled_to_its_unit_vector(models: dict[str, Model], rng: np.random.Generator) -> None:
    pair = tagger_pair(models)
    wave = encode_plane_wave(rng.standard_normal(24_000).astype(np.float32), 120.0, -25.0)
    with torch.no_grad():
        encoded = pair(pair.observe(torch.from_numpy(wave)[None]))
    # Whatever the maps trust, every bin points there; the length is one.
    np.testing.assert_allclose(encoded.direction[0], unit_vector(120.0, -25.0), atol=2e-3)


def test_harmonics_are_powers_of_the_direction(rng: np.random.Generator) -> None:
    vectors = rng.standard_normal((2, 3, 3))
    features = direction_features(torch.tensor(vectors)).numpy().reshape(2, 3, FEATURES_A_MAP)
    for item, number in np.ndindex(2, 3):
        y, z, x = vectors[item, number]
        length = np.sqrt(x * x + y * y + z * z)
        turns = [((x + 1j * y) / length) ** order for order in range(1, 5)]
        wanted = [length, z / length, *(part for turn in turns for part in (turn.real, turn.imag))]
        np.testing.assert_allclose(features[item, number], wanted, atol=1e-9)


def test_harmonics_of_order_4_vanish_at_sector_borders() -> None:
    azimuth = np.deg2rad(22.5 + 45.0 * np.arange(8))
    borders = torch.tensor(np.stack([np.sin(azimuth), np.zeros(8), np.cos(azimuth)], axis=-1))
    features = direction_features(borders[None]).reshape(8, FEATURES_A_MAP)
    np.testing.assert_allclose(features[:, -2], 0, atol=1e-12)


def test_a_vector_without_length_has_finite_features() -> None:
    vectors = torch.zeros(1, 2, 3, requires_grad=True)
    features = direction_features(vectors)
    assert torch.isfinite(features).all()
    assert torch.isfinite(torch.autograd.grad(features.sum(), vectors)[0]).all()


def test_feature_norm_is_a_batch_norm_of_every_channel(rng: np.random.Generator) -> None:
    ours = FeatureNorm(channels=7, mel_bins=6)
    theirs = [nn.BatchNorm2d(6) for _ in range(7)]
    for _ in range(3):
        features = torch.tensor(5 + 3 * rng.standard_normal((4, 7, 10, 6)), dtype=torch.float32)
        normalised = ours(features)
        for channel, norm in enumerate(theirs):
            # PSELDNets: mel bands stand where channels do.
            wanted = norm(features[:, channel].transpose(1, 2).unsqueeze(-1)).squeeze(-1).transpose(1, 2)
            torch.testing.assert_close(normalised[:, channel], wanted, atol=1e-4, rtol=1e-4)
    in_use = ours.eval()(features)
    for channel, norm in enumerate(theirs):
        wanted = norm.eval()(features[:, channel].transpose(1, 2).unsqueeze(-1)).squeeze(-1).transpose(1, 2)
        torch.testing.assert_close(in_use[:, channel], wanted, atol=1e-4, rtol=1e-4)


def test_encodings_have_the_announced_widths(model: Model, windows: Tensor) -> None:
    pair = model.network.pair
    what, where, direction = pair(pair.observe(windows))
    assert what.shape == (3, pair.what_dim)
    assert where.shape == (3, pair.where_dim)
    assert direction.shape == (3, 3)


def test_features_are_seven_channels_a_frame_every_hop(model: Model, windows: Tensor) -> None:
    assert model.network.observe(windows).features.shape == (3, 7, 24_000 // 480 + 1, 64)


def test_what_the_pairs_do_not_need_has_no_width(models: dict[str, Model], windows: Tensor) -> None:
    seen = models["dual_htsat"].network.observe(windows)
    assert [part.numel() for part in seen[1:]] == [0, 0, 0]
    seen = models["tagger_htsat"].network.observe(windows)
    assert [tuple(part.shape) for part in seen[1:]] == [(3, 384), (3, 527), (3, 4, 51, 64)]


def test_observing_has_no_gradient(model: Model, windows: Tensor) -> None:
    seen = model.network.observe(windows.clone().requires_grad_())
    assert not any(part.requires_grad for part in seen)


def test_items_of_a_batch_do_not_touch_each_other(model: Model, windows: Tensor) -> None:
    pair = model.network.pair
    with torch.no_grad():
        together = pair(pair.observe(windows))
        alone = [pair(pair.observe(window[None])) for window in windows]
    for part, *singles in zip(together, *alone, strict=True):
        torch.testing.assert_close(part, torch.cat(singles), atol=1e-4, rtol=1e-4)


def test_only_the_dual_pair_leaves_the_direction_to_the_head(models: dict[str, Model], windows: Tensor) -> None:
    assert tagger_pair(models).has_direction
    pair = models["dual_htsat"].network.pair
    assert not pair.has_direction
    assert torch.equal(pair(pair.observe(windows)).direction, torch.zeros(3, 3))


def test_what_the_tagger_says_depends_on_w_alone(models: dict[str, Model], windows: Tensor) -> None:
    turned = windows.clone()
    turned[:, 1:] *= -1
    pair = tagger_pair(models)
    assert torch.equal(pair.observe(turned).tags, pair.observe(windows).tags)


def test_the_dual_what_branch_hears_x_y_z_only_through_the_stitches(models: dict[str, Model], windows: Tensor) -> None:
    pair = models["dual_htsat"].network.pair
    turned = windows.clone()
    turned[:, 1:] *= -1
    # The stitches of an untrained pair are the identity.
    with torch.no_grad():
        (what, where, _), (turned_what, turned_where, _) = (pair(pair.observe(foa)) for foa in (windows, turned))
    assert torch.equal(what, turned_what)
    assert not torch.equal(where, turned_where)


def test_a_frozen_tagger_never_trains(models: dict[str, Model]) -> None:
    pair = tagger_pair(models)
    try:
        pair.train()
        assert pair.where.training
        assert pair.norm.training
        assert not any(module.training for module in pair.tagger.modules())
        assert not any(parameter.requires_grad for parameter in pair.tagger.parameters())
    finally:
        pair.eval()


def test_without_maps_nothing_is_pooled(windows: Tensor) -> None:
    pair = build_pair(replace(PRESETS["tiny"], pair="tagger_htsat", intensity_maps=0))
    encoded = pair.eval()(pair.observe(windows))
    assert not pair.has_direction
    assert encoded.where.shape == (3, pair.where_dim) == (3, 64)
    assert torch.equal(encoded.direction, torch.zeros(3, 3))


def test_patches_are_means_of_sixteen_bins(models: dict[str, Model], rng: np.random.Generator) -> None:
    pair = tagger_pair(models)
    channels = torch.tensor(rng.standard_normal((1, 2, 64, 64)), dtype=torch.float32)
    patches = pair._patches(channels)
    assert patches.shape == (1, 256, 2)
    # Rows of the image are mel bands, columns frames: token 17 is of bands 4 to 7, frames 4 to 7.
    torch.testing.assert_close(patches[0, 17], channels[0, :, 4:8, 4:8].mean((1, 2)))
    torch.testing.assert_close(patches[0, 2], channels[0, :, 8:12, 0:4].mean((1, 2)))


def test_onsets_are_of_the_front_ends_own_intensity(models: dict[str, Model], windows: Tensor) -> None:
    pair = tagger_pair(models)
    unit = pair.frontend.intensity(windows)
    assert isinstance(unit, UnitIntensity)
    seen = pair.observe(windows)
    assert isinstance(seen, Observation)
    torch.testing.assert_close(seen.features, pair.frontend(windows))
    torch.testing.assert_close(seen.onsets, pair.frontend.onsets(unit))
