"""Weather and sea: rain, wind, thunder and waves."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from jaxtyping import Float

from salm.scenes.corpora.synthesis.kind import uniform
from salm.scenes.corpora.synthesis.tools import (
    add_at,
    band,
    bursts,
    curve,
    impulses,
    narrow_noise,
    noise,
    samples,
    seconds,
)

__all__ = ["Rain", "Thunder", "Waves", "Wind"]


@dataclass(frozen=True, kw_only=True)
class Rain:
    """Rain: drops at random times (Poisson) and of random size, and the many that merge into a hiss."""

    category: ClassVar[str] = "Rain"
    background_db: ClassVar[float] = -60.0

    drops_hz: float
    """Drops a second that are heard one by one: 60 to 200 (light) or 500 to 1500 (heavy)."""
    duration_s: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Light or heavy rain."""
        drops_hz = uniform(rng, 60, 200) if rng.random() < 0.5 else uniform(rng, 500, 1500)
        return cls(drops_hz=drops_hz, duration_s=uniform(rng, 3.5, 6.0, step=0.05))

    @property
    def captions(self) -> tuple[str, ...]:
        """Sentences on how hard it rains."""
        heavy = self.drops_hz > 300
        return (
            "Heavy rain pours." if heavy else "Light rain patters.",
            "A downpour of rain." if heavy else "Raindrops fall softly.",
            "Rain is falling.",
            "The sound of rain.",
            "It is raining steadily.",
        )

    def render(self, rng: np.random.Generator) -> Float[np.ndarray, " time"]:
        """Impacts on a few surfaces over the hiss; heavier rain merges more."""
        total = np.zeros(samples(self.duration_s))
        for _ in range(4):
            hits = impulses(rng, self.duration_s, rate_hz=self.drops_hz / 4, spread=0.8)
            surface = band(rng.uniform(700, 1800), rng.uniform(4000, 9000), order=1)
            total += bursts(rng, hits, decay_s=rng.uniform(0.0015, 0.004), gain=surface)
        hiss = noise(rng, self.duration_s, band(500, 9000, order=1, tilt=-0.2))
        hiss *= curve(rng, self.duration_s, rate_hz=2, low=0.85, high=1.0)
        return total / np.std(total) + (1.8 if self.drops_hz > 300 else 0.8) * hiss


@dataclass(frozen=True, kw_only=True)
class Wind:
    """Wind: turbulence whose level and brightness follow the gusts, and the whistle of edges it passes."""

    category: ClassVar[str] = "Wind"
    background_db: ClassVar[float] = -60.0

    gusts_hz: float
    """Gusts a second, 0.3 to 1.2."""
    howl: float
    """Share of the whistle, 0 to 1."""
    duration_s: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Rushing or howling wind."""
        howl = uniform(rng, 0.6, 1.0) if rng.random() < 0.5 else uniform(rng, 0.0, 0.15)
        return cls(gusts_hz=uniform(rng, 0.3, 1.2), howl=howl, duration_s=uniform(rng, 4.0, 6.0, step=0.05))

    @property
    def captions(self) -> tuple[str, ...]:
        """Sentences on howling."""
        howls = self.howl > 0.4
        return (
            "Wind howls and whistles." if howls else "Wind blows in rushing gusts.",
            "A howling storm wind." if howls else "A strong gusty wind rumbles.",
            "The wind is blowing.",
            "Gusts of wind.",
            "The sound of wind outdoors.",
        )

    def render(self, rng: np.random.Generator) -> Float[np.ndarray, " time"]:
        """Strong gusts are brighter: the high band follows the square of the low band's level."""
        gust = curve(rng, self.duration_s, rate_hz=2 * self.gusts_hz, low=0.2, high=1.0)
        gust = gust * curve(rng, self.duration_s, rate_hz=9, low=0.85, high=1.0)
        rumble = noise(rng, self.duration_s, band(35, 350, order=1, tilt=-0.6)) * gust
        rush = noise(rng, self.duration_s, band(250, 1400, order=1, tilt=-0.5)) * gust**2
        centre_hz = rng.uniform(350, 550) * (0.6 + 0.9 * gust)
        whistle = narrow_noise(rng, centre_hz, 60.0) + 0.5 * narrow_noise(rng, 1.9 * centre_hz, 120.0)
        return np.asarray(rumble + 0.5 * rush + 0.9 * self.howl * whistle * gust**1.5)


@dataclass(frozen=True, kw_only=True)
class Thunder:
    """Thunder: the crack of the near part of the channel, then rolls from parts ever farther away and duller."""

    category: ClassVar[str] = "Thunder"
    background_db: ClassVar[float] = -60.0

    crack: bool
    """Whether it opens with a sharp crack."""
    duration_s: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """A clap or a roll."""
        return cls(crack=bool(rng.random() < 0.5), duration_s=uniform(rng, 4.0, 6.0, step=0.05))

    @property
    def captions(self) -> tuple[str, ...]:
        """Sentences on crack or roll."""
        return (
            "Thunder cracks sharply and rolls away." if self.crack else "Thunder rumbles with a long deep roll.",
            "A loud clap of thunder." if self.crack else "Thunder rolls softly.",
            "Thunder is rumbling.",
            "A thunderstorm.",
            "The rumble of thunder.",
        )

    def render(self, rng: np.random.Generator) -> Float[np.ndarray, " time"]:
        """Some dozens of bursts; the later one arrives, the duller and longer it is."""
        total = np.zeros(samples(self.duration_s))
        for start_s in np.sort(rng.exponential(0.25 * self.duration_s, 26)):
            length_s = 0.4 + 0.5 * start_s
            high_hz = 900 / (1 + 1.2 * start_s) if self.crack else 220 / (1 + 0.3 * start_s)
            burst = noise(rng, length_s, band(28, high_hz, order=2, tilt=-0.3))
            rise_s = 0.01 if self.crack else 0.12
            time = seconds(length_s)
            envelope = (1 - np.exp(-time / rise_s)) * np.exp(-4.5 * time / length_s)
            add_at(total, rng.exponential(1.0) * np.exp(-0.35 * start_s) * burst * envelope, start_s + 0.02)
        total /= np.std(total)
        if self.crack:
            self._add_crack(total, rng)
        floor = noise(rng, self.duration_s, band(28, 130, order=1))
        return total + 0.3 * floor * np.exp(-seconds(self.duration_s) / (0.4 * self.duration_s))

    def _add_crack(self, total: Float[np.ndarray, " time"], rng: np.random.Generator) -> None:
        rate_hz = 500 * np.exp(-seconds(0.6) / 0.12)
        shocks = impulses(rng, 0.6, rate_hz=rate_hz, spread=0.7)
        tear = bursts(rng, shocks, decay_s=0.012, gain=band(80, 5000, order=1, tilt=-0.5))
        add_at(total, 3.0 * tear / np.max(np.abs(tear)) * np.exp(-seconds(0.6) / 0.25), 0.02)


@dataclass(frozen=True, kw_only=True)
class Waves:
    """Waves on a beach: each swells, breaks with a bright rush and runs out with a fizz."""

    category: ClassVar[str] = "Waves, surf"
    background_db: ClassVar[float] = -60.0

    period_s: float
    """From wave to wave: 1.5 to 2.2 s (small) or 3 to 4.5 s (large)."""
    duration_s: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Small or large waves."""
        period_s = uniform(rng, 1.5, 2.2) if rng.random() < 0.4 else uniform(rng, 3.0, 4.5)
        return cls(period_s=period_s, duration_s=uniform(rng, 5.0, 6.0, step=0.05))

    @property
    def captions(self) -> tuple[str, ...]:
        """Sentences on the size of the waves."""
        large = self.period_s > 2.5
        return (
            "Large ocean waves crash on a beach." if large else "Small waves lap on the shore.",
            "The sea roars as large waves break." if large else "Gentle waves wash over pebbles.",
            "Waves are breaking on a shore.",
            "The sound of the sea.",
            "Ocean surf rushes and recedes.",
        )

    def render(self, rng: np.random.Generator) -> Float[np.ndarray, " time"]:
        """Low band first, then the crest's full band, then the fizz of the foam."""
        cycle = (seconds(self.duration_s) / self.period_s + rng.random()) % 1.0
        swell = np.where(cycle < 0.45, (cycle / 0.45) ** 2, np.exp(-3.5 * (cycle - 0.45)))
        crest = np.exp(-(((cycle - 0.47) / 0.11) ** 2)) + 0.5 * np.exp(-4.0 * np.maximum(cycle - 0.47, 0)) * (
            cycle > 0.47
        )
        foam = np.exp(-(((cycle - 0.72) / 0.18) ** 2))
        depth = 1.0 if self.period_s > 2.5 else 0.45
        roar = noise(rng, self.duration_s, band(60, 500, order=1, tilt=-0.5))
        rush = noise(rng, self.duration_s, band(250, 4500, order=1, tilt=-0.4))
        fizz = noise(rng, self.duration_s, band(2500, 9500, order=1))
        flutter = curve(rng, self.duration_s, rate_hz=12, low=0.75, high=1.0)
        bed = noise(rng, self.duration_s, band(100, 3000, order=1, tilt=-0.5))
        return np.asarray(depth * roar * (0.3 + swell) + rush * crest * flutter + 0.18 * fizz * foam + 0.15 * bed)
