"""The confidence is a logistic function of its evidence, and its fit the optimum of a penalised likelihood."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize

from salm.model.cone import LEVELS
from salm.model.confidence import Evidence, cones_deg, confidence, fit_cones, fit_confidence

FEATURES = 9


def evidence(
    disagreement_deg: float = 45.0,
    concentration: float = 0.5,
    sentence: float = 0.25,
    length: float = 0.5,
    near: float = 0.48,
    bins: float = math.e**2,
    directness: float = math.e**-0.5,
) -> Evidence:
    return Evidence(
        disagreement_deg=disagreement_deg,
        concentration=concentration,
        sentence=sentence,
        length=length,
        near=near,
        bins=bins,
        directness=directness,
    )


def drawn(rng: np.random.Generator, count: int) -> list[Evidence]:
    return [
        evidence(
            180 * rng.random(),
            rng.random(),
            2 * rng.random() - 1,
            rng.random(),
            rng.random(),
            1 + 2000 * rng.random(),
            0.5 + 0.4 * rng.random(),
        )
        for _ in range(count)
    ]


def test_by_hand() -> None:
    # Score 1 - 2 * 45/45 + 4 * 0.5 + 8 * 0.25 = 3, and ln 45 + 2 ln(1 - 0.5) + ln(0.48 + 0.02) - ln e^2 + 4 ln e^-0.5.
    assert confidence(evidence(), (1.0, -2.0, 4.0, 8.0)) == pytest.approx(1 / (1 + math.exp(-3)))
    score = 3 + math.log(45) + 3 * math.log(0.5) - 2 - 2
    weights = (1.0, -2.0, 4.0, 8.0, 1.0, 2.0, 1.0, -1.0, 4.0)
    assert confidence(evidence(), weights) == pytest.approx(1 / (1 + math.exp(-score)))


def test_weights_that_are_left_out_are_zero() -> None:
    """As of models that were calibrated when less was known."""
    old = (1.0, -2.0, 4.0, 8.0)
    assert confidence(evidence(), old) == confidence(evidence(), (*old, 0.0, 0.0, 0.0, 0.0, 0.0))


@pytest.mark.parametrize(
    "item",
    [
        evidence(0.0, 1.0, 1.0, 1.0, 1.0, 1e9, 1.0),
        evidence(180.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0),
        evidence(90.0, 0.0, 0.0, 1.8, 0.0, 0.3, 0.2),
    ],
)
def test_degenerate_evidence_gives_numbers(item: Evidence) -> None:
    assert np.isfinite(item.features()).all()
    for weights in ((1.0,) * FEATURES, (-50.0,) * FEATURES, (900.0,) * FEATURES):
        assert 0 <= confidence(item, weights) <= 1
        cones = cones_deg(item, (weights,) * len(LEVELS))
        assert all(0 <= cone <= 180 for cone in cones.values())


def test_without_calibration_it_is_one_half(rng: np.random.Generator) -> None:
    assert {confidence(item, (0.0,) * 4) for item in drawn(rng, 5)} == {0.5}


def test_beyond_ninety_degrees_disagreement_is_all_the_same() -> None:
    assert evidence(90.0).features() == evidence(180.0).features()
    assert evidence(89.0).features() != evidence(90.0).features()


def test_cones_by_hand_and_never_narrower_for_more() -> None:
    rows = tuple((math.log(width),) for width in (5.0, 20.0, 10.0, 500.0))
    assert cones_deg(evidence(), rows) == pytest.approx({0.5: 5.0, 0.8: 20.0, 0.9: 20.0, 0.95: 180.0})
    assert cones_deg(evidence(), ()) == {}


def test_cones_of_other_probabilities_are_refused() -> None:
    with pytest.raises(ValueError, match="2 cones but there must be 4"):
        cones_deg(evidence(), ((1.0,), (2.0,)))
    with pytest.raises(ValueError, match="10 weights but only 9 features"):
        cones_deg(evidence(), ((0.0,) * 10,) * 4)


def test_fitted_cones_hold_their_share(rng: np.random.Generator) -> None:
    """Errors that are the disagreement times a lognormal number, on items that the fit did not see."""
    items = drawn(rng, 1500)
    errors_deg = np.array([0.3 * item.disagreement_deg + 0.5 for item in items]) * np.exp(rng.standard_normal(1500))
    errors_deg = np.minimum(errors_deg, 180.0)
    seen = slice(0, 700)
    weights = fit_cones(items[seen], errors_deg[seen], promised=np.ones(700, bool), scene=np.arange(700))
    cones = [cones_deg(item, weights) for item in items[700:]]
    for level in LEVELS:
        held = np.mean([error <= cone[level] for error, cone in zip(errors_deg[700:], cones, strict=True)])
        # Three standard errors, of what is fitted on and of what is measured.
        assert held == pytest.approx(level, abs=3 * np.sqrt(level * (1 - level) * (1 / 700 + 1 / 800)))
    wide, narrow = (np.mean([cones_deg(evidence(d), weights)[0.9]]) for d in (80.0, 5.0))
    assert wide > 4 * narrow


def test_too_little_to_fit_a_cone_is_refused(rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match="99 locations with one sound"):
        fit_cones(drawn(rng, 300), np.ones(300), promised=np.arange(300) < 99, scene=np.arange(300))


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


def test_more_weights_than_evidence_are_refused() -> None:
    with pytest.raises(ValueError, match="10 weights but only 9 features"):
        confidence(evidence(), (0.0,) * 10)


def test_the_fit_is_the_optimum_that_another_optimiser_finds(rng: np.random.Generator) -> None:
    items = drawn(rng, 300)
    x = np.array([item.features() for item in items])
    close = rng.random(300) < 1 / (1 + np.exp(-(x @ [2.0, -3.0, 1.5, 0.5, -0.2, -0.3, 0.4, 0.1, 1.0])))

    def cost(weights: np.ndarray) -> float:
        score = x @ weights
        return float(np.sum(np.logaddexp(0, score) - close * score) + 0.5 * 0.01 * weights @ weights)

    wanted = minimize(cost, np.zeros(FEATURES), method="BFGS", options={"gtol": 1e-6}).x
    np.testing.assert_allclose(fit_confidence(items, close), wanted, atol=1e-4)


def test_the_fit_finds_the_weights_that_made_the_data(rng: np.random.Generator) -> None:
    items = drawn(rng, 20_000)
    true = np.array([1.0, -2.0, 1.5, 0.5, -0.2, -0.3, 0.4, 0.1, 1.0])
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
