"""Histograms by the piece, against numpy's of everything at once and against counting."""

import json

import numpy as np
import pytest

from salm.scenes.histogram import Histogram, Tally


def tallied(numbers: np.ndarray, least: float, most: float, width: float, bins: int | None = 40) -> Histogram:
    tally = Tally(least, most, width=width, bins=bins)
    for number in numbers.tolist():
        tally.add(number)
    return tally.histogram()


@pytest.mark.parametrize("bins", [None, 40, 7, 1])
def test_counts_are_those_of_numpy(rng: np.random.Generator, bins: int | None) -> None:
    """More numbers than are held at a time, some of them beyond the ends."""
    numbers = rng.gamma(2.0, 3.0, 20_000)
    made = tallied(numbers, 0, 20, 0.25, bins)
    counts, _ = np.histogram(numbers, made.edges)
    assert made.counts == tuple(counts.tolist())
    assert (made.count, made.outside) == (20_000, int(np.sum((numbers < 0) | (numbers > 20))))
    assert made.outside > 0
    assert len(made.counts) == 80 if bins is None else len(made.counts) <= bins
    assert (made.least, made.most) == (numbers.min(), numbers.max())
    assert made.mean == pytest.approx(numbers.mean())


def test_a_number_on_an_edge_is_in_the_bin_above() -> None:
    made = tallied(np.array([-180, 22.5, 22.4999, 180.0]), -180, 180, 7.5, None)
    inside = {edge: count for edge, count in zip(made.edges, made.counts, strict=False) if count}
    assert inside == {-180.0: 1, 15.0: 1, 22.5: 1, 172.5: 1}


@pytest.mark.parametrize("offset", [0.0, 3.7, 111.0])
def test_bins_are_as_fine_as_fits_and_their_edges_round(rng: np.random.Generator, offset: float) -> None:
    numbers = offset + rng.uniform(0, 300, 500)
    made = tallied(numbers, 0, 10_000, 1)
    widths = set(np.diff(made.edges).tolist())
    assert widths == {10.0}
    assert all(edge % 10 == 0 for edge in made.edges)
    # Nothing but what is there, and what is between.
    assert made.counts[0] > 0
    assert made.counts[-1] > 0
    for low, high, count in zip(made.edges, made.edges[1:], made.counts, strict=False):
        assert count == sum(low <= number < high for number in numbers)


def test_one_value_is_one_bin() -> None:
    made = tallied(np.full(9, 1.0), 0, 100, 0.25)
    assert (made.edges, made.counts) == ((1.0, 1.25), (9,))


def test_nothing_gives_no_bins_and_unknowns_are_counted() -> None:
    tally = Tally(0, 1, width=0.1)
    tally.add(None)
    tally.add(None)
    made = tally.histogram()
    assert made == Histogram(edges=(), counts=(), count=0, outside=0, unknown=2, least=None, mean=None, most=None)
    tally.add(0.5)
    assert tally.histogram().unknown == 2
    assert tally.histogram().count == 1


def test_numbers_that_are_all_outside_are_said_to_be() -> None:
    made = tallied(np.array([7.0, 8.0]), 0, 1, 0.5)
    assert (sum(made.counts), made.count, made.outside) == (0, 2, 2)


def test_the_plain_form_is_json() -> None:
    made = tallied(np.array([0.1, 0.3]), 0, 1, 0.1)
    plain = json.loads(json.dumps(made.to_dict(), allow_nan=False))
    assert plain["edges"] == [0.1, 0.2, 0.3, 0.4]
    assert plain["counts"] == [1, 0, 1]
