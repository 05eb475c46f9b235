"""What can be said of a source beyond its azimuth: elevation, distance, room, reverberation and level.

The thresholds are those of ELSA (Devnani et al. 2024). Between two of them lies what nobody would put into words, and
nothing is said.
"""

from collections.abc import Mapping
from types import MappingProxyType

from salm.scenes.scene import Scene, Source

__all__ = [
    "ATTRIBUTES",
    "DRY_S",
    "FAR_M",
    "LARGE_M2",
    "LOUD_DB",
    "LOW_DEG",
    "NEAR_M",
    "QUIET_DB",
    "REVERBERANT_S",
    "SMALL_M2",
    "UP_DEG",
    "attributes_of",
]

ATTRIBUTES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "elevation": ("below", "above"),
        "distance": ("near", "far"),
        "room": ("small", "large"),
        "reverberation": ("dry", "reverberant"),
        "level": ("quiet", "loud"),
    }
)
"""The attributes, each with its word for less and its word for more."""

UP_DEG, LOW_DEG = 40.0, -40.0
"""Above is higher than the first, below lower than the second."""
NEAR_M, FAR_M = 1.0, 2.0
"""Near is nearer than the first, far farther than the second."""
SMALL_M2, LARGE_M2 = 50.0, 100.0
"""A small room has less floor than the first, a large one more than the second."""
DRY_S, REVERBERANT_S = 0.2, 1.0
"""A dry room reverberates for less than the first, a reverberant one for longer than the second: `Room.mid_rt60_s`."""
QUIET_DB, LOUD_DB = -10.0, 10.0
"""Quiet is a gain below the first, loud one above the second. ELSA has no word for it; these are ours."""


def attributes_of(scene: Scene, source: Source | None = None) -> dict[str, str]:
    """What can be said of a source, by attribute; what lies between the words, or is not known, is left out.

    The free field is dry and has no size. Of measured responses neither is known.

    Parameters
    ----------
    scene
        The scene.
    source
        One of its sources; None is the first.
    """
    source = source or scene.sources[0]
    said = {
        "elevation": _word("elevation", source.elevation_deg, LOW_DEG, UP_DEG),
        "distance": _word("distance", source.distance_m, NEAR_M, FAR_M),
        "level": _word("level", source.gain_db, QUIET_DB, LOUD_DB),
    }
    if scene.room is not None:
        length, width, _ = scene.room.size_m
        said["room"] = _word("room", length * width, SMALL_M2, LARGE_M2)
        said["reverberation"] = _word("reverberation", scene.room.mid_rt60_s, DRY_S, REVERBERANT_S)
    elif scene.responses is None:
        said["reverberation"] = "dry"
    return {name: word for name in ATTRIBUTES if (word := said.get(name))}


def _word(attribute: str, value: float | None, low: float, high: float) -> str | None:
    less, more = ATTRIBUTES[attribute]
    if value is None:
        return None
    return less if value < low else more if value > high else None
