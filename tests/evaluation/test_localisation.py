"""Localisation figures on angles that can be checked by hand."""

import numpy as np
import pytest

from salm.evaluation.intervals import intervals, plain
from salm.evaluation.localisation import (
    CORE_DEG,
    SHARES,
    beside_baselines,
    in_core,
    localisation,
    localisation_figures,
)
from salm.frame import unit_vector

AHEAD = unit_vector(0.0)


def errors(*azimuths_deg: float) -> dict[str, float]:
    """Figures of predictions at these azimuths when all sounds are in front."""
    return localisation(unit_vector(np.array(azimuths_deg)), np.tile(AHEAD, (len(azimuths_deg), 1)))


def test_hand_values() -> None:
    figures = errors(0, 10, -20, 30, 180)
    assert figures["mean_deg"] == pytest.approx(48)
    assert figures["median_deg"] == pytest.approx(20)
    assert figures["p90_deg"] == pytest.approx(30 + 0.6 * 150)
    assert figures["sector_accuracy"] == figures["sector_accuracy_core"] == 3 / 5


def test_the_error_is_on_the_sphere_and_lengths_do_not_matter() -> None:
    above = 3 * unit_vector(90.0, 90.0)[None]
    assert localisation(above, AHEAD[None])["mean_deg"] == pytest.approx(90)
    near = localisation(unit_vector(0.0, 1e-7)[None], 1e-20 * AHEAD[None])
    assert near["mean_deg"] == pytest.approx(1e-7, rel=1e-6)


def test_a_prediction_without_length_is_90_degrees_off_and_in_no_sector() -> None:
    figures = localisation(np.zeros((1, 3)), AHEAD[None])
    assert figures["mean_deg"] == figures["median_deg"] == 90.0
    assert figures["sector_accuracy"] == 0.0


def test_the_core_leaves_out_what_is_near_a_border() -> None:
    true = unit_vector(np.array([0.0, CORE_DEG - 0.01, -(CORE_DEG + 0.01), 45 + 20.0, 180 - 17.0, -90.0]))
    assert in_core(true).tolist() == [True, True, False, False, True, True]
    predicted = true.copy()
    predicted[2] = -AHEAD
    predicted[5] = AHEAD
    figures = localisation(predicted, true)
    assert figures["sector_accuracy"] == pytest.approx(4 / 6)
    assert figures["sector_accuracy_core"] == pytest.approx(3 / 4)


def test_without_a_core_its_accuracy_is_unknown() -> None:
    figure = localisation_figures(AHEAD[None], unit_vector(20.0)[None])["sector_accuracy_core"]
    assert (figure.value, figure.interval()) == (0.0, (0.0, 1.0))


def test_what_means_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        localisation(np.array([[np.nan, 0, 1]]), AHEAD[None])
    with pytest.raises(ValueError, match="not finite"):
        localisation(AHEAD[None], np.array([[np.inf, 0, 1]]))
    with pytest.raises(ValueError, match="not empty"):
        localisation(np.zeros((0, 3)), np.zeros((0, 3)))
    with pytest.raises(ValueError, match=r"\(1, 3\) and true is \(2, 3\)"):
        localisation(np.ones((1, 3)), np.ones((2, 3)))


def test_the_errors_in_detail_are_those_of_the_figures() -> None:
    true = unit_vector(np.array([0.0, 10.0, 90.0, 90.0, 90.0]))
    model, blind = unit_vector(np.array([1.0, 13.0, 100.0, 120.0, 94.0])), unit_vector(np.full(5, 0.0))
    tree = beside_baselines(model, {"blind": blind}, true, np.array([0, 0, 1, 2, 3]))
    details = plain(tree["directions"])
    quantiles = dict(zip(SHARES, details["model"]["error_quantiles_deg"], strict=True))
    assert quantiles[0.0] == pytest.approx(1)
    assert quantiles[0.5] == pytest.approx(4) == pytest.approx(tree["localisation"]["median_deg"].value)
    assert quantiles[1.0] == pytest.approx(30)
    sectors = details["model"]["sectors"]
    assert {word: row["count"] for word, row in sectors.items()} == {"front": 2, "left": 3}
    assert sectors["left"]["median_deg"] == pytest.approx(10)
    assert sectors["left"]["sector_accuracy"] == pytest.approx(2 / 3)
    assert details["blind"]["sectors"]["left"]["median_deg"] == pytest.approx(90)
    # Both sounds in front are of one recording, so drawing recordings says nothing of their spread.
    bounds = intervals(tree)["directions"]["model"]["sectors"]
    assert bounds["front"]["median_deg"] == pytest.approx([2, 2])
    assert bounds["left"]["median_deg"] == pytest.approx([4, 30])
