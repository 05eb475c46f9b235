"""The beam: what it does to plane waves, and that it can be undone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salm.editing.beam import beam_matrix, leakage
from salm.frame import Direction

DIRECTIONS = st.builds(Direction, st.floats(-180, 180), st.floats(-90, 90))
GAINS_DB = st.floats(-20, 20)


def wave(direction: Direction) -> np.ndarray:
    x, y, z = direction.vector
    return np.array([1, y, z, x])


@given(DIRECTIONS, GAINS_DB)
def test_the_direction_gains_what_was_asked_and_the_opposite_stays(there: Direction, gain_db: float) -> None:
    opposite = Direction.from_vector(-there.vector)
    gain = 10 ** (gain_db / 20)
    np.testing.assert_allclose(beam_matrix(there, gain_db) @ wave(there), gain * wave(there), atol=1e-9)
    np.testing.assert_allclose(beam_matrix(there, gain_db) @ wave(opposite), wave(opposite), atol=1e-9)


@given(DIRECTIONS, DIRECTIONS, GAINS_DB)
def test_plane_waves_stay_plane_waves_and_w_hears_a_cardioid(
    there: Direction, other: Direction, gain_db: float
) -> None:
    w, *vector = beam_matrix(there, gain_db) @ wave(other)
    cardioid = (1 + there.vector @ other.vector) / 2
    assert w == pytest.approx(1 + (10 ** (gain_db / 20) - 1) * cardioid)
    assert np.linalg.norm(vector) == pytest.approx(w)


@given(DIRECTIONS, GAINS_DB)
def test_the_opposite_gain_undoes_it(there: Direction, gain_db: float) -> None:
    np.testing.assert_allclose(beam_matrix(there, gain_db) @ beam_matrix(there, -gain_db), np.eye(4), atol=1e-9)


@given(GAINS_DB)
def test_nothing_gains_more_than_the_direction_or_less_than_the_opposite(gain_db: float) -> None:
    gains = [leak.gain_db for leak in leakage(gain_db)]
    assert gains == sorted(gains, reverse=gain_db > 0)
    assert (gains[0], gains[-1]) == pytest.approx((gain_db, 0), abs=0.01)
