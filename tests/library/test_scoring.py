from math import cos, exp, radians

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salm.library.scoring import UNKNOWN_PLACE, KnownPlaces, Stated, blended, place_agreement

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


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_no_content_makes_up_for_an_unknown_place(bad: float, good: float) -> None:
    best_unknown = blended(np.array([good]), np.array([good]), np.array([UNKNOWN_PLACE]))
    worst_known = blended(np.array([bad]), np.array([bad]), np.array([0.0]))
    assert best_unknown <= worst_known


def test_the_parts_of_a_score() -> None:
    what, joint, place = np.array([0.4]), np.array([0.2]), np.array([0.5])
    assert blended(what, None, None) == what
    assert blended(None, None, place) == place
    assert blended(what, joint, None) == pytest.approx(0.3)
    assert blended(what, joint, place) == pytest.approx(0.55)
    with pytest.raises(ValueError, match="what or for where"):
        blended(None, None, None)
