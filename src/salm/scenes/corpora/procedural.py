"""The built-in corpus: everyday sounds synthesised on demand, so that nothing need be downloaded.

A sound is a pure function of its kind and a seed. The splits use disjoint seeds and so never share a sound.
"""

import re

import numpy as np
import soxr
from jaxtyping import Float, Float32

from salm.errors import InputError
from salm.scenes.corpora.base import Sound, peak_normalised
from salm.scenes.corpora.memory import SoundMemory
from salm.scenes.corpora.synthesis.alarms import Alarm, Horn, Siren, Telephone, Whistle
from salm.scenes.corpora.synthesis.animals import Bird, Cricket, Dog
from salm.scenes.corpora.synthesis.elements import Drip, Fire
from salm.scenes.corpora.synthesis.kind import Kind
from salm.scenes.corpora.synthesis.machines import Clock, Engine, Helicopter
from salm.scenes.corpora.synthesis.people import Applause, Footsteps
from salm.scenes.corpora.synthesis.struck import Bell, Drum, Glass, Guitar, Knock
from salm.scenes.corpora.synthesis.tools import RATE_HZ, band, gated, noise, room
from salm.scenes.corpora.synthesis.weather import Rain, Thunder, Waves, Wind

__all__ = ["KINDS", "SPLITS", "ProceduralCorpus", "procedural_sound"]

_KINDS: dict[str, type[Kind]] = {
    "alarm": Alarm,
    "applause": Applause,
    "bell": Bell,
    "bird": Bird,
    "clock": Clock,
    "cricket": Cricket,
    "dog": Dog,
    "drip": Drip,
    "drum": Drum,
    "engine": Engine,
    "fire": Fire,
    "footsteps": Footsteps,
    "glass": Glass,
    "guitar": Guitar,
    "helicopter": Helicopter,
    "horn": Horn,
    "knock": Knock,
    "rain": Rain,
    "siren": Siren,
    "telephone": Telephone,
    "thunder": Thunder,
    "waves": Waves,
    "whistle": Whistle,
    "wind": Wind,
}

KINDS = tuple(_KINDS)
"""Names of the kinds of sounds."""

SPLITS = ("train", "val", "test")
"""Names of the splits."""

_PER_SEED = 10_000
_ID = re.compile(r"(?P<kind>[a-z]+)-(?P<split>train|val|test)-(?P<number>\d{4,})")


def procedural_sound(kind: str, seed: int) -> tuple[Float32[np.ndarray, " time"], tuple[str, ...]]:
    """One synthesised sound at 24 kHz with its captions, the most telling first.

    Parameters
    ----------
    kind
        One of :data:`KINDS`.
    seed
        Not negative; every seed gives another sound.

    Raises
    ------
    InputError
        If the kind is not known or the seed is negative.
    """
    drawn, rng = _draw(kind, seed)
    return _recorded(drawn.render(rng), rng, background_db=drawn.background_db), drawn.captions


class ProceduralCorpus:
    """Synthesised sounds of all kinds, rendered when they are asked for.

    Parameters
    ----------
    per_kind
        Sounds of each kind, 1 to 10,000.
    seed
        Not negative; another seed gives other sounds with other ids.
    split
        ``train``, ``val`` or ``test``. No two splits share a sound, whatever their seeds.
    keep_in_memory
        Render each sound once; see :class:`~salm.scenes.corpora.memory.SoundMemory`.

    Raises
    ------
    InputError
        If a parameter is out of range.

    Notes
    -----
    An id such as ``bell-train-0007`` says all that is needed to render the sound: the number is
    ``10000 * seed`` plus the sound's place among its kind.
    """

    name = "procedural"

    def __init__(
        self, *, per_kind: int = 50, seed: int = 0, split: str = "train", keep_in_memory: bool = False
    ) -> None:
        if not 1 <= per_kind <= _PER_SEED:
            raise InputError(f"per_kind is {per_kind} but must be 1 to {_PER_SEED}.")
        if split not in SPLITS:
            raise InputError(f"the procedural corpus has no split {split!r}; it has {', '.join(SPLITS)}.")
        numbers = range(seed * _PER_SEED, seed * _PER_SEED + per_kind)
        self.sounds: tuple[Sound, ...] = tuple(_sound(kind, split, number) for kind in KINDS for number in numbers)
        self._audio = SoundMemory(_rendered) if keep_in_memory else _rendered

    def audio(self, sound_id: str, *, rate_hz: int = 24_000) -> Float32[np.ndarray, " time"]:
        """Samples of a sound, its peak at -3 dBFS. Any id of any split and seed can be rendered.

        Raises
        ------
        InputError
            If it is no id of a procedural sound.
        """
        return self._audio(sound_id, rate_hz=rate_hz)


def _rendered(sound_id: str, *, rate_hz: int) -> Float32[np.ndarray, " time"]:
    match = _ID.fullmatch(sound_id)
    if match is None or match["kind"] not in _KINDS:
        raise InputError(f"{sound_id!r} is no procedural sound; ids are like bell-train-0007.")
    samples, _ = procedural_sound(match["kind"], _seed(match["split"], int(match["number"])))
    if rate_hz == RATE_HZ:
        return samples
    resampled: Float32[np.ndarray, " time"] = soxr.resample(samples, RATE_HZ, rate_hz)
    return peak_normalised(resampled)


def _seed(split: str, number: int) -> int:
    """Seed of a sound: splits take turns, so no seed is in two of them."""
    return number * len(SPLITS) + SPLITS.index(split)


def _sound(kind: str, split: str, number: int) -> Sound:
    drawn, _ = _draw(kind, _seed(split, number))
    sound_id = f"{kind}-{split}-{number:04d}"
    return Sound(
        id=sound_id,
        captions=drawn.captions,
        duration_s=drawn.duration_s,
        category=drawn.category,
        split=split,
        group=sound_id,
        licence="CC0-1.0",
        licence_class="permissive",
    )


def _draw(kind: str, seed: int) -> tuple[Kind, np.random.Generator]:
    if kind not in _KINDS:
        raise InputError(f"{kind!r} is no kind of procedural sound; kinds are {', '.join(KINDS)}.")
    if seed < 0:
        raise InputError(f"the seed of a procedural sound is {seed} but must not be negative.")
    # The name, not its place in the list, is part of the seed: new kinds leave the others as they are.
    rng = np.random.default_rng([seed, *kind.encode()])
    return _KINDS[kind].draw(rng), rng


def _recorded(
    signal: Float[np.ndarray, " time"], rng: np.random.Generator, *, background_db: float
) -> Float32[np.ndarray, " time"]:
    """Signal as a close microphone takes it: a faint short room, a faint background, nothing below 20 Hz."""
    duration_s = len(signal) / RATE_HZ
    background = noise(rng, duration_s, band(60, 9000, order=1, tilt=-0.5))
    recorded = room(rng, signal, decay_s=rng.uniform(0.1, 0.3), level_db=rng.uniform(-26, -16))
    recorded += np.max(np.abs(recorded)) * 10 ** ((background_db + rng.uniform(-5, 5)) / 20) * background
    spectrum = np.fft.rfft(recorded)
    spectrum[: int(20 * duration_s) + 1] = 0
    audible = np.fft.irfft(spectrum, len(signal)) * gated(duration_s, attack_s=0.002, release_s=0.02)
    return peak_normalised(audible.astype(np.float32))
