"""People without voices: footsteps and applause."""

from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
from jaxtyping import Float

from salm.scenes.corpora.synthesis.kind import uniform
from salm.scenes.corpora.synthesis.tools import (
    RATE_HZ,
    Gain,
    add_at,
    band,
    bursts,
    gated,
    impulses,
    noise,
    onsets,
    room,
    samples,
    seconds,
)

__all__ = ["Applause", "Footsteps"]


@dataclass(frozen=True, kw_only=True)
class Footsteps:
    """Steps: the heel strikes, the sole rolls, the ball of the foot follows after a fifth of a step."""

    category: ClassVar[str] = "Walk, footsteps"
    background_db: ClassVar[float] = -39.0

    period_s: float
    """From step to step: 0.28 to 0.36 s (running) or 0.48 to 0.75 s (walking)."""
    ground: Literal["floor", "gravel"]
    duration_s: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Walking or running, on a hard floor or on gravel."""
        period_s = uniform(rng, 0.28, 0.36) if rng.random() < 0.35 else uniform(rng, 0.48, 0.75)
        ground: Literal["floor", "gravel"] = "floor" if rng.random() < 0.55 else "gravel"
        return cls(period_s=period_s, ground=ground, duration_s=uniform(rng, 3.0, 6.0, step=0.05))

    @property
    def captions(self) -> tuple[str, ...]:
        """Sentences on pace and ground."""
        gait = "runs" if self.period_s < 0.4 else "walks"
        ground = "a hard floor" if self.ground == "floor" else "crunching gravel"
        return (
            f"A person {gait} on {ground}.",
            f"Someone {gait} with steady steps.",
            f"Footsteps on {ground}.",
            "Footsteps are heard.",
            "The sound of a person's steps.",
        )

    def render(self, rng: np.random.Generator) -> Float[np.ndarray, " time"]:
        """The two feet differ."""
        total = np.zeros(samples(self.duration_s))
        feet = rng.uniform(0.85, 1.0, 2)
        step = self._floor if self.ground == "floor" else self._gravel
        for number, start_s in enumerate(onsets(rng, self.duration_s, period_s=self.period_s, jitter=0.02)):
            add_at(total, feet[number % 2] * step(rng), start_s)
        return room(rng, total, decay_s=rng.uniform(0.2, 0.5), level_db=-13.0 if self.ground == "floor" else -21.0)

    def _floor(self, rng: np.random.Generator) -> Float[np.ndarray, " time"]:
        total = np.zeros(samples(0.4))
        sole = band(rng.uniform(110, 190), rng.uniform(1400, 2200), order=1, tilt=-0.8)
        add_at(total, _struck(rng, sole, decay_s=rng.uniform(0.008, 0.018)), 0.0)
        add_at(total, 0.45 * _struck(rng, band(125, 340), decay_s=0.03), 0.0)
        add_at(total, 0.4 * _struck(rng, band(750, 1600), decay_s=0.004), 0.0)
        add_at(total, 0.1 * noise(rng, 0.2, band(1000, 6000, order=1)) * gated(0.2, attack_s=0.08, release_s=0.1), 0.04)
        add_at(total, rng.uniform(0.6, 1.0) * _struck(rng, sole, decay_s=0.0065), 0.14 * self.period_s)
        return total

    def _gravel(self, rng: np.random.Generator) -> Float[np.ndarray, " time"]:
        length_s = 0.95 * self.period_s
        time = seconds(length_s)
        # Two swells of grains, under the heel and under the ball of the foot.
        pressure = np.exp(-(((time - 0.06) / 0.04) ** 2)) + 0.3 * np.exp(
            -((((time - 0.06) / self.period_s - 0.4) / 0.15) ** 2)
        )
        grains = impulses(rng, length_s, rate_hz=4000 * pressure, spread=0.9) * pressure
        crunch = bursts(rng, grains, decay_s=0.0012, gain=band(350, 2000, order=1))
        thump = np.pad(_struck(rng, band(50, 200), decay_s=0.03), (samples(0.03), 0))[: len(time)]
        return np.asarray(crunch / np.max(np.abs(crunch)) + 0.3 * np.pad(thump, (0, len(time) - len(thump))))


def _struck(rng: np.random.Generator, gain: Gain, *, decay_s: float) -> Float[np.ndarray, " time"]:
    time = seconds(8 * decay_s)
    return noise(rng, 8 * decay_s, gain) * np.exp(-time / decay_s)


@dataclass(frozen=True, kw_only=True)
class Applause:
    """Clapping hands: every person claps 3 to 5 times a second, with hands and a rhythm of their own."""

    category: ClassVar[str] = "Applause"
    background_db: ClassVar[float] = -50.0

    people: int
    """2 to 5, or 90 to 160."""
    duration_s: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """A few people or an audience."""
        people = int(rng.integers(2, 6)) if rng.random() < 0.35 else int(rng.integers(90, 161))
        return cls(people=people, duration_s=uniform(rng, 3.0, 6.0, step=0.05))

    @property
    def captions(self) -> tuple[str, ...]:
        """Sentences on how many clap."""
        few = self.people < 10
        return (
            "A few people clap their hands." if few else "A large audience applauds.",
            "Some hands clap in a small group." if few else "A crowd claps enthusiastically.",
            "People are clapping.",
            "Hands clap together.",
            "The sound of clapping hands.",
        )

    def render(self, rng: np.random.Generator) -> Float[np.ndarray, " time"]:
        """Every clap takes one of twelve shapes that hands can form; a hall answers the audience."""
        claps = np.zeros((12, samples(self.duration_s)))
        for _ in range(self.people):
            period_s, jitter = rng.uniform(0.2, 0.36), rng.uniform(0.08, 0.15)
            times_s = onsets(rng, self.duration_s, period_s=period_s, jitter=jitter, first_s=period_s * rng.random())
            at = np.minimum((times_s * RATE_HZ).astype(int), claps.shape[1] - 1)
            shape = (rng.integers(12) + rng.integers(3, size=len(at))) % 12
            claps[shape, at] += rng.uniform(0.4, 1.0) * rng.uniform(0.7, 1.0, len(at))
        cavities_hz = np.linspace(950, 1500, 12) * rng.uniform(0.9, 1.1)
        closes_s = 0.0035 if self.people < 10 else 0.011
        total = np.zeros(claps.shape[1])
        for hits, cavity_hz in zip(claps, cavities_hz, strict=True):
            # The cupped palms are a small resonator, the skin adds the bright edge.
            total += bursts(rng, hits, decay_s=closes_s, gain=band(0.7 * cavity_hz, 1.4 * cavity_hz))
            total += 0.3 * bursts(rng, hits, decay_s=0.002, gain=band(1500, 7000, order=1))
        return room(rng, total, decay_s=2.0, level_db=-11.0)
