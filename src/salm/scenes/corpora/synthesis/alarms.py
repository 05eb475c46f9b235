"""Signals that call for attention: siren, telephone, beeps, car horn and whistle."""

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
    modes,
    noise,
    samples,
    seconds,
)

__all__ = ["Alarm", "Horn", "Siren", "Telephone", "Whistle"]


@dataclass(frozen=True, kw_only=True)
class Siren:
    """An electronic siren: a rich tone whose pitch rises and falls between two values on a logarithmic scale."""

    category: ClassVar[str] = "Siren"
    background_db: ClassVar[float] = -50.0

    low_hz: float
    """450 to 750 Hz."""
    high_hz: float
    """1100 to 1700 Hz."""
    sweep_s: float
    """Once up and down: 0.25 to 0.5 s (yelp) or 2 to 4.5 s (wail)."""
    duration_s: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Wailing or yelping."""
        return cls(
            low_hz=uniform(rng, 450, 750),
            high_hz=uniform(rng, 1100, 1700),
            sweep_s=uniform(rng, 0.25, 0.5) if rng.random() < 0.4 else uniform(rng, 2.0, 4.5),
            duration_s=uniform(rng, 3.5, 6.0, step=0.05),
        )

    @property
    def captions(self) -> tuple[str, ...]:
        """Sentences on the speed of the sweep."""
        slow = self.sweep_s > 1
        return (
            "A siren wails with a slowly rising and falling tone." if slow else "A siren yelps in rapid sweeps.",
            "An emergency vehicle wails." if slow else "A police siren warbles quickly.",
            "An emergency siren is sounding.",
            "The loud siren of a police car or ambulance.",
            "A siren blares.",
        )

    def render(self, rng: np.random.Generator) -> Float[np.ndarray, " time"]:
        """The loudspeaker's horn passes the middle of the spectrum."""
        cycle = seconds(self.duration_s) / self.sweep_s + rng.random()
        height = 0.5 - 0.5 * np.cos(2 * np.pi * cycle)
        pitch_hz = self.low_hz * (self.high_hz / self.low_hz) ** height
        tone = harmonics(pitch_hz, band(500, 3000, order=1, tilt=-0.7), count=8)
        street = noise(rng, self.duration_s, band(60, 800, tilt=-0.5))
        return np.asarray(tone * gated(self.duration_s, attack_s=0.1, release_s=0.15) + 0.01 * np.std(tone) * street)


@dataclass(frozen=True, kw_only=True)
class Telephone:
    """A telephone with two gongs and a clapper between them, or with an electronic warble."""

    category: ClassVar[str] = "Telephone bell ringing"
    background_db: ClassVar[float] = -50.0

    mechanical: bool
    pitch_hz: float
    """Lower gong 900 to 1500 Hz, or lower tone 700 to 1100 Hz."""
    ring_s: float
    """Length of one ring, 0.8 to 1.6 s."""
    duration_s: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Rings with pauses between them."""
        mechanical = bool(rng.random() < 0.6)
        pitch_hz = uniform(rng, 900, 1500) if mechanical else uniform(rng, 700, 1100)
        return cls(
            mechanical=mechanical,
            pitch_hz=pitch_hz,
            ring_s=uniform(rng, 0.8, 1.6),
            duration_s=uniform(rng, 3.0, 6.0, step=0.05),
        )

    @property
    def captions(self) -> tuple[str, ...]:
        """Sentences on the type of the telephone."""
        return (
            "An old telephone rings with its bell."
            if self.mechanical
            else "A telephone rings with an electronic warble.",
            "The metal bells of a telephone ring." if self.mechanical else "An electronic phone chirps.",
            "A telephone is ringing.",
            "A phone rings and waits for an answer.",
            "The ringing of a telephone.",
        )

    def render(self, rng: np.random.Generator) -> Float[np.ndarray, " time"]:
        """A clapper strikes 20 to 25 times a second, or two tones alternate as often."""
        total = np.zeros(samples(self.duration_s))
        rate_hz = rng.uniform(20, 25)
        one = self._gongs(rng, rate_hz) if self.mechanical else self._warble(rate_hz)
        pause_s = rng.uniform(0.5, 1.0)
        for start_s in np.arange(0.02, self.duration_s - 0.1, self.ring_s + pause_s):
            add_at(total, one, start_s)
        return total

    def _gongs(self, rng: np.random.Generator, rate_hz: float) -> Float[np.ndarray, " time"]:
        ratios = np.array([1.0, 2.72, 5.1, 7.9])
        total = np.zeros(samples(self.ring_s + 0.6))
        for stroke in range(int(self.ring_s * rate_hz)):
            pitch_hz = self.pitch_hz * (1.0 if stroke % 2 else 1.24)
            gains = rng.uniform(0.6, 1.0, 4) * [1.0, 0.9, 0.6, 0.4]
            add_at(total, modes(0.6, pitch_hz * ratios, gains, [0.6, 0.5, 0.3, 0.2]), stroke / rate_hz)
        return total

    def _warble(self, rate_hz: float) -> Float[np.ndarray, " time"]:
        time = seconds(self.ring_s)
        pitch_hz = np.where((time * rate_hz) % 1 < 0.5, self.pitch_hz, 1.25 * self.pitch_hz)
        tone = harmonics(pitch_hz, band(500, 4000, order=1, tilt=-1.0), count=5)
        return np.asarray(tone * gated(self.ring_s, attack_s=0.01, release_s=0.02))


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """Electronic beeps: a square-like tone, switched on and off in groups."""

    category: ClassVar[str] = "Beep, bleep"
    background_db: ClassVar[float] = -50.0

    pitch_hz: float
    """800 to 3200 Hz."""
    period_s: float
    """From beep to beep, 0.12 to 0.9 s."""
    group: int
    """Beeps before one is left out; 0 for none."""
    duration_s: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Steady beeps or groups of them."""
        group = int(rng.choice([0, 3, 4]))
        return cls(
            pitch_hz=uniform(rng, 800, 3200),
            period_s=uniform(rng, 0.12, 0.25) if group else uniform(rng, 0.2, 0.9),
            group=group,
            duration_s=uniform(rng, 2.0, 5.0, step=0.05),
        )

    @property
    def captions(self) -> tuple[str, ...]:
        """Sentences on pace and grouping."""
        pace = "rapid" if self.period_s < 0.4 else "slow"
        return (
            "An alarm clock beeps in short groups." if self.group else f"An alarm gives {pace} steady beeps.",
            f"{pace.capitalize()} electronic beeps.",
            "An electronic alarm is beeping.",
            "A device beeps.",
            "The beeping of an alarm.",
        )

    def render(self, rng: np.random.Generator) -> Float[np.ndarray, " time"]:
        """Beeps fill half of their period."""
        total = np.zeros(samples(self.duration_s))
        length_s = self.period_s * rng.uniform(0.45, 0.55)
        odd = np.array([1.0, 0.0, 1 / 3, 0.0, 1 / 5])
        pitch_hz = np.full(samples(length_s), self.pitch_hz)
        beep = harmonics(pitch_hz, lambda f: odd[: len(f)], count=5)
        beep = beep * gated(len(beep) / RATE_HZ, attack_s=0.004, release_s=0.006)
        for number in range(int((self.duration_s - length_s) / self.period_s) + 1):
            if not self.group or number % (self.group + 1) < self.group:
                add_at(total, beep, 0.02 + number * self.period_s)
        return total


@dataclass(frozen=True, kw_only=True)
class Horn:
    """A car horn: two diaphragms about a major third apart, with harmonics up to 5 kHz."""

    category: ClassVar[str] = "Vehicle horn, car horn, honking"
    background_db: ClassVar[float] = -50.0

    pitch_hz: float
    """Lower diaphragm, 300 to 450 Hz."""
    honks: int
    duration_s: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """One long honk or a few short ones."""
        return cls(
            pitch_hz=uniform(rng, 300, 450),
            honks=int(rng.choice([1, 2, 3, 4])),
            duration_s=uniform(rng, 1.2, 3.0, step=0.05),
        )

    @property
    def captions(self) -> tuple[str, ...]:
        """Sentences on the number of honks."""
        return (
            "A car horn gives one long honk." if self.honks == 1 else "A car horn honks several times.",
            "A driver leans on the horn." if self.honks == 1 else "A driver honks impatiently.",
            "A car horn is honking.",
            "The loud horn of a car.",
        )

    def render(self, rng: np.random.Generator) -> Float[np.ndarray, " time"]:
        """The pitch settles within a tenth of a second of each honk."""
        total = np.zeros(samples(self.duration_s))
        slot_s = (self.duration_s - 0.1) / self.honks
        interval = rng.uniform(1.19, 1.27)
        spectrum = band(900, rng.uniform(2800, 4500), order=1)
        for honk in range(self.honks):
            length_s = slot_s * rng.uniform(0.6, 0.8)
            settling = 1 - 0.03 * np.exp(-seconds(length_s) / 0.03)
            tone = harmonics(self.pitch_hz * settling, spectrum) + harmonics(
                interval * self.pitch_hz * settling, spectrum
            )
            envelope = gated(len(tone) / RATE_HZ, attack_s=0.025, release_s=0.05)
            add_at(total, np.tanh(0.4 * tone) * envelope, 0.03 + honk * slot_s)
        return total


@dataclass(frozen=True, kw_only=True)
class Whistle:
    """A pea whistle: a shrill tone that the ball interrupts 25 to 45 times a second, with the noise of the breath."""

    category: ClassVar[str] = "Whistle"
    background_db: ClassVar[float] = -50.0

    pitch_hz: float
    """2200 to 3800 Hz."""
    blasts: int
    duration_s: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """One to three blasts."""
        blasts = int(rng.integers(1, 4))
        return cls(
            pitch_hz=uniform(rng, 2200, 3800), blasts=blasts, duration_s=uniform(rng, 0.8, 1.0 + blasts, step=0.05)
        )

    @property
    def captions(self) -> tuple[str, ...]:
        """Sentences on the number of blasts."""
        return (
            "A referee blows one blast on a whistle."
            if self.blasts == 1
            else "A referee blows a whistle several times.",
            "A whistle gives a trilling blast." if self.blasts == 1 else "A whistle gives short trilling blasts.",
            "Someone blows a whistle.",
            "A shrill whistle is blown.",
        )

    def render(self, rng: np.random.Generator) -> Float[np.ndarray, " time"]:
        """Ball and breath flutter a little."""
        total = np.zeros(samples(self.duration_s))
        slot_s = (self.duration_s - 0.05) / self.blasts
        ball_hz = rng.uniform(25, 45)
        for blast in range(self.blasts):
            length_s = slot_s * rng.uniform(0.7, 0.85)
            ball = np.sin(2 * np.pi * np.cumsum(ball_hz * curve(rng, length_s, rate_hz=8, low=0.9, high=1.1)) / RATE_HZ)
            pitch_hz = self.pitch_hz * (1 + 0.04 * ball) * curve(rng, length_s, rate_hz=4, low=0.99, high=1.01)
            tone = harmonics(pitch_hz, lambda f: np.geomspace(1, 0.05, len(f)), count=3) * (0.55 + 0.45 * ball)
            breath = noise(rng, length_s, band(0.7 * self.pitch_hz, 2 * self.pitch_hz))
            envelope = gated(length_s, attack_s=0.03, release_s=0.05)
            add_at(total, (tone[: len(envelope)] + 0.03 * breath) * envelope, 0.02 + blast * slot_s)
        return total
