"""Machines with a rhythm: engine, helicopter and clock."""

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
    filtered,
    harmonics,
    modes,
    noise,
    ring,
    samples,
    seconds,
    through,
)

__all__ = ["Clock", "Engine", "Helicopter"]


@dataclass(frozen=True, kw_only=True)
class Engine:
    """A four-stroke engine: every cylinder fires once in two turns, none exactly like the next.

    The firing rate is ``cylinders * turns_hz / 2``; unequal cylinders add the half orders that make an engine rough.
    """

    category: ClassVar[str] = "Engine"
    background_db: ClassVar[float] = -60.0

    cylinders: int
    """4, 6 or 8."""
    idle_hz: float
    """Turns a second at rest, 11 to 16."""
    revved: float
    """Highest speed over the idle speed: 1, or 2 to 3.5."""
    duration_s: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Idling, or revved once."""
        return cls(
            cylinders=int(rng.choice([4, 4, 6, 8])),
            idle_hz=uniform(rng, 11, 16),
            revved=uniform(rng, 2.0, 3.5) if rng.random() < 0.5 else 1.0,
            duration_s=uniform(rng, 3.0, 5.5, step=0.05),
        )

    @property
    def captions(self) -> tuple[str, ...]:
        """Sentences on idling or revving."""
        idle = self.revved == 1
        return (
            "An engine idles with a steady rumble." if idle else "An engine revs and slows again.",
            "A car motor is idling." if idle else "A driver revs a car motor.",
            "The engine of a vehicle is running.",
            "A motor runs.",
            "The sound of a running engine.",
        )

    def render(self, rng: np.random.Generator) -> Float[np.ndarray, " time"]:
        """Pressure pulses through an exhaust pipe, with valve clatter and the hiss of gas."""
        speed = self._speed_hz(rng)
        pulses = self._firing(rng, speed)
        pipe_hz = np.array([1.0, 2.1, 3.0, 5.2, 8.5, 13.0]) * rng.uniform(60, 85)
        exhaust = ring(pulses, list(pipe_hz), [1.0, 0.9, 0.7, 0.5, 0.35, 0.2], [0.09, 0.07, 0.05, 0.035, 0.02, 0.012])
        load = (speed / self.idle_hz) ** 0.8
        bursts = through(np.abs(pulses), np.exp(-seconds(0.03) / 0.006))
        hiss = noise(rng, self.duration_s, band(300, 3500, order=1)) * bursts
        clatter = ring(pulses * rng.uniform(0.3, 1.0, len(pulses)), [2300.0, 3700.0, 5200.0], [1, 0.7, 0.4], [0.01] * 3)
        signal = exhaust / np.std(exhaust) + 0.35 * hiss / np.std(hiss) + 0.12 * clatter / np.std(clatter)
        return np.asarray(np.tanh(0.6 * signal) * load)

    def _speed_hz(self, rng: np.random.Generator) -> Float[np.ndarray, " time"]:
        place = seconds(self.duration_s) / self.duration_s
        # Speed follows the throttle quickly up and slowly down.
        bump = np.where(place < 0.4, np.sin(np.pi * place / 0.8) ** 2, np.cos(np.pi * (place - 0.4) / 1.2) ** 2)
        wander = curve(rng, self.duration_s, rate_hz=3, low=0.985, high=1.015)
        return np.asarray(self.idle_hz * (1 + (self.revved - 1) * bump) * wander)

    def _firing(self, rng: np.random.Generator, speed_hz: Float[np.ndarray, " time"]) -> Float[np.ndarray, " time"]:
        firings = np.cumsum(speed_hz) / RATE_HZ * self.cylinders / 2
        at = np.flatnonzero(np.diff(firings.astype(int), prepend=0))
        at = np.clip(at + np.rint(rng.normal(0, 12, len(at))).astype(int), 0, len(firings) - 1)
        strength = rng.uniform(0.6, 1.0, self.cylinders)[np.arange(len(at)) % self.cylinders]
        pulses = np.zeros(len(firings))
        pulses[at] = strength * rng.uniform(0.85, 1.15, len(at))
        return pulses


@dataclass(frozen=True, kw_only=True)
class Helicopter:
    """A helicopter: blades that slap the air 10 to 22 times a second, a tail rotor and a turbine."""

    category: ClassVar[str] = "Helicopter"
    background_db: ClassVar[float] = -50.0

    blade_hz: float
    """Blades that pass a second."""
    approach: bool
    """Whether it grows louder."""
    duration_s: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Hovering or growing louder."""
        return cls(
            blade_hz=uniform(rng, 10, 22),
            approach=bool(rng.random() < 0.5),
            duration_s=uniform(rng, 4.0, 6.0, step=0.05),
        )

    @property
    def captions(self) -> tuple[str, ...]:
        """Sentences on the growing loudness."""
        return (
            "A helicopter grows louder." if self.approach else "A helicopter hovers with beating blades.",
            "A helicopter comes near." if self.approach else "A helicopter drones steadily.",
            "The rotor of a helicopter chops the air.",
            "A helicopter is flying.",
            "The thudding blades of a helicopter.",
        )

    def render(self, rng: np.random.Generator) -> Float[np.ndarray, " time"]:
        """Slaps are broad at low frequencies and gate the noise of the blades."""
        rate_hz = self.blade_hz * curve(rng, self.duration_s, rate_hz=1, low=0.985, high=1.015)
        cycle = np.cumsum(rate_hz) / RATE_HZ
        slap = np.exp(-6.0 * (cycle % 1.0)) * curve(rng, self.duration_s, rate_hz=self.blade_hz, low=0.7, high=1.0)
        thud = filtered(slap, band(30, 220)) / np.std(slap)
        chop = noise(rng, self.duration_s, band(120, 1600, order=1, tilt=-0.7)) * (0.15 + slap)
        turbine = harmonics(rate_hz * 120 / self.blade_hz * 8, band(800, 4000, tilt=-1.0), count=6)
        tail = harmonics(rate_hz * 5.2, band(60, 900, order=1, tilt=-0.5), count=16)
        wash = noise(rng, self.duration_s, band(80, 3000, order=1, tilt=-0.6))
        total = (
            thud + 1.2 * chop / np.std(chop) + 0.3 * wash + 0.2 * tail / np.std(tail) + 0.02 * turbine / np.std(turbine)
        )
        level = np.linspace(0.15, 1.0, len(total)) ** 1.5 if self.approach else 1.0
        return np.asarray(total * level)


@dataclass(frozen=True, kw_only=True)
class Clock:
    """A mechanical clock: tick and tock, two blows of the escapement that differ, in a case that resonates."""

    category: ClassVar[str] = "Tick-tock"
    background_db: ClassVar[float] = -46.0

    period_s: float
    """From tick to tock: 0.2 to 0.3 s in a small clock, 0.5 to 1 s in one with a pendulum."""
    duration_s: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """A small clock or one with a pendulum."""
        period_s = uniform(rng, 0.2, 0.3) if rng.random() < 0.5 else uniform(rng, 0.5, 1.0)
        return cls(period_s=period_s, duration_s=uniform(rng, 3.5, 6.0, step=0.05))

    @property
    def captions(self) -> tuple[str, ...]:
        """Sentences on the pace."""
        slow = self.period_s > 0.4
        return (
            "A large clock ticks slowly." if slow else "A small clock ticks quickly.",
            "A pendulum clock goes tick tock." if slow else "A watch ticks rapidly.",
            "A clock is ticking.",
            "The steady ticking of a clock.",
            "A mechanical clock ticks and tocks.",
        )

    def render(self, rng: np.random.Generator) -> Float[np.ndarray, " time"]:
        """Each blow is two or three impacts within 15 ms, as the pallet locks."""
        total = np.zeros(samples(self.duration_s))
        case_hz = np.sort(rng.uniform(700, 7500, 12)) * (0.6 if self.period_s > 0.4 else 1.0)
        gains = rng.uniform(0.3, 1.0, (2, 12)) * np.array([[1.0], [0.8]])
        shift = np.array([1.0, rng.uniform(0.8, 0.92)])
        later_s = rng.uniform(0.004, 0.015, 2)
        for number in range(int((self.duration_s - 0.1) / self.period_s) + 1):
            which = number % 2
            tick = modes(0.12, case_hz * shift[which], gains[which], rng.uniform(0.015, 0.04, 12))
            start_s = 0.03 + number * self.period_s
            add_at(total, rng.uniform(0.9, 1.0) * tick, start_s)
            add_at(total, 0.5 * tick, start_s + later_s[0])
            add_at(total, 0.25 * tick, start_s + later_s[0] + later_s[1])
        return np.asarray(
            total + 2e-4 * np.max(np.abs(total)) * noise(rng, self.duration_s, band(100, 4000, tilt=-0.5))
        )
