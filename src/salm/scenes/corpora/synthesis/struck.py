"""Things that are struck and ring by their modes: bell, glass, door, drum and plucked string."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from jaxtyping import Float

from salm.scenes.corpora.synthesis.kind import uniform
from salm.scenes.corpora.synthesis.tools import RATE_HZ, add_at, band, modes, noise, onsets, samples, seconds

__all__ = ["Bell", "Drum", "Glass", "Guitar", "Knock"]


@dataclass(frozen=True, kw_only=True)
class Bell:
    """A bronze bell, struck one or more times.

    Partials are those of a tuned bell (hum, prime, minor third, fifth, octave ...; Fletcher and Rossing, *The Physics
    of Musical Instruments*, ch. 21), each a pair that beats slowly. The hum rings longest.
    """

    category: ClassVar[str] = "Bell"
    background_db: ClassVar[float] = -50.0
    _RATIOS: ClassVar = np.array(
        [
            0.5,
            1.0,
            1.183,
            1.506,
            2.0,
            2.514,
            2.662,
            3.011,
            4.166,
            5.433,
            6.796,
            8.215,
            9.7,
            11.2,
            12.9,
            14.5,
            16.4,
            18.2,
        ]
    )

    pitch_hz: float
    """Prime, 250 to 1800 Hz."""
    ring_s: float
    """Decay of the hum by 60 dB."""
    strokes: int
    period_s: float
    duration_s: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """A deep bell rings long."""
        pitch_hz = float(np.exp(rng.uniform(np.log(250), np.log(1800))))
        strokes = int(rng.choice([1, 1, 3, 4, 5]))
        period_s = uniform(rng, 0.45, 1.3)
        duration_s = uniform(rng, 2.5, 4.0) if strokes == 1 else min(6.0, strokes * period_s + uniform(rng, 0.8, 1.5))
        ring_s = 9.0 * (400 / pitch_hz) ** 0.5 * uniform(rng, 0.7, 1.3)
        duration_s = round(duration_s * 20) / 20
        return cls(pitch_hz=pitch_hz, ring_s=ring_s, strokes=strokes, period_s=period_s, duration_s=duration_s)

    @property
    def captions(self) -> tuple[str, ...]:
        """Sentences on pitch and number of strokes."""
        tone = "deep" if self.pitch_hz < 500 else "bright"
        once = f"A {tone} bell is struck once and rings."
        often = f"A {tone} bell is struck again and again."
        return (
            once if self.strokes == 1 else often,
            f"A bell rings with a {tone} tone.",
            "A metal bell sounds and slowly fades." if self.strokes == 1 else "A bell is tolling steadily.",
            "A bell is struck and rings.",
            "The ringing of a bell.",
        )

    def render(self, rng: np.random.Generator) -> Float[np.ndarray, " time"]:
        """Every stroke rings on under the next, and differs in strength."""
        total = np.zeros(samples(self.duration_s))
        detune = 1 + 0.0008 * rng.uniform(0.3, 1.5, len(self._RATIOS))
        ratios = np.concatenate([self._RATIOS, self._RATIOS * detune])
        decays_s = self.ring_s * (0.5 / ratios) ** 0.6
        click = modes(0.03, [2900.0, 4700.0, 7100.0], [0.4, 0.4, 0.3], [0.02, 0.02, 0.015])
        for stroke in range(self.strokes):
            gains = np.where(ratios < 1.9, 0.5, 1.0) * rng.uniform(0.3, 1.0, len(ratios)) / (1 + ratios / 12)
            strength = rng.uniform(0.8, 1.0)
            start_s = 0.01 + stroke * self.period_s * rng.uniform(0.99, 1.01)
            add_at(total, strength * modes(self.duration_s, self.pitch_hz * ratios, gains, decays_s), start_s)
            add_at(total, strength * click, start_s)
        return total


@dataclass(frozen=True, kw_only=True)
class Glass:
    """Glasses that touch: two thin shells whose modes rise about as the square of their order."""

    category: ClassVar[str] = "Chink, clink"
    background_db: ClassVar[float] = -70.0
    _RATIOS: ClassVar = np.array([1.0, 2.32, 4.25, 6.63, 9.38])

    pitch_hz: float
    """Lowest mode of the first glass, 1300 to 3600 Hz."""
    ring_s: float
    """Its decay by 60 dB, 0.15 to 1.2 s."""
    clinks: int
    duration_s: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """One to four clinks."""
        clinks = int(rng.integers(1, 5))
        return cls(
            pitch_hz=uniform(rng, 1300, 3600),
            ring_s=uniform(rng, 0.15, 1.2),
            clinks=clinks,
            duration_s=uniform(rng, 0.8 + 0.4 * clinks, 1.2 + 0.5 * clinks, step=0.05),
        )

    @property
    def captions(self) -> tuple[str, ...]:
        """Sentences on the ring and on the number of clinks."""
        ringing = "clear ringing" if self.ring_s > 0.6 else "short dry"
        return (
            f"Two glasses clink with a {ringing} tone."
            if self.clinks == 1
            else f"Glasses clink several times with {ringing} tones.",
            "Glasses clink together in a toast.",
            "A glass is tapped against another.",
            "The clinking of drinking glasses.",
        )

    def render(self, rng: np.random.Generator) -> Float[np.ndarray, " time"]:
        """Each clink excites both glasses, often with a second contact some milliseconds later."""
        total = np.zeros(samples(self.duration_s))
        pitches_hz = [self.pitch_hz, self.pitch_hz * rng.uniform(1.05, 1.35)]
        spacing_s = (self.duration_s - 0.4) / self.clinks
        for clink in range(self.clinks):
            start_s = 0.02 + spacing_s * (clink + 0.3 * rng.random())
            for bounce_s in (0.0, rng.uniform(0.02, 0.09)):
                for pitch_hz in pitches_hz:
                    ratios = self._RATIOS * rng.uniform(0.995, 1.005, len(self._RATIOS))
                    gains = rng.uniform(0.3, 1.0, len(ratios)) / np.sqrt(self._RATIOS)
                    tone = modes(self.duration_s, pitch_hz * ratios, gains, self.ring_s / np.sqrt(self._RATIOS))
                    add_at(total, tone * (0.35 if bounce_s else 1.0), start_s + bounce_s)
        return total


@dataclass(frozen=True, kw_only=True)
class Knock:
    """Knuckles on a wooden door: a plate's dense, heavily damped modes under a short blow."""

    category: ClassVar[str] = "Knock"
    background_db: ClassVar[float] = -70.0

    knocks: int
    period_s: float
    """From knock to knock, 0.13 to 0.45 s."""
    hollow_hz: float
    """Lowest mode of the door, 70 to 160 Hz."""
    duration_s: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Two to six knocks."""
        knocks, period_s = int(rng.integers(2, 7)), uniform(rng, 0.13, 0.45)
        return cls(
            knocks=knocks,
            period_s=period_s,
            hollow_hz=uniform(rng, 70, 160),
            duration_s=round((knocks * period_s + uniform(rng, 0.3, 0.7)) * 20) / 20,
        )

    @property
    def captions(self) -> tuple[str, ...]:
        """Sentences on pace and door."""
        pace = "slowly" if self.period_s > 0.28 else "quickly"
        door = "heavy wooden" if self.hollow_hz < 110 else "thin wooden"
        return (
            f"Someone knocks {pace} on a {door} door.",
            f"A {door} door is knocked on.",
            "A person is knocking on a door.",
            "Knuckles rap on wood.",
            "There is a knock at the door.",
        )

    def render(self, rng: np.random.Generator) -> Float[np.ndarray, " time"]:
        """All knocks hit the same door, each a little elsewhere, with a soft knuckle."""
        total = np.zeros(samples(self.duration_s))
        frequencies_hz = self.hollow_hz * np.sort(np.concatenate([[1.0], rng.uniform(1.3, 9.8, 31)]))
        decays_s = rng.uniform(0.15, 0.38, 32) * (self.hollow_hz / frequencies_hz) ** 0.5
        for start_s in onsets(rng, self.knocks * self.period_s + 0.05, period_s=self.period_s, jitter=0.02):
            door = modes(
                0.5, frequencies_hz, rng.uniform(0.3, 1.0, 32) * (self.hollow_hz / frequencies_hz) ** 0.6, decays_s
            )
            blow = noise(rng, 0.1, band(80, 800)) * np.exp(-seconds(0.1) / 0.015)
            knuckle = noise(rng, 0.03, band(900, 1500)) * np.exp(-seconds(0.03) / 0.004)
            add_at(total, rng.uniform(0.7, 1.0) * door / np.max(np.abs(door)), start_s)
            add_at(total, 0.07 * blow, start_s)
            add_at(total, 0.04 * knuckle, start_s)
        return total


@dataclass(frozen=True, kw_only=True)
class Drum:
    """A drum that is beaten: the modes of a circular membrane (zeros of the Bessel functions) and the blow."""

    category: ClassVar[str] = "Drum"
    background_db: ClassVar[float] = -70.0
    _RATIOS: ClassVar = np.array([1.0, 1.594, 2.136, 2.296, 2.653, 2.918, 3.156, 3.501, 3.600, 4.060])

    pitch_hz: float
    """Lowest mode, 50 to 220 Hz."""
    period_s: float
    """From beat to beat, 0.12 to 0.7 s."""
    duration_s: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """From a bass drum to a high tom."""
        return cls(
            pitch_hz=uniform(rng, 50, 220),
            period_s=uniform(rng, 0.12, 0.7),
            duration_s=uniform(rng, 1.5, 4.0, step=0.05),
        )

    @property
    def captions(self) -> tuple[str, ...]:
        """Sentences on size and pace."""
        size = "big deep" if self.pitch_hz < 100 else "small tight"
        pace = "fast" if self.period_s < 0.3 else "slow"
        return (
            f"A {size} drum is beaten in a {pace} rhythm.",
            f"Someone plays a {pace} beat on a drum.",
            "A drum is played with steady beats.",
            "The beating of a drum.",
        )

    def render(self, rng: np.random.Generator) -> Float[np.ndarray, " time"]:
        """Every second beat is weaker."""
        total = np.zeros(samples(self.duration_s))
        decays_s = rng.uniform(0.25, 0.6) * (1 / self._RATIOS) ** 0.8 * (100 / self.pitch_hz) ** 0.3
        stick = noise(rng, 0.03, band(800, 6000)) * np.exp(-seconds(0.03) / 0.005)
        for number, start_s in enumerate(onsets(rng, self.duration_s, period_s=self.period_s, jitter=0.01)):
            gains = rng.uniform(0.5, 1.0, len(self._RATIOS)) / self._RATIOS
            strength = rng.uniform(0.85, 1.0) * (0.6 if number % 2 else 1.0)
            tone = modes(1.0, self.pitch_hz * self._RATIOS, gains, decays_s)
            add_at(total, strength * tone, start_s)
            add_at(total, 0.25 * strength * stick, start_s)
        return total


@dataclass(frozen=True, kw_only=True)
class Guitar:
    """A plucked guitar: stiff strings (partials ``n f sqrt(1 + B n^2)``), plucked at a fifth of their length."""

    category: ClassVar[str] = "Guitar"
    background_db: ClassVar[float] = -60.0
    _CHORD: ClassVar = np.array([0, 7, 12, 16, 19, 24])

    pitch_hz: float
    """Lowest string, 82 to 200 Hz."""
    period_s: float
    """From string to string: 0.02 to 0.04 s in a strum, 0.2 to 0.5 s in a broken chord."""
    duration_s: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """A strum or a broken chord."""
        period_s = uniform(rng, 0.02, 0.04) if rng.random() < 0.4 else uniform(rng, 0.2, 0.5)
        return cls(pitch_hz=uniform(rng, 82, 200), period_s=period_s, duration_s=uniform(rng, 2.0, 4.0, step=0.05))

    @property
    def captions(self) -> tuple[str, ...]:
        """Sentences on strumming or plucking."""
        return (
            "A guitar chord is strummed and rings."
            if self.period_s < 0.1
            else "Guitar strings are plucked one by one.",
            "Someone strums an acoustic guitar."
            if self.period_s < 0.1
            else "Someone plucks notes on an acoustic guitar.",
            "An acoustic guitar is played.",
            "The warm sound of guitar strings.",
        )

    def render(self, rng: np.random.Generator) -> Float[np.ndarray, " time"]:
        """The strings of a major chord ring through the body's two lowest resonances."""
        total = np.zeros(samples(self.duration_s))
        order = np.arange(1, 41)
        for start_s, steps in zip(
            onsets(rng, self.duration_s, period_s=self.period_s, jitter=0.05), np.tile(self._CHORD, 20), strict=False
        ):
            if self.period_s < 0.1 and start_s > 6.5 * self.period_s + 0.02:
                break
            pitch_hz = self.pitch_hz * 2 ** (steps / 12)
            frequencies_hz = pitch_hz * order * np.sqrt(1 + 1e-4 * order**2)
            body = (
                1 + 1.5 * np.exp(-(((frequencies_hz - 105) / 30) ** 2)) + np.exp(-(((frequencies_hz - 205) / 40) ** 2))
            )
            gains = np.sin(np.pi * order / 5.0 + 0.05) / order * body * rng.uniform(0.8, 1.2)
            decays_s = 4.0 * (110 / pitch_hz) ** 0.5 / (1 + 0.12 * order + (frequencies_hz / 4000) ** 2)
            add_at(total, modes(self.duration_s, frequencies_hz, gains, decays_s), float(start_s))
        return total + 0.002 * noise(rng, len(total) / RATE_HZ, band(80, 3000))
