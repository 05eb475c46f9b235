"""Figures and their bootstrap against a direct loop, and against what an interval promises."""

import json

import numpy as np
import pytest

from salm.evaluation.intervals import (
    LEVEL,
    RESAMPLES,
    Figure,
    clustered,
    intervals,
    mean,
    plain,
    quantile,
    ratio,
)


def slow_interval(values: np.ndarray, statistic, *, seed: int) -> tuple[float, float]:
    """The percentile bootstrap, one draw at a time."""
    draws = np.random.default_rng([seed, len(values)]).integers(len(values), size=(1000, len(values)), dtype=np.int32)
    found = sorted(s for s in (statistic(values[draw]) for draw in draws) if not np.isnan(s))
    tail = (len(found) - 1) * 0.025
    return tuple(
        found[int(place)] + (place - int(place)) * (found[min(int(place) + 1, len(found) - 1)] - found[int(place)])
        for place in (tail, len(found) - 1 - tail)
    )


def slow_mean(values: np.ndarray) -> float:
    kept = [value for value in values if not np.isnan(value)]
    return sum(kept) / len(kept) if kept else np.nan


@pytest.mark.parametrize(
    ("statistic", "slow"),
    [(mean, slow_mean), (quantile(0.5), np.median), (quantile(0.9), lambda values: np.percentile(values, 90))],
    ids=["mean", "median", "p90"],
)
def test_the_bootstrap_is_that_of_a_loop(rng: np.random.Generator, statistic, slow) -> None:
    values = rng.exponential(size=37)
    figure = Figure(values, statistic)
    assert figure.value == pytest.approx(slow(values))
    assert figure.interval(seed=4) == pytest.approx(slow_interval(values, slow, seed=4))


def test_a_ratio_resamples_its_rows_as_pairs(rng: np.random.Generator) -> None:
    rows = rng.integers(0, 2, size=(30, 2)).astype(float)
    figure = Figure(rows, ratio)
    assert figure.value == pytest.approx(rows[:, 0].sum() / rows[:, 1].sum())
    expected = slow_interval(rows, lambda drawn: drawn[:, 0].sum() / drawn[:, 1].sum(), seed=0)
    assert figure.interval() == pytest.approx(expected)


def test_rows_that_are_no_number_do_not_count(rng: np.random.Generator) -> None:
    values = rng.random(20)
    values[::3] = np.nan
    assert Figure(values).value == pytest.approx(np.nanmean(values))
    assert Figure(values).interval(seed=1) == pytest.approx(slow_interval(values, slow_mean, seed=1))


def test_what_may_be_missing_from_a_draw(rng: np.random.Generator) -> None:
    """One row in four counts: some draws miss it, and say nothing."""
    figure = Figure(np.array([np.nan, np.nan, 0.75, np.nan]))
    assert figure.value == 0.75
    assert figure.interval() == (0.75, 0.75)


@pytest.mark.parametrize(
    "figure",
    [
        Figure(np.zeros(0)),
        Figure(np.full(3, np.nan)),
        Figure(np.zeros((3, 2)), ratio),
        Figure(np.zeros(0), quantile(0.5)),
    ],
    ids=["no rows", "none counts", "nothing to divide by", "no median"],
)
def test_what_nothing_is_known_of(figure: Figure) -> None:
    assert figure.value == 0.0
    assert figure.interval() == (0.0, 1.0)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Means of 60 numbers: 95 % of the intervals hold the true mean, less the little that percentiles miss.

    Of 400 experiments at a chance of 0.95, 4.4 is the standard deviation of those that hold.
    """
    rng = np.random.default_rng(11)
    held = 0
    for _ in range(400):
        low, high = Figure(rng.normal(3.0, 2.0, size=60)).interval()
        held += low <= 3.0 <= high
    assert 0.95 * 400 - 4 * 4.4 <= held <= 0.95 * 400 + 2 * 4.4


def test_the_same_seed_gives_the_same_interval(rng: np.random.Generator) -> None:
    figure = Figure(rng.random(50))
    assert figure.interval(seed=5) == figure.interval(seed=5) == Figure(figure.values.copy()).interval(seed=5)
    assert figure.interval(seed=5) != figure.interval(seed=6)


def test_shares_are_figures_of_booleans() -> None:
    figure = Figure(np.array([True, False, True, True]))
    assert figure.value == 0.75
    assert (RESAMPLES, LEVEL) == (1000, 0.95)


def test_trees() -> None:
    tree = {"a": Figure(np.ones(3)), "b": {"c": Figure(np.zeros(3)), "words": "why", "holds": True}, "d": {"n": 3}}
    assert plain(tree) == {"a": 1.0, "b": {"c": 0.0, "words": "why", "holds": True}, "d": {"n": 3}}
    assert intervals(tree) == {"a": [1.0, 1.0], "b": {"c": [0.0, 0.0]}}
    json.dumps([plain(tree), intervals(tree)], allow_nan=False)


@pytest.mark.parametrize("clusters", [np.repeat([4, 1, 7, 2], 3), np.array([5, 0, 5, 5, 1, 1, 2, 5, 9, 0, 5, 2])])
@pytest.mark.parametrize(("statistic", "slow"), [(mean, slow_mean), (quantile(0.5), np.median)], ids=["mean", "median"])
def test_rows_of_one_recording_are_drawn_together(rng: np.random.Generator, clusters, statistic, slow) -> None:
    """Three positions each, and recordings of several sizes: rows of a drawn recording come one after another."""
    values = rng.exponential(size=12)
    order = list(dict.fromkeys(clusters.tolist()))
    members = [[row for row in range(12) if clusters[row] == name] for name in order]
    draws = np.random.default_rng([6, len(order)]).integers(len(order), size=(1000, len(order)), dtype=np.int32)
    found = [slow(values[[row for number in draw for row in members[number]]]) for draw in draws]
    expected = tuple(np.quantile(found, [0.025, 0.975]))
    assert Figure(values, statistic, clusters).interval(seed=6) == pytest.approx(expected)


def test_a_recording_a_row_is_the_plain_bootstrap(rng: np.random.Generator) -> None:
    figure = Figure(rng.random(20))
    alone = clustered({"a": figure}, rng.permutation(20))["a"]
    assert alone.interval(seed=3) == figure.interval(seed=3)


def test_intervals_of_repeated_recordings_hold_the_truth_only_by_recording() -> None:
    """Forty recordings at three places that nearly agree: by row the intervals are too narrow by about the root of 3.

    Of 200 experiments at a chance of 0.95, 3.1 is the standard deviation of those that hold.
    """
    rng = np.random.default_rng(8)
    clusters = np.repeat(np.arange(40), 3)
    held = {"rows": 0, "recordings": 0}
    for _ in range(200):
        values = np.repeat(rng.normal(0.0, 1.0, size=40), 3) + rng.normal(0.0, 0.1, size=120)
        for name, of in (("rows", None), ("recordings", clusters)):
            low, high = Figure(values, clusters=of).interval()
            held[name] += low <= 0 <= high
    assert held["recordings"] >= 0.95 * 200 - 4 * 3.1
    assert held["rows"] < 0.85 * 200


def test_clusters_go_to_every_figure_of_a_tree() -> None:
    tree = {"a": Figure(np.arange(3.0)), "b": {"c": Figure(np.ones((3, 2)), ratio), "chance": 0.5}}
    together = clustered(tree, np.zeros(3, int))
    assert plain(together) == plain(tree)
    assert intervals(together) == {"a": [1.0, 1.0], "b": {"c": [1.0, 1.0]}}
    with pytest.raises(ValueError, match="4 clusters do not fit a figure of 3 rows"):
        clustered(tree, np.zeros(4, int))
