"""Typical random-incidence absorption coefficients of building materials, as textbooks of room acoustics list them.

Values are for the octaves 62.5, 125, ... 8000 Hz. Tables stop at 125 and 4000 Hz; the outer octaves are continued.
They are rounded and serve to draw plausible rooms, not to predict a given one.
"""

from typing import Final

__all__ = ["CEILINGS", "FLOORS", "WALLS", "Spectrum"]

Spectrum = tuple[float, float, float, float, float, float, float, float]

_PLASTER: Final[Spectrum] = (0.02, 0.02, 0.02, 0.03, 0.04, 0.05, 0.05, 0.06)
_CONCRETE: Final[Spectrum] = (0.01, 0.01, 0.01, 0.02, 0.02, 0.03, 0.04, 0.05)
_PLASTERBOARD: Final[Spectrum] = (0.30, 0.28, 0.12, 0.08, 0.06, 0.06, 0.06, 0.07)
_WOOD_PANEL: Final[Spectrum] = (0.35, 0.30, 0.22, 0.14, 0.10, 0.09, 0.09, 0.09)
_ACOUSTIC_TILE: Final[Spectrum] = (0.20, 0.30, 0.45, 0.65, 0.75, 0.80, 0.78, 0.72)
_MINERAL_WOOL: Final[Spectrum] = (0.12, 0.22, 0.60, 0.90, 0.95, 0.95, 0.92, 0.90)

WALLS: Final[dict[str, Spectrum]] = {
    "concrete": _CONCRETE,
    "concrete block": (0.25, 0.32, 0.40, 0.32, 0.28, 0.34, 0.26, 0.25),
    "brick": (0.02, 0.03, 0.03, 0.03, 0.04, 0.05, 0.07, 0.08),
    "rough stone": (0.02, 0.02, 0.03, 0.04, 0.05, 0.07, 0.09, 0.11),
    "plaster": _PLASTER,
    "plasterboard": _PLASTERBOARD,
    "wood panel": _WOOD_PANEL,
    "window": (0.38, 0.32, 0.22, 0.15, 0.11, 0.07, 0.05, 0.04),
    "bookshelf": (0.15, 0.22, 0.28, 0.32, 0.36, 0.38, 0.40, 0.40),
    "light curtain": (0.03, 0.04, 0.08, 0.14, 0.20, 0.26, 0.32, 0.36),
    "heavy curtain": (0.08, 0.13, 0.33, 0.50, 0.70, 0.68, 0.62, 0.60),
    "perforated panel": (0.22, 0.38, 0.62, 0.74, 0.66, 0.52, 0.46, 0.42),
    "mineral wool": _MINERAL_WOOL,
}
"""For the four walls."""

FLOORS: Final[dict[str, Spectrum]] = {
    "concrete": _CONCRETE,
    "marble": (0.01, 0.01, 0.01, 0.01, 0.02, 0.02, 0.02, 0.03),
    "linoleum": (0.02, 0.02, 0.02, 0.03, 0.04, 0.04, 0.05, 0.05),
    "parquet": (0.05, 0.04, 0.04, 0.06, 0.06, 0.06, 0.07, 0.07),
    "boards on joists": (0.20, 0.15, 0.12, 0.10, 0.08, 0.07, 0.07, 0.07),
    "thin carpet": (0.01, 0.03, 0.05, 0.10, 0.20, 0.32, 0.42, 0.50),
    "thick carpet": (0.04, 0.08, 0.20, 0.45, 0.62, 0.68, 0.70, 0.72),
    "audience": (0.28, 0.40, 0.55, 0.72, 0.82, 0.84, 0.80, 0.76),
}
"""For the floor, with what stands on it."""

CEILINGS: Final[dict[str, Spectrum]] = {
    "concrete": _CONCRETE,
    "plaster": _PLASTER,
    "plasterboard": _PLASTERBOARD,
    "wood panel": _WOOD_PANEL,
    "acoustic tile": _ACOUSTIC_TILE,
    "acoustic plaster": (0.10, 0.16, 0.28, 0.44, 0.54, 0.58, 0.58, 0.56),
    "mineral wool": _MINERAL_WOOL,
}
"""For the ceiling."""
