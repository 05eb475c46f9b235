"""Rotation and mirror of sound fields against the directions that they are said to move."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from salm.audio.formats import encode_plane_wave
from salm.audio.rotate import MIRRORS, field_matrix, mirror_left_right, rotate, rotation_matrix, yaw
from salm.frame import unit_vector

ANGLES = st.floats(-180, 180)
ELEVATIONS = st.floats(-90, 90)
SIGNAL = np.random.default_rng(3).standard_normal(30).astype(np.float32)


@given(ANGLES, ELEVATIONS, ANGLES)
def test_yaw_adds_to_the_azimuth(azimuth_deg: float, elevation_deg: float, turn_deg: float) -> None:
    turned = yaw(encode_plane_wave(SIGNAL, azimuth_deg, elevation_deg), turn_deg)
    expected = encode_plane_wave(SIGNAL, azimuth_deg + turn_deg, elevation_deg)
    np.testing.assert_allclose(turned, expected, atol=1e-5)


@given(ANGLES, ELEVATIONS)
def test_the_mirror_negates_the_azimuth(azimuth_deg: float, elevation_deg: float) -> None:
    mirrored = mirror_left_right(encode_plane_wave(SIGNAL, azimuth_deg, elevation_deg))
    np.testing.assert_allclose(mirrored, encode_plane_wave(SIGNAL, -azimuth_deg, elevation_deg), atol=1e-6)


def test_the_mirror_is_its_own_inverse_and_no_rotation(rng: np.random.Generator) -> None:
    field = rng.standard_normal((4, 50)).astype(np.float32)
    np.testing.assert_array_equal(mirror_left_right(mirror_left_right(field)), field)
    mirror = np.stack(
        [
            mirror_left_right(encode_plane_wave(np.ones(1, np.float32), az, el))[[3, 1, 2], 0]
            for az, el in ((0, 0), (90, 0), (0, 90))
        ],
        axis=1,
    )
    assert np.linalg.det(mirror) < 0


@given(ANGLES, ANGLES, ANGLES)
def test_matrices_are_scipys_rotations(yaw_deg: float, pitch_deg: float, roll_deg: float) -> None:
    # A positive pitch raises the front: scipy's rotation around y is the other way round.
    expected = Rotation.from_euler("ZYX", [yaw_deg, -pitch_deg, roll_deg], degrees=True).as_matrix()
    np.testing.assert_allclose(rotation_matrix(yaw_deg, pitch_deg, roll_deg), expected, atol=1e-12)


def test_signs_are_as_described() -> None:
    np.testing.assert_allclose(rotation_matrix(30, 0, 0) @ unit_vector(0), unit_vector(30), atol=1e-12)
    np.testing.assert_allclose(rotation_matrix(0, 30, 0) @ unit_vector(0), unit_vector(0, 30), atol=1e-12)
    np.testing.assert_allclose(rotation_matrix(0, 0, 30) @ unit_vector(90), unit_vector(90, 30), atol=1e-12)


@given(ANGLES, ANGLES, ANGLES)
def test_energy_and_w_stay(yaw_deg: float, pitch_deg: float, roll_deg: float) -> None:
    field = np.random.default_rng(5).standard_normal((4, 40)).astype(np.float32)
    turned = rotate(field, rotation_matrix(yaw_deg, pitch_deg, roll_deg))
    np.testing.assert_array_equal(turned[0], field[0])
    np.testing.assert_allclose(np.square(turned).sum(0), np.square(field).sum(0), rtol=1e-5)


@given(ANGLES, ANGLES, ANGLES)
def test_the_inverse_undoes_it(yaw_deg: float, pitch_deg: float, roll_deg: float) -> None:
    field = np.random.default_rng(6).standard_normal((4, 40)).astype(np.float32)
    matrix = rotation_matrix(yaw_deg, pitch_deg, roll_deg)
    np.testing.assert_allclose(rotate(rotate(field, matrix), matrix.T), field, atol=1e-5)


@pytest.mark.parametrize(
    ("sides", "azimuth_deg", "elevation_deg"), [("left-right", -30, 20), ("front-back", 150, 20), ("up-down", 30, -20)]
)
def test_mirrors_exchange_two_sides(sides: str, azimuth_deg: float, elevation_deg: float) -> None:
    mirrored = rotate(encode_plane_wave(SIGNAL, 30, 20), MIRRORS[sides])
    np.testing.assert_allclose(mirrored, encode_plane_wave(SIGNAL, azimuth_deg, elevation_deg), atol=1e-6)


def test_a_matrix_for_directions_is_one_for_channels() -> None:
    field, matrix = encode_plane_wave(SIGNAL, 30, 20), rotation_matrix(40, 20, -10)
    np.testing.assert_allclose(field_matrix(matrix) @ field, rotate(field, matrix), atol=1e-6)
