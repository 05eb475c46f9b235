from math import cos, exp, radians

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salm.library.question import Branch, Sought
from salm.library.scoring import UNKNOWN_PLACE, KnownPlaces, Stated, place_agreement, scored

AZIMUTHS = st.floats(-180, 180)
ELEVATIONS = st.floats(-90, 90)
NAN = float("nan")


def places(azimuth_deg: float, elevation_deg: float = 0.0, *, folded: bool = False, confidence: float = 1.0):
    columns = (np.array([azimuth_deg]), np.array([elevation_deg]), np.array([folded]), np.array([confidence]))
    return KnownPlaces(*columns)


def agreement(stated: Stated, *args: float, **kwargs) -> float:
    return float(place_agreement(places(*args, **kwargs), stated)[0])


@given(AZIMUTHS, ELEVATIONS, AZIMUTHS, st.floats(0, 1))
def test_agreement_is_the_formula_written_out(
    azimuth: float, elevation: float, stated: float, confidence: float
) -> None:
    k = 1 / radians(22.5) ** 2
    bump = exp(k * (cos(radians(azimuth - stated)) - 1))
    gap = max(20 - elevation, 0)
    bump *= exp(k * (cos(radians(gap)) - 1))
    expected = confidence * bump + (1 - confidence) / 8
    found = agreement(Stated(stated, (20.0, 90.0)), azimuth, elevation, confidence=confidence)
    assert found == pytest.approx(expected, abs=1e-9)


@given(AZIMUTHS, AZIMUTHS)
def test_folded_places_agree_as_their_images_do(azimuth: float, stated: float) -> None:
    image = 180 - azimuth
    direct = agreement(Stated(stated, None), azimuth, folded=True)
    assert agreement(Stated(stated, None), image, folded=True) == pytest.approx(direct, abs=1e-6)
    assert agreement(Stated(180 - stated, None), azimuth, folded=True) == pytest.approx(direct, abs=1e-6)


def test_neighbouring_sectors_still_earn_something() -> None:
    ahead = Stated(0.0, None)
    found = [agreement(ahead, azimuth) for azimuth in (0.0, 22.5, 45.0, 90.0, 180.0)]
    assert found == sorted(found, reverse=True)
    assert found[0] == 1.0
    assert found[2] == pytest.approx(1 / 7, abs=0.02)
    assert found[4] < 1e-5


def test_what_is_not_known_cannot_agree() -> None:
    assert agreement(Stated(0.0, None), NAN, NAN) == UNKNOWN_PLACE
    assert agreement(Stated(None, (20.0, 90.0)), 30.0, NAN, folded=True) == UNKNOWN_PLACE
    assert agreement(Stated(0.0, None), 0.0, NAN, folded=True) == 1.0


VECTOR = np.ones(2, np.float32)
WORDS = Sought(what=VECTOR)
LEFT = Stated(90.0, None)
WORDS_FROM_LEFT = Sought(what=VECTOR, joint=VECTOR, place=LEFT)


def score(branch: Branch, whats, joints=(), *, azimuth_deg: float = 90.0, confidence: float = 1.0) -> float:
    """Of one window, from its cosines."""
    columns = (np.array([[value] for value in values], float).reshape(len(values), 1) for values in (whats, joints))
    return float(scored(branch, places(azimuth_deg, confidence=confidence), *columns).score[0])


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_no_content_makes_up_for_an_unknown_place(bad: float, good: float) -> None:
    branch = Branch((WORDS_FROM_LEFT,), (), ())
    assert score(branch, [good], [good], azimuth_deg=NAN) <= score(branch, [bad], [bad], azimuth_deg=-90.0)


def test_the_parts_of_a_score() -> None:
    assert score(Branch((WORDS,), (), ()), [0.4]) == 0.4
    assert score(Branch((Sought(place=LEFT),), (), ()), []) == 1.0
    assert score(Branch((WORDS_FROM_LEFT,), (), ()), [0.4], [0.2]) == pytest.approx(0.3 + 0.5)
    assert score(Branch((), (), ()), [], confidence=0.7) == 0.7


def test_the_worst_of_what_is_joined_by_and_counts() -> None:
    assert score(Branch((WORDS, WORDS), (), ()), [0.4, 0.1]) == 0.1
    both = Branch((WORDS, WORDS_FROM_LEFT, Sought(place=Stated(0.0, None))), (), ())
    ahead = agreement(Stated(0.0, None), 90.0)
    assert score(both, [0.5, 0.4], [0.2]) == pytest.approx(0.3 + ahead / 2)


def test_what_is_not_wanted_costs_what_it_fits() -> None:
    assert score(Branch((WORDS,), (WORDS,), ()), [0.4, 0.3]) == pytest.approx(0.1)
    assert score(Branch((WORDS,), (WORDS,), ()), [0.4, -0.3]) == 0.4
    assert score(Branch((WORDS,), (WORDS_FROM_LEFT,), ()), [0.4, 0.3], [0.1]) == pytest.approx(0.4 - 0.2)
    elsewhere = score(Branch((WORDS,), (WORDS_FROM_LEFT,), ()), [0.4, 0.3], [0.1], azimuth_deg=-90.0)
    assert elsewhere == pytest.approx(0.4, abs=1e-4)
    assert score(Branch((WORDS,), (WORDS_FROM_LEFT,), ()), [0.4, 0.3], [0.1], azimuth_deg=NAN) == 0.4
