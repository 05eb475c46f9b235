"""What a library knows of windows, a column a fact: where they are, how sure that is, and their embeddings."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float16, Float64, UInt8

__all__ = ["AMBIGUITIES", "Windows", "joined", "some"]

AMBIGUITIES = (None, "front-back", "all")
"""What the codes of `Windows.ambiguity` stand for."""

Column = Float64[np.ndarray, " window"]


class Windows(NamedTuple):
    """Windows of one or more files, in order."""

    start_s: Column
    end_s: Column
    azimuth_deg: Column
    """NaN where it is not known."""
    elevation_deg: Column
    """NaN where it is not known."""
    confidence: Column
    """0 to 1."""
    ambiguity: UInt8[np.ndarray, " window"]
    """Index into `AMBIGUITIES`."""
    semantic: Float16[np.ndarray, "window width"]
    """Raw: Eq. 3 needs the length."""
    spatial: Float16[np.ndarray, "window width"]
    """Raw."""

    def said(self, row: int) -> dict[str, Any]:
        """One window's facts in plain form, without its embeddings."""
        start_s, end_s, azimuth_deg, elevation_deg, confidence = (float(column[row]) for column in self[:5])
        return {
            "start_s": start_s,
            "end_s": end_s,
            "azimuth_deg": None if np.isnan(azimuth_deg) else azimuth_deg,
            "elevation_deg": None if np.isnan(elevation_deg) else elevation_deg,
            "confidence": confidence,
            "ambiguity": AMBIGUITIES[int(self.ambiguity[row])],
        }


def joined(parts: Sequence[Windows]) -> Windows:
    """Windows one after the other; there must be some."""
    return Windows(*map(np.concatenate, zip(*parts, strict=True)))


def some(windows: Windows, chosen: Any) -> Windows:
    """The windows that a slice, a mask or numbers choose."""
    return Windows(*(column[chosen] for column in windows))
