"""Making one direction of a first-order sound field louder or quieter, and what that does to all others.

With the gain G towards the unit vector d, and V = (X, Y, Z),

    W' = (G + 1)/2 W + (G - 1)/2 d.V
    V' = sqrt(G) (V - d d.V) + d ((G - 1)/2 W + (G + 1)/2 d.V),

which adds (G - 1) times a cardioid beam at d to W: what comes from d gains G, what comes from the opposite side stays,
and all between gain some. V' is the one that leaves plane waves plane waves (Gerzon and Barton 1992 call it dominance);
any other that keeps d and its opposite in place either moves the rest further or makes waves that no sound can be. The
inverse is the same with 1/G. First order has no narrower beam that leaves the opposite side alone, so nothing can be
taken out with it: at -20 dB a sound from the side already loses 5 dB and moves by 55 degrees.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from salm.frame import Direction

__all__ = ["MOST_DB", "Leak", "beam_matrix", "leakage"]

MOST_DB = 20.0
"""Largest gain up or down that is done; beyond, everything else would come from one side."""


class Leak(NamedTuple):
    """What a sound from elsewhere gets of the gain."""

    away_deg: float
    """Angle from the direction that is made louder or quieter, before."""
    gain_db: float
    moved_deg: float
    """How far it moves, towards that direction if negative."""


def beam_matrix(direction: Direction, gain_db: float) -> Float64[np.ndarray, "4 4"]:
    """Matrix for W, Y, Z, X that makes a direction louder by a gain, which is negative for quieter."""
    gain = 10 ** (gain_db / 20)
    x, y, z = direction.vector
    axis = np.array([y, z, x])
    along = np.outer(axis, axis)
    whole = np.empty((4, 4))
    whole[0, 0] = (gain + 1) / 2
    whole[0, 1:] = whole[1:, 0] = (gain - 1) / 2 * axis
    whole[1:, 1:] = np.sqrt(gain) * (np.eye(3) - along) + (gain + 1) / 2 * along
    return whole


def leakage(gain_db: float) -> tuple[Leak, ...]:
    """What sounds 0, 45, 90, 135 and 180 degrees away from the beam's direction gain, and how far they move."""
    gain = 10 ** (gain_db / 20)
    leaks = []
    for away_deg in (0.0, 45.0, 90.0, 135.0, 180.0):
        cosine, sine = np.cos(np.deg2rad(away_deg)), np.sin(np.deg2rad(away_deg))
        pressure = (gain + 1) / 2 + (gain - 1) / 2 * cosine
        ahead = (gain - 1) / 2 + (gain + 1) / 2 * cosine
        now_deg = float(np.rad2deg(np.arctan2(np.sqrt(gain) * sine, ahead)))
        leaks.append(Leak(away_deg, round(20 * float(np.log10(pressure)), 2), round(now_deg - away_deg, 1)))
    return tuple(leaks)
