"""What every kind of sound offers: parameters drawn by chance, sentences true of them, and samples."""

from typing import ClassVar, Protocol, Self

import numpy as np
from jaxtyping import Float

__all__ = ["Kind", "uniform"]


class Kind(Protocol):
    """Parameters of one sound of a kind; cheap to draw and to describe, and rendered on demand."""

    category: ClassVar[str]
    """Name of the kind in the AudioSet ontology."""
    background_db: ClassVar[float]
    """Typical level of what else a microphone hears, relative to the peak: quiet sounds are taken with more."""

    @property
    def duration_s(self) -> float:
        """Length of what is rendered, 0.5 to 6 s."""

    @property
    def captions(self) -> tuple[str, ...]:
        """At least four sentences without place words, the most telling first."""

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Parameters by chance."""

    def render(self, rng: np.random.Generator) -> Float[np.ndarray, " time"]:
        """Samples at 24 kHz, of any level."""


def uniform(rng: np.random.Generator, low: float, high: float, *, step: float = 0.0) -> float:
    """Number between two others, rounded to a multiple of a step if one is given.

    Durations are drawn in steps of 0.05 s: their sample counts then have small prime factors and transform fast.
    """
    value = float(rng.uniform(low, high))
    return round(round(value / step) * step, 6) if step else value
