"""Fire and water at close range: crackling flames and falling drops."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from jaxtyping import Float

from salm.scenes.corpora.synthesis.kind import uniform
from salm.scenes.corpora.synthesis.tools import (
    RATE_HZ,
    add_at,
    band,
    bursts,
    curve,
    impulses,
    noise,
    onsets,
    ring,
    room,
    samples,
    seconds,
)

__all__ = ["Drip", "Fire"]


@dataclass(frozen=True, kw_only=True)
class Fire:
    """A fire: gas that roars and wood that cracks, at random times and with sizes of a long tail."""

    category: ClassVar[str] = "Fire"
    background_db: ClassVar[float] = -50.0

    cracks_hz: float
    """Cracks a second: 15 to 30 (small) or 60 to 120 (large)."""
    duration_s: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """A small or a large fire."""
        cracks_hz = uniform(rng, 15, 30) if rng.random() < 0.5 else uniform(rng, 60, 120)
        return cls(cracks_hz=cracks_hz, duration_s=uniform(rng, 3.5, 6.0, step=0.05))

    @property
    def captions(self) -> tuple[str, ...]:
        """Sentences on the size of the fire."""
        large = self.cracks_hz > 45
        return (
            "A large fire roars and crackles." if large else "A small fire crackles gently.",
            "Burning logs snap and pop loudly." if large else "A campfire pops now and then.",
            "A fire is crackling.",
            "Wood burns and crackles.",
            "The crackling of flames.",
        )

    def render(self, rng: np.random.Generator) -> Float[np.ndarray, " time"]:
        """Cracks of four sizes of wood, each with a spectrum of its own, over roar and hiss."""
        total = np.zeros(samples(self.duration_s))
        for low_hz, high_hz, decay_s in (
            (500, 2500, 0.006),
            (1200, 5000, 0.003),
            (2500, 9000, 0.0015),
            (4000, 10_000, 0.0008),
        ):
            hits = impulses(rng, self.duration_s, rate_hz=self.cracks_hz / 4, spread=1.3)
            total += bursts(rng, hits, decay_s=decay_s, gain=band(low_hz, high_hz, order=1))
        total /= np.max(np.abs(total))
        flicker = curve(rng, self.duration_s, rate_hz=7, low=0.5, high=1.0)
        roar = noise(rng, self.duration_s, band(40, 400, order=1, tilt=-0.5)) * flicker
        hiss = noise(rng, self.duration_s, band(1500, 8000, order=1))
        strength = 1.0 if self.cracks_hz > 45 else 0.4
        return np.asarray(total + 0.03 * strength * roar + 0.003 * hiss)


@dataclass(frozen=True, kw_only=True)
class Drip:
    """Drops that fall into water: each leaves a bubble, which rings like a damped spring and rises in pitch.

    A bubble of radius r rings at ``3 / r`` hertz and loses ``exp(-(0.13 / r + 0.0072 r^-1.5) t)``
    (van den Doel, *Physically based models for liquid sounds*, 2005).
    """

    category: ClassVar[str] = "Drip"
    background_db: ClassVar[float] = -55.0

    radius_m: float
    """Of the mean bubble, 0.6 to 3 mm."""
    period_s: float
    """Mean time from drop to drop: 0.12 to 0.3 s or 0.6 to 1.1 s."""
    duration_s: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Slow or quick drops."""
        period_s = uniform(rng, 0.12, 0.3) if rng.random() < 0.5 else uniform(rng, 0.6, 1.1)
        return cls(
            radius_m=uniform(rng, 0.0006, 0.003), period_s=period_s, duration_s=uniform(rng, 3.0, 5.5, step=0.05)
        )

    @property
    def captions(self) -> tuple[str, ...]:
        """Sentences on the pace."""
        slow = self.period_s > 0.5
        return (
            "Water drips slowly, drop by drop." if slow else "Water drips quickly in many drops.",
            "A leaking tap drips slowly." if slow else "Many drops of water fall into a basin.",
            "Water is dripping.",
            "Drops of water fall.",
            "The dripping of water.",
        )

    def render(self, rng: np.random.Generator) -> Float[np.ndarray, " time"]:
        """A splash, the bubble some milliseconds later, often a second one, in a basin that rings and a tiled room."""
        total = np.zeros(samples(self.duration_s))
        splash = noise(rng, 0.01, band(2000, 9000)) * np.exp(-seconds(0.01) / 0.0015)
        late_s = rng.uniform(0.004, 0.015)
        for start_s in onsets(rng, self.duration_s, period_s=self.period_s, jitter=0.04, first_s=0.1):
            strength = rng.uniform(0.7, 1.0)
            add_at(total, 0.15 * strength * splash, start_s)
            for number in range(int(rng.integers(1, 3))):
                bubble = self._bubble(
                    self.radius_m * rng.uniform(0.93, 1.07) / (1 + 0.4 * number), rise=rng.uniform(0, 0.1)
                )
                add_at(total, strength * bubble / (1 + number), start_s + (1 + number) * late_s)
        basin = ring(
            total, list(rng.uniform(600, 6000, 9)), list(rng.uniform(0.2, 1.0, 9)), list(rng.uniform(0.05, 0.2, 9))
        )
        wet = total / np.max(np.abs(total)) + 0.3 * basin / np.max(np.abs(basin))
        return room(rng, wet, decay_s=0.6, level_db=-8.0)

    def _bubble(self, radius_m: float, *, rise: float) -> Float[np.ndarray, " time"]:
        time = seconds(0.25)
        damping = 0.13 / radius_m + 0.0072 * radius_m**-1.5
        pitch_hz = 3 / radius_m * (1 + rise * damping * time)
        phase = 2 * np.pi * np.cumsum(np.minimum(pitch_hz, 10_000)) / RATE_HZ
        return np.asarray(np.sin(phase) * np.exp(-damping * time))
