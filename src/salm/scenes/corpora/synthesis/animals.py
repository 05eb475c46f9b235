"""Animals: bird song, barking dog and cricket."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from jaxtyping import Float

from salm.scenes.corpora.synthesis.kind import uniform
from salm.scenes.corpora.synthesis.tools import (
    RATE_HZ,
    add_at,
    band,
    curve,
    gated,
    harmonics,
    noise,
    ring,
    room,
    samples,
    seconds,
)

__all__ = ["Bird", "Cricket", "Dog"]


@dataclass(frozen=True, kw_only=True)
class Bird:
    """A songbird: phrases of whistled syllables; the syllables of a phrase are alike, each a chirp up or down."""

    category: ClassVar[str] = "Bird vocalization, bird call, bird song"
    background_db: ClassVar[float] = -48.0

    pitch_hz: float
    """Centre of the song, 2300 to 4500 Hz."""
    trill: bool
    """Quick trills (12 to 22 syllables a second) instead of single notes (3 to 7)."""
    duration_s: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Trills or single notes."""
        return cls(
            pitch_hz=uniform(rng, 2300, 4500),
            trill=bool(rng.random() < 0.5),
            duration_s=uniform(rng, 2.0, 5.0, step=0.05),
        )

    @property
    def captions(self) -> tuple[str, ...]:
        """Sentences on trills or notes."""
        return (
            "A small bird sings in quick trills." if self.trill else "A bird chirps clear single notes.",
            "A songbird trills." if self.trill else "A bird whistles a few notes.",
            "A bird is singing.",
            "A small bird chirps and twitters.",
            "The song of a bird.",
        )

    def render(self, rng: np.random.Generator) -> Float[np.ndarray, " time"]:
        """Phrases with short rests."""
        total = np.zeros(samples(self.duration_s))
        start_s = 0.05
        while start_s < self.duration_s - 0.2:
            rate_hz = rng.uniform(12, 22) if self.trill else rng.uniform(3, 7)
            syllable = self._syllable(rng, length_s=rng.uniform(0.5, 0.85) / max(rate_hz, 5.0))
            count = int(rng.integers(5, 14)) if self.trill else int(rng.integers(1, 5))
            for _ in range(count):
                if start_s + len(syllable) / RATE_HZ < self.duration_s:
                    add_at(total, rng.uniform(0.7, 1.0) * syllable, start_s)
                start_s += rng.uniform(0.95, 1.05) / rate_hz
            start_s += rng.uniform(0.1, 0.4)
        return total + 0.002 * noise(rng, self.duration_s, band(300, 6000, tilt=-0.5))

    def _syllable(self, rng: np.random.Generator, *, length_s: float) -> Float[np.ndarray, " time"]:
        place = seconds(length_s) / length_s
        centre_hz = self.pitch_hz * rng.uniform(0.75, 1.3)
        sweep = rng.uniform(0.1, 0.5) * rng.choice([-1.0, 1.0])
        bend = rng.uniform(-0.15, 0.15)
        pitch_hz = centre_hz * (1 + sweep * (place - 0.5) + bend * np.sin(2 * np.pi * place))
        tone = harmonics(pitch_hz, lambda f: np.array([1.0, 0.12, 0.03])[: len(f)], count=3)
        return np.asarray(tone * gated(length_s, attack_s=0.3 * length_s, release_s=0.5 * length_s))


@dataclass(frozen=True, kw_only=True)
class Dog:
    """A barking dog: rough bursts of 0.17 to 0.31 s whose pitch rises and falls, through the throat's formants."""

    category: ClassVar[str] = "Dog"
    background_db: ClassVar[float] = -50.0

    size: float
    """Length of the throat: 0.65 (small, shrill) to 1.6 (large, deep) times a medium dog's."""
    barks: int
    duration_s: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """A small or a large dog; one to six barks."""
        size = uniform(rng, 0.65, 0.9) if rng.random() < 0.5 else uniform(rng, 1.15, 1.6)
        barks = int(rng.integers(1, 7))
        return cls(size=size, barks=barks, duration_s=uniform(rng, 0.4 + 0.4 * barks, 0.5 + 0.6 * barks, step=0.05))

    @property
    def captions(self) -> tuple[str, ...]:
        """Sentences on size and number of barks."""
        size, voice = ("large", "deep") if self.size > 1 else ("small", "shrill")
        return (
            f"A {size} dog barks once." if self.barks == 1 else f"A {size} dog barks several times.",
            f"A dog barks with a {voice} voice.",
            "A dog is barking.",
            "The barking of a dog.",
            "A dog barks loudly.",
        )

    def render(self, rng: np.random.Generator) -> Float[np.ndarray, " time"]:
        """Barks at uneven distances, in a room."""
        total = np.zeros(samples(self.duration_s))
        slot_s = (self.duration_s - 0.1) / self.barks
        for number in range(self.barks):
            start_s = 0.03 + slot_s * (number + 0.15 * rng.random())
            add_at(total, rng.uniform(0.7, 1.0) * self._bark(rng), start_s)
        return room(rng, total, decay_s=0.5, level_db=-16.0)

    def _bark(self, rng: np.random.Generator) -> Float[np.ndarray, " time"]:
        length_s = rng.uniform(0.2, 0.27) * self.size**0.3
        place = seconds(length_s) / length_s
        rough = curve(rng, length_s, rate_hz=200, low=0.96, high=1.04)
        pitch_hz = 780 / self.size * rng.uniform(0.93, 1.07) * (0.78 + 0.44 * np.sin(np.pi * place)) * rough
        voice = harmonics(pitch_hz, band(150, 7000, order=1, tilt=0.09))
        voice *= curve(rng, length_s, rate_hz=200, low=0.78, high=1.0) / np.std(voice)
        breath = 0.65 * noise(rng, length_s, band(500, 7000, order=1))
        source = (voice + breath) * np.minimum(place / 0.22, 1) * np.maximum(1 - place, 0) ** 1.2
        formants_hz = np.array([1050, 1700, 2650]) / self.size**0.5 * rng.uniform(0.95, 1.05, 3)
        throat = ring(np.pad(source, (0, samples(0.06))), list(formants_hz), [1.0, 0.5, 0.25], [0.008, 0.0065, 0.005])
        return np.asarray(throat / np.max(np.abs(throat)))


@dataclass(frozen=True, kw_only=True)
class Cricket:
    """A cricket: chirps of three to five pulses, one pulse a stroke of the wing, on a nearly pure tone."""

    category: ClassVar[str] = "Cricket"
    background_db: ClassVar[float] = -46.0

    pitch_hz: float
    """4000 to 5500 Hz."""
    chirps_hz: float
    """Chirps a second: 1.2 to 2 or 3 to 4.5."""
    duration_s: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Slow on a cool night, fast on a warm one."""
        chirps_hz = uniform(rng, 1.2, 2.0) if rng.random() < 0.5 else uniform(rng, 3.0, 4.5)
        return cls(pitch_hz=uniform(rng, 4000, 5500), chirps_hz=chirps_hz, duration_s=uniform(rng, 3.0, 6.0, step=0.05))

    @property
    def captions(self) -> tuple[str, ...]:
        """Sentences on the pace."""
        pace = "slow" if self.chirps_hz < 2.5 else "rapid"
        return (
            f"A cricket gives {pace} chirps.",
            f"A cricket chirps at a {pace} pace.",
            "A cricket is chirping.",
            "The chirp of a cricket at night.",
            "An insect chirps steadily.",
        )

    def render(self, rng: np.random.Generator) -> Float[np.ndarray, " time"]:
        """Pulses grow within a chirp."""
        total = np.zeros(samples(self.duration_s))
        pulses, rate_hz = int(rng.integers(3, 6)), rng.uniform(28, 36)
        length_s = 0.6 / rate_hz
        pitch_hz = self.pitch_hz * (1.01 - 0.03 * seconds(length_s) / length_s)
        pulse = harmonics(pitch_hz, lambda f: np.array([1.0, 0.05])[: len(f)], count=2)
        pulse = pulse * gated(length_s, attack_s=0.4 * length_s, release_s=0.5 * length_s)
        for start_s in np.arange(0.05, self.duration_s - pulses / rate_hz, 1 / self.chirps_hz):
            jittered_s = start_s + rng.normal(0, 0.01 / self.chirps_hz)
            for number in range(pulses):
                add_at(total, pulse * (0.5 + 0.5 * (number + 1) / pulses), max(jittered_s, 0.0) + number / rate_hz)
        return total + 0.004 * noise(rng, self.duration_s, band(300, 6000, tilt=-0.3))
