"""Moving sources against a sum over samples, and in time."""

import numpy as np
import pytest

from salm.acoustics.moving import convolve_moving
from salm.errors import InputError


def slow(dry: np.ndarray, srirs: np.ndarray, at: list[int]) -> np.ndarray:
    """Every sample through the response of its moment, one after the other."""
    wet = np.zeros((4, dry.size + srirs.shape[-1]))
    for time, value in enumerate(dry):
        shares = [np.interp(time, at, np.eye(len(at))[place]) for place in range(len(at))]
        wet[:, time : time + srirs.shape[-1]] += value * np.einsum("p,pct->ct", shares, srirs)
    return wet[:, : dry.size]


@pytest.mark.parametrize("at", [[0, 50, 120, 299], [40, 41, 200, 260], [-30, 20, 350, 500], [-90, -50, -20, -3]])
@pytest.mark.parametrize("response", [1, 7, 90])
def test_it_is_a_sum_over_samples(rng: np.random.Generator, at: list[int], response: int) -> None:
    dry = rng.standard_normal(300).astype(np.float32)
    srirs = rng.standard_normal((4, 4, response)).astype(np.float32)
    np.testing.assert_allclose(convolve_moving(dry, srirs, np.array(at)), slow(dry, srirs, at), atol=2e-5)


def test_what_was_sent_before_the_end_rings_on(rng: np.random.Generator) -> None:
    dry = np.zeros(100, np.float32)
    dry[10] = 1.0
    srirs = rng.standard_normal((2, 4, 60)).astype(np.float32)
    wet = convolve_moving(dry, srirs, np.array([20, 40]))
    np.testing.assert_allclose(wet[:, 10:70], srirs[0], atol=1e-6)


@pytest.mark.parametrize("at", [[0, 0], [5, 2], [0, 1, 2]])
def test_times_that_cannot_be_are_refused(at: list[int]) -> None:
    with pytest.raises(InputError, match="as many times, each later than the one before"):
        convolve_moving(np.ones(10, np.float32), np.ones((2, 4, 3), np.float32), np.array(at))
