"""Conversions between Ambisonic formats: by hand, by their published checks, and there and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salm.audio.formats import (
    ambix_to_fuma,
    ambix_to_n3d,
    encode_plane_wave,
    from_mono,
    from_stereo,
    fuma_to_ambix,
    n3d_to_ambix,
    to_ambix,
)
from salm.errors import InputError

AZIMUTHS = st.floats(-180, 180)
ELEVATIONS = st.floats(-90, 90)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize(
    ("azimuth_deg", "elevation_deg", "gains"),
    [
        (0, 0, (1, 0, 0, 1)),
        (90, 0, (1, 1, 0, 0)),
        (180, 0, (1, 0, 0, -1)),
        (-90, 0, (1, -1, 0, 0)),
        (0, 90, (1, 0, 1, 0)),
    ],
)
def test_each_axis_has_its_channel(azimuth_deg: float, elevation_deg: float, gains: tuple[float, ...]) -> None:
    signal = noise(50)
    encoded = encode_plane_wave(signal, azimuth_deg, elevation_deg)
    np.testing.assert_allclose(encoded, np.outer(gains, signal), atol=1e-6)


@given(AZIMUTHS, ELEVATIONS)
def test_a_plane_wave_passes_the_checks_of_its_format(azimuth_deg: float, elevation_deg: float) -> None:
    ambix = encode_plane_wave(noise(20), azimuth_deg, elevation_deg)
    np.testing.assert_allclose(np.square(ambix[1:]).sum(0), np.square(ambix[0]), rtol=1e-4, atol=1e-6)
    fuma = ambix_to_fuma(ambix)
    np.testing.assert_allclose(np.square(fuma[1:]).sum(0), 2 * np.square(fuma[0]), rtol=1e-4, atol=1e-6)


def test_fuma_has_the_order_w_x_y_z_and_w_3_db_down() -> None:
    w, y, z, x = (noise(4, 10) * np.array([[1], [2], [3], [4]])).astype(np.float32)
    fuma = np.stack([w / np.float32(np.sqrt(2)), x, y, z])
    np.testing.assert_allclose(fuma_to_ambix(fuma), [w, y, z, x], rtol=1e-6)


def test_n3d_in_a_diffuse_field_has_equal_channels() -> None:
    """Of many plane waves from everywhere each N3D channel has the energy of W, each SN3D one a third of it."""
    rng = np.random.default_rng(2)
    vectors = rng.standard_normal((4000, 3))
    x, y, z = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).T
    ambix = np.stack([np.ones(4000), y, z, x]).astype(np.float32)
    energies = np.square(ambix_to_n3d(ambix)).mean(1)
    np.testing.assert_allclose(energies, 1.0, atol=0.05)


def test_conversions_come_back() -> None:
    field = noise(4, 100)
    np.testing.assert_allclose(fuma_to_ambix(ambix_to_fuma(field)), field, rtol=1e-6)
    np.testing.assert_allclose(n3d_to_ambix(ambix_to_n3d(field)), field, rtol=1e-6)


def test_of_higher_orders_the_first_is_taken() -> None:
    field = noise(16, 10)
    np.testing.assert_array_equal(to_ambix(field, "ambix"), field[:4])
    np.testing.assert_array_equal(to_ambix(field, "n3d"), n3d_to_ambix(field[:4]))


@pytest.mark.parametrize("channels", [1, 2, 3, 5, 8, 10])
def test_other_channel_counts_are_no_ambisonics(channels: int) -> None:
    with pytest.raises(InputError, match=f"^{channels} channels are no Ambisonics"):
        to_ambix(noise(channels, 10), "ambix")


def test_unknown_layouts_list_the_known() -> None:
    with pytest.raises(InputError, match="'aformat' but must be one of ambix, n3d, fuma"):
        to_ambix(noise(4, 10), "aformat")


def test_mono_is_w_alone() -> None:
    mono = noise(1, 10)
    np.testing.assert_array_equal(from_mono(mono), np.concatenate([mono, np.zeros((3, 10), np.float32)]))


def test_stereo_is_mid_and_side() -> None:
    left, right = noise(2, 10)
    w, y, z, x = from_stereo(np.stack([left, right]))
    np.testing.assert_allclose(w, (left + right) / 2)
    np.testing.assert_allclose(y, (left - right) / 2)
    assert not z.any()
    assert not x.any()
