"""Cones on a plan, against the angles of points that are drawn all over the sphere."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from salm.frame import angle_between_deg, unit_vector
from salm.pictures.cone import cone_bands, heights

azimuths = st.floats(-180, 180)
elevations = st.floats(-89, 89)
cones = st.floats(0.5, 90)


@given(azimuths, elevations, cones, azimuths)
def test_between_the_heights_is_what_is_within_the_angle(
    azimuth_deg: float, elevation_deg: float, cone_deg: float, there_deg: float
) -> None:
    found = heights((azimuth_deg, elevation_deg), cone_deg, there_deg)
    lifts = np.linspace(-89.5, 89.5, 359)
    off_deg = angle_between_deg(unit_vector(there_deg, lifts), unit_vector(azimuth_deg, elevation_deg))
    low, high = found or (91.0, -91.0)
    inside = (lifts >= low) & (lifts <= high)
    # A point within rounding of the edge may count as either.
    clear = np.abs(off_deg - cone_deg) > 1e-3
    np.testing.assert_array_equal(inside[clear], (off_deg < cone_deg)[clear])


@given(azimuths, elevations, cones)
def test_the_outline_lies_on_the_cone(azimuth_deg: float, elevation_deg: float, cone_deg: float) -> None:
    bands, whole = cone_bands(azimuth_deg, elevation_deg, cone_deg)
    assert whole == (90 - abs(elevation_deg) <= cone_deg)
    there_deg, nearest, furthest = np.array(bands).T
    assert (nearest >= 0).all()
    assert (nearest <= furthest).all()
    assert (furthest <= 90).all()
    # Above or below: both lie on the same point of a plan.
    edges = [unit_vector(there_deg, side * furthest) for side in (1, -1)]
    off_deg = angle_between_deg(np.stack(edges), unit_vector(azimuth_deg, elevation_deg)).min(axis=0)
    assert off_deg.max() <= cone_deg + 1e-3
    assert (np.diff(there_deg) > 0).all()


def test_a_cone_of_more_than_half_the_sphere_is_everything() -> None:
    bands, whole = cone_bands(20.0, 30.0, 120.0)
    assert whole
    assert {band[1:] for band in bands} == {(0.0, 90.0)}
    assert (bands[0][0], bands[-1][0]) == (-180, 180)
