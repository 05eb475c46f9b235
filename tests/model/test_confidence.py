"""The confidence is a logistic function of its evidence, and its fit the optimum of a penalised likelihood."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize

from salm.model.confidence import Evidence, confidence, fit_confidence


def evidence(disagreement_deg: float = 45.0, concentration: float = 0.5, sentence: float = 0.25) -> Evidence:
    return Evidence(disagreement_deg=disagreement_deg, concentration=concentration, sentence=sentence)


def drawn(rng: np.random.Generator, count: int) -> list[Evidence]:
    return [evidence(180 * rng.random(), rng.random(), 2 * rng.random() - 1) for _ in range(count)]


def test_by_hand() -> None:
    # Score 1 - 2 * 45/45 + 4 * 0.5 + 8 * 0.25 = 3.
    assert confidence(evidence(), (1.0, -2.0, 4.0, 8.0)) == pytest.approx(1 / (1 + math.exp(-3)))


def test_without_calibration_it_is_one_half(rng: np.random.Generator) -> None:
    assert {confidence(item, (0.0,) * 4) for item in drawn(rng, 5)} == {0.5}


def test_beyond_ninety_degrees_disagreement_is_all_the_same() -> None:
    assert evidence(90.0).features() == evidence(180.0).features()
    assert evidence(89.0).features() != evidence(90.0).features()


@pytest.mark.parametrize("weight", [1e6, -1e6])
def test_extreme_scores_stay_between_zero_and_one(weight: float) -> None:
    assert 0 < confidence(evidence(), (weight, 0.0, 0.0, 0.0)) < 1


@pytest.mark.parametrize(
    ("worse", "better"),
    [(evidence(60.0), evidence(30.0)), (evidence(concentration=0.2), evidence(concentration=0.9))],
)
def test_it_rises_with_what_speaks_for_the_location(worse: Evidence, better: Evidence) -> None:
    weights = (0.0, -1.0, 2.0, 1.0)
    assert confidence(better, weights) > confidence(worse, weights)


@pytest.mark.parametrize("count", [0, 3, 5])
def test_another_number_of_weights_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"{count} weights but needs 4"):
        confidence(evidence(), (0.0,) * count)


def test_the_fit_is_the_optimum_that_another_optimiser_finds(rng: np.random.Generator) -> None:
    items = drawn(rng, 300)
    x = np.array([item.features() for item in items])
    close = rng.random(300) < 1 / (1 + np.exp(-(x @ [2.0, -3.0, 1.5, 0.5])))

    def cost(weights: np.ndarray) -> float:
        score = x @ weights
        return float(np.sum(np.logaddexp(0, score) - close * score) + 0.5 * 0.01 * weights @ weights)

    wanted = minimize(cost, np.zeros(4), method="BFGS", options={"gtol": 1e-7}).x
    np.testing.assert_allclose(fit_confidence(items, close), wanted, atol=1e-4)


def test_the_fit_finds_the_weights_that_made_the_data(rng: np.random.Generator) -> None:
    items = drawn(rng, 20_000)
    true = np.array([1.0, -2.0, 1.5, 0.5])
    x = np.array([item.features() for item in items])
    close = rng.random(len(items)) < 1 / (1 + np.exp(-(x @ true)))
    # Four standard errors of 20,000 items are about 0.2.
    np.testing.assert_allclose(fit_confidence(items, close), true, atol=0.25)


def test_the_fit_is_calibrated_on_its_own_data(rng: np.random.Generator) -> None:
    items = drawn(rng, 500)
    close = np.array([item.disagreement_deg < 40 + 30 * rng.standard_normal() for item in items])
    weights = fit_confidence(items, close)
    chances = [confidence(item, weights) for item in items]
    # A logistic regression with a constant predicts the right number of events, but for the ridge.
    assert np.mean(chances) == pytest.approx(close.mean(), abs=1e-3)


def test_separable_data_give_finite_weights(rng: np.random.Generator) -> None:
    items = drawn(rng, 100)
    weights = fit_confidence(items, np.array([item.concentration > 0.5 for item in items]))
    assert np.isfinite(weights).all()
    assert confidence(evidence(concentration=0.95), weights) > 0.95
    assert confidence(evidence(concentration=0.05), weights) < 0.05


def test_a_larger_ridge_gives_smaller_weights(rng: np.random.Generator) -> None:
    items = drawn(rng, 100)
    close = np.array([item.concentration > 0.5 for item in items])
    loose, tight = (np.linalg.norm(fit_confidence(items, close, ridge=ridge)) for ridge in (1e-2, 10.0))
    assert tight < 0.5 * loose


@pytest.mark.parametrize(("count", "right"), [(9, 4), (20, 0), (20, 20)])
def test_too_little_to_fit_is_refused(rng: np.random.Generator, count: int, right: int) -> None:
    with pytest.raises(ValueError, match=f"{count} locations, {right} of them close"):
        fit_confidence(drawn(rng, count), np.arange(count) < right)
