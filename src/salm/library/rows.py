"""A whole library in memory, ready to be searched: every row at once, exactly."""

from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32, Float64

from salm.library.scoring import KnownPlaces
from salm.library.storage import Contents, Window

__all__ = ["Rows", "cosines", "load_rows"]

Vector = Float32[np.ndarray, " width"]
Matrix = Float32[np.ndarray, "window width"]


class Rows(NamedTuple):
    """One row a window."""

    files: list[str]
    windows: list[Window]
    places: KnownPlaces
    semantic: Matrix
    """Of length one."""
    joint: Matrix
    """Of length one; recomposed by Eq. 2, and the semantic one where the recording has no known direction."""

    def said(self, row: int) -> dict[str, Any]:
        """Everything but the vectors, in plain form."""
        return {"file": self.files[row], **asdict(self.windows[row])}


def load_rows(contents: Contents, joint_weight: Vector) -> Rows | None:
    """Rows of a library, or None if it has none."""
    if contents.vectors is None:
        return None
    windows = [window for file in contents.files for window in file.windows]
    semantic, spatial = (matrix.astype(np.float32) for matrix in contents.vectors)
    directed = np.array([window.ambiguity is None for window in windows], np.float32)
    return Rows(
        files=[file.file for file in contents.files for _ in file.windows],
        windows=windows,
        places=_places(windows),
        semantic=_unit(semantic),
        joint=_unit(semantic + joint_weight * spatial * directed[:, None]),
    )


def cosines(matrix: Matrix, vector: Vector) -> Float64[np.ndarray, " window"]:
    """Cosine similarity of every row, of length one, with a vector of any length."""
    return np.asarray(matrix @ _unit(vector), np.float64)


def _places(windows: list[Window]) -> KnownPlaces:
    return KnownPlaces(
        azimuth_deg=np.array([window.azimuth_deg for window in windows], np.float64),
        elevation_deg=np.array([window.elevation_deg for window in windows], np.float64),
        folded=np.array([window.ambiguity == "front-back" for window in windows]),
        confidence=np.array([window.confidence for window in windows], np.float64),
    )


def _unit(vectors: Float32[np.ndarray, "*window width"]) -> Float32[np.ndarray, "*window width"]:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, np.float32(1e-12)))
