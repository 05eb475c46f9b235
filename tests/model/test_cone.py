"""Cones against scipy's von Mises-Fisher distribution, and quantile fits against data whose quantiles are known."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import vonmises_fisher

from salm.model.cone import (
    LEVELS,
    cone_of,
    fit_covering,
    fit_quantile,
    kappa_of,
    kappa_of_resultant,
    resultant_of,
)


@pytest.mark.parametrize("kappa", [0.01, 0.5, 3.0, 40.0, 600.0])
@pytest.mark.parametrize("level", LEVELS)
def test_a_cone_holds_its_share_of_the_density(kappa: float, level: float) -> None:
    """The density of scipy, integrated over the cone numerically."""
    distribution = vonmises_fisher(np.array([0.0, 0.0, 1.0]), kappa)

    def on_a_ring(angle: float) -> float:
        return 2 * np.pi * np.sin(angle) * float(distribution.pdf(np.array([np.sin(angle), 0.0, np.cos(angle)])))

    held, _ = quad(on_a_ring, 0.0, np.radians(cone_of(kappa, level=level)))
    assert held == pytest.approx(level, abs=1e-6)


def test_a_cone_holds_its_share_of_samples(rng: np.random.Generator) -> None:
    samples = vonmises_fisher(np.array([0.0, 0.0, 1.0]), 25.0).rvs(20_000, random_state=rng)
    errors_deg = np.degrees(np.arccos(samples[:, 2]))
    # Four standard errors of a share of 20,000.
    assert np.mean(errors_deg <= cone_of(25.0)) == pytest.approx(0.9, abs=4 * np.sqrt(0.09 / 20_000))


@pytest.mark.parametrize("kappa", [1e-3, 0.3, 2.0, 20.0, 700.0, 1e5])
def test_kappa_and_cone_are_two_names_for_one_number(kappa: float) -> None:
    assert kappa_of(cone_of(kappa)) == pytest.approx(kappa, rel=1e-6)


def test_the_uniform_distribution_and_a_point() -> None:
    # A cap of half angle a is (1 - cos a) / 2 of the sphere.
    assert cone_of(0.0) == pytest.approx(np.degrees(np.arccos(1 - 2 * 0.9)))
    assert kappa_of(150.0) == kappa_of(180.0) == 0.0
    assert np.isfinite(kappa_of(0.0))
    assert cone_of(kappa_of(0.0)) < 0.01


def test_a_wider_cone_is_a_smaller_kappa() -> None:
    kappas = [kappa_of(cone_deg) for cone_deg in np.linspace(0.1, 140, 50)]
    assert all(a > b for a, b in pairwise(kappas))
    assert cone_of(5.0, level=0.5) < cone_of(5.0, level=0.8) < cone_of(5.0, level=0.95)


@pytest.mark.parametrize("kappa", [0.2, 5.0, 80.0])
def test_the_resultant_is_the_length_of_the_mean(kappa: float, rng: np.random.Generator) -> None:
    samples = vonmises_fisher(np.array([1.0, 0.0, 0.0]), kappa).rvs(40_000, random_state=rng)
    assert resultant_of(kappa) == pytest.approx(samples.mean(axis=0)[0], abs=0.015)
    assert kappa_of_resultant(resultant_of(kappa)) == pytest.approx(kappa, rel=1e-6)


def test_resultants_at_both_ends() -> None:
    assert resultant_of(0.0) == kappa_of_resultant(0.0) == 0.0
    assert kappa_of_resultant(1.0) > 1e9
    # The series and the formula meet.
    assert resultant_of(0.999e-3) == pytest.approx(resultant_of(1.001e-3), rel=3e-3)


def data(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Values 1 + 2 x + (0.5 + x) t with t exponential: every quantile is linear in x."""
    x = rng.random(count)
    return np.stack([np.ones(count), x], axis=1), 1 + 2 * x + (0.5 + x) * rng.exponential(size=count)


@pytest.mark.parametrize("level", LEVELS)
def test_the_fit_finds_the_quantiles_that_made_the_data(level: float, rng: np.random.Generator) -> None:
    quantile = -np.log(1 - level)
    found = fit_quantile(*data(rng, 4000), level=level)
    np.testing.assert_allclose(found, [1 + 0.5 * quantile, 2 + quantile], atol=0.45)
    # In the middle, where the two errors cancel, it is much more precise.
    assert found @ [1, 0.5] == pytest.approx(2 + quantile, abs=0.15)


def test_the_median_of_one_constant_is_the_median(rng: np.random.Generator) -> None:
    values = rng.exponential(size=101)
    assert fit_quantile(np.ones((101, 1)), values, level=0.5)[0] == pytest.approx(np.median(values))


def test_features_that_are_the_same_give_finite_weights(rng: np.random.Generator) -> None:
    features, values = data(rng, 200)
    found = fit_quantile(np.concatenate([features, features[:, 1:]], axis=1), values, level=0.8)
    assert np.isfinite(found).all()
    assert np.abs(found).max() < 20


def test_cones_cover_what_the_fit_did_not_see(rng: np.random.Generator) -> None:
    """Twelve useless features, eighty items: the plain fit covers too little of others, the covering one does not."""
    plain, covering = [], []
    for _ in range(30):
        noise = rng.standard_normal((1080, 12))
        features, values = data(rng, 1080)
        features = np.concatenate([features, noise], axis=1)
        seen, unseen = slice(0, 80), slice(80, None)
        every, alone = np.ones(80, bool), np.arange(80)
        weights = fit_covering(features[seen], values[seen], level=0.9, counts=every, group=alone)
        covering.append(np.mean(values[unseen] <= features[unseen] @ weights))
        weights = fit_quantile(features[seen], values[seen], level=0.9)
        plain.append(np.mean(values[unseen] <= features[unseen] @ weights))
    assert np.mean(plain) < 0.86
    assert np.mean(covering) == pytest.approx(0.9, abs=0.03)


def test_only_items_that_count_are_covered(rng: np.random.Generator) -> None:
    features, values = data(rng, 2000)
    hard = np.arange(2000) % 2 == 0
    values = values + 3 * hard
    weights = fit_covering(features, values, level=0.9, counts=~hard, group=np.arange(2000))
    assert np.mean(values[~hard] <= features[~hard] @ weights) == pytest.approx(0.9, abs=0.01)
