"""Building blocks of synthesis: noise, filters, resonances, oscillators and envelopes, in plain numpy at 24 kHz."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from jaxtyping import Float

__all__ = [
    "RATE_HZ",
    "Gain",
    "add_at",
    "band",
    "bursts",
    "curve",
    "filtered",
    "gated",
    "harmonics",
    "impulses",
    "modes",
    "narrow_noise",
    "noise",
    "onsets",
    "ring",
    "room",
    "samples",
    "seconds",
    "through",
]

RATE_HZ = 24_000
"""Rate of all synthesis."""

Gain = Callable[[Float[np.ndarray, " bin"]], Float[np.ndarray, " bin"]]
"""Maps frequencies in hertz to gains."""

_T60 = float(np.log(1000.0))
"""A decay by 60 dB is one by exp of minus this."""


def samples(duration_s: float) -> int:
    """Number of samples in a duration."""
    return round(duration_s * RATE_HZ)


def seconds(duration_s: float) -> Float[np.ndarray, " time"]:
    """Time of each sample of a duration, from 0."""
    return np.arange(samples(duration_s)) / RATE_HZ


def band(low_hz: float, high_hz: float, *, order: int = 2, tilt: float = 0.0) -> Gain:
    """Gain of a band-pass with Butterworth edges, times ``frequency ** tilt`` (-0.5 makes white noise pink)."""

    def gain(frequency_hz: Float[np.ndarray, " bin"]) -> Float[np.ndarray, " bin"]:
        frequency = np.maximum(frequency_hz, 1.0)
        edges = (1 + (low_hz / frequency) ** (2 * order)) * (1 + (frequency / high_hz) ** (2 * order))
        return np.asarray((frequency / 1000.0) ** tilt / np.sqrt(edges))

    return gain


def noise(rng: np.random.Generator, duration_s: float, gain: Gain | None = None) -> Float[np.ndarray, " time"]:
    """Gaussian noise with the given spectrum, of unit power."""
    white = rng.standard_normal(samples(duration_s))
    if gain is None:
        return white
    shaped = filtered(white, gain)
    return np.asarray(shaped / np.sqrt(np.mean(np.square(shaped))))


def filtered(signal: Float[np.ndarray, " time"], gain: Gain) -> Float[np.ndarray, " time"]:
    """Signal with its spectrum multiplied by a real gain; without delay, and circular in time."""
    frequency_hz = np.fft.rfftfreq(len(signal), 1 / RATE_HZ)
    return np.fft.irfft(np.fft.rfft(signal) * gain(frequency_hz), len(signal))


def narrow_noise(
    rng: np.random.Generator, centre_hz: Float[np.ndarray, " time"], bandwidth_hz: float
) -> Float[np.ndarray, " time"]:
    """Noise of unit power around a centre that moves: slow complex noise on a carrier."""
    duration_s = len(centre_hz) / RATE_HZ
    low_pass = band(0.0, bandwidth_hz / 2)
    real, imaginary = noise(rng, duration_s, low_pass), noise(rng, duration_s, low_pass)
    phase = 2 * np.pi * np.cumsum(centre_hz) / RATE_HZ
    return np.asarray(real * np.cos(phase) - imaginary * np.sin(phase))


def modes(
    duration_s: float,
    frequencies_hz: Iterable[float],
    gains: Iterable[float],
    decays_s: Iterable[float],
) -> Float[np.ndarray, " time"]:
    """Sum of sines that start at 0 and decay by 60 dB in the given times; what an ideal blow sets ringing.

    Modes above 11 kHz are left out. Computed as one matrix product: a mode at sample ``b * block + k`` is its value at
    ``b * block`` times its value at ``k``.
    """
    kept = [(f, g, d) for f, g, d in zip(frequencies_hz, gains, decays_s, strict=True) if f < 11_000]
    count = samples(duration_s)
    frequency, gain, decay = np.array(kept, dtype=float).reshape(-1, 3).T
    exponent = (2j * np.pi * frequency - _T60 / decay) / RATE_HZ
    block = int(np.sqrt(count)) + 1
    starts = np.exp(np.outer(np.arange(block) * block, exponent)) * gain
    within = np.exp(np.outer(exponent, np.arange(block)))
    return np.asarray((starts @ within).imag.ravel()[:count])


def ring(
    excitation: Float[np.ndarray, " time"],
    frequencies_hz: Sequence[float],
    gains: Sequence[float],
    decays_s: Sequence[float],
) -> Float[np.ndarray, " time"]:
    """A signal driving resonances: its convolution with :func:`modes`."""
    return through(excitation, modes(1.5 * max(decays_s), frequencies_hz, gains, decays_s))


def through(signal: Float[np.ndarray, " time"], response: Float[np.ndarray, " tap"]) -> Float[np.ndarray, " time"]:
    """Convolution, cut to the signal's length."""
    # Powers of two transform fast, whatever the length of the response.
    size = 1 << (len(signal) + len(response) - 2).bit_length()
    return np.fft.irfft(np.fft.rfft(signal, size) * np.fft.rfft(response, size), size)[: len(signal)]


def room(
    rng: np.random.Generator, signal: Float[np.ndarray, " time"], *, decay_s: float, level_db: float
) -> Float[np.ndarray, " time"]:
    """Signal with the tail of a room that decays by 60 dB in the given time, its power relative to the direct sound."""
    tail = noise(rng, decay_s, band(150, 5000, order=1)) * np.exp(-_T60 * seconds(decay_s) / decay_s)
    tail *= 10 ** (level_db / 20) / np.sqrt(np.sum(np.square(tail)))
    tail[0] += 1.0
    return through(signal, tail)


def harmonics(pitch_hz: Float[np.ndarray, " time"], spectrum: Gain, *, count: int = 40) -> Float[np.ndarray, " time"]:
    """Sum of the harmonics of a moving pitch; each at the gain that the spectrum has at its mean frequency.

    Harmonics that pass 11 kHz anywhere are left out.
    """
    phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE_HZ
    count = max(1, min(count, int(11_000 / np.max(pitch_hz))))
    gains = spectrum(np.mean(pitch_hz) * np.arange(1, count + 1))
    # Clenshaw's recurrence for a sum of sines: one cosine in all, instead of one sine a harmonic.
    twice_cosine = 2 * np.cos(phase)
    after, following = np.zeros_like(phase), np.zeros_like(phase)
    for gain in gains[::-1]:
        after, following = gain + twice_cosine * after - following, after
    return np.asarray(after * np.sin(phase))


def curve(
    rng: np.random.Generator, duration_s: float, *, rate_hz: float, low: float = 0.0, high: float = 1.0
) -> Float[np.ndarray, " time"]:
    """Smooth random curve between two values, with about ``rate_hz`` new targets a second."""
    knots = rng.uniform(low, high, size=int(duration_s * rate_hz) + 3)
    position = seconds(duration_s) * rate_hz
    index = position.astype(int)
    ease = 0.5 - 0.5 * np.cos(np.pi * (position - index))
    return np.asarray(knots[index] * (1 - ease) + knots[index + 1] * ease)


def onsets(
    rng: np.random.Generator, duration_s: float, *, period_s: float, jitter: float = 0.0, first_s: float = 0.02
) -> Float[np.ndarray, " onset"]:
    """Times a period apart, each moved by a normal deviate of ``jitter`` periods; at least one."""
    times = np.arange(first_s, max(duration_s - 0.05, first_s + 1e-9), period_s)
    return np.maximum(times + jitter * period_s * rng.standard_normal(len(times)), 0.0)


def impulses(
    rng: np.random.Generator, duration_s: float, *, rate_hz: float | Float[np.ndarray, " time"], spread: float = 1.0
) -> Float[np.ndarray, " time"]:
    """Poisson train of impulses, of either sign, whose heights are log-normal with the given spread."""
    count = samples(duration_s)
    hits = rng.random(count) < np.asarray(rate_hz) / RATE_HZ
    heights = rng.choice([-1.0, 1.0], count) * np.exp(spread * rng.standard_normal(count))
    return np.asarray(hits * heights)


def bursts(
    rng: np.random.Generator, hits: Float[np.ndarray, " time"], *, decay_s: float, gain: Gain
) -> Float[np.ndarray, " time"]:
    """Noise of the given spectrum that every hit opens and that closes again by ``exp(-t / decay_s)``.

    Every burst is fresh noise: one burst repeated would sound as a pitch.
    """
    envelope = through(np.abs(hits), np.exp(-seconds(8 * decay_s) / decay_s))
    return np.asarray(noise(rng, len(hits) / RATE_HZ, gain) * envelope)


def add_at(total: Float[np.ndarray, " time"], part: Float[np.ndarray, " part"], start_s: float) -> None:
    """Add a part to a signal, in place, from a time on; what reaches past the end is cut."""
    start = samples(start_s)
    end = min(start + len(part), len(total))
    if start < end:
        total[start:end] += part[: end - start]


def gated(duration_s: float, *, attack_s: float, release_s: float) -> Float[np.ndarray, " time"]:
    """Envelope of 1 with raised-cosine edges."""
    time = seconds(duration_s)
    rise = np.clip(time / attack_s, 0, 1)
    fall = np.clip((duration_s - time) / release_s, 0, 1)
    return np.asarray(0.25 * (1 - np.cos(np.pi * rise)) * (1 - np.cos(np.pi * fall)))
