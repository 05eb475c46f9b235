"""A scene: which sounds are where in which room, as plain data, and the pure function that renders it.

The recipe is the data set. A scene is a few hundred bytes; rendering it gives the same samples every time, so a corpus
of spatial audio is a small table and the audio itself need never be stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32

from salm.acoustics.render import convolve
from salm.acoustics.room import Room
from salm.acoustics.srir import simulate
from salm.audio.formats import encode_plane_wave
from salm.errors import InputError
from salm.frame import Direction, sector_index, unit_vector
from salm.scenes.corpora.base import Corpus

__all__ = ["SCHEMA", "Scene", "Source", "render_piece", "render_scene"]

SCHEMA = 1
"""Version of the plain form of a scene."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """One sound at one place.

    Raises
    ------
    InputError
        If the angles are no direction, the distance is not positive or the start is negative.
    """

    sound_id: str
    caption: str
    """What it is, without place words."""
    azimuth_deg: float
    elevation_deg: float
    distance_m: float
    """From the microphone, in metres."""
    gain_db: float = 0.0
    start_s: float = 0.0
    """When it begins within the scene."""

    def __post_init__(self) -> None:
        Direction(self.azimuth_deg, self.elevation_deg)
        if not (0 < self.distance_m < np.inf and 0 <= self.start_s < np.inf):
            raise InputError(
                f"a source at {self.distance_m} m that starts at {self.start_s} s cannot be; "
                "the distance must be positive and the start not negative."
            )

    @property
    def sector(self) -> int:
        """Index of the 45 degree sector that the source is in."""
        return int(sector_index(self.azimuth_deg))


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One or more sounds in one room around one microphone."""

    seed: int
    """Of everything random in rendering: the diffuse tail and the sensor noise."""
    sources: tuple[Source, ...]
    room: Room | None = None
    """None is the free field."""
    duration_s: float | None = None
    """Length of the recording; None is the length of the dry sounds, as in the paper's code line."""
    noise_db: float | None = None
    """Level of white sensor noise in each channel relative to the recording's mean level in W; None is no noise."""

    def __post_init__(self) -> None:
        if not self.sources:
            raise InputError("a scene needs at least one source; give one.")

    def to_dict(self) -> dict[str, Any]:
        """Plain form, ready for JSON."""
        return {
            **vars(self),
            "schema": SCHEMA,
            "sources": [dict(vars(source)) for source in self.sources],
            "room": self.room.to_dict() if self.room else None,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Scene":
        """Scene from its plain form.

        Raises
        ------
        InputError
            If the form has another schema or lacks or does not know a field.
        """
        values = dict(plain)
        if (schema := values.pop("schema", None)) != SCHEMA:
            raise InputError(f"the scene has schema {schema!r} but this version reads schema {SCHEMA}.")
        try:
            values["sources"] = tuple(Source(**source) for source in values["sources"])
            values["room"] = Room.from_dict(values["room"]) if values.get("room") else None
            return cls(**values)
        except (KeyError, TypeError) as error:
            raise InputError(f"the scene is not complete: {error}.") from error


def render_scene(scene: Scene, corpus: Corpus, *, rate_hz: int = 24_000) -> Float32[np.ndarray, "4 time"]:
    """AmbiX recording of a scene; the same scene gives the same samples.

    The propagation delay is kept. The level is that of the dry sounds at one metre.
    """
    dry = [_dry(source, corpus, rate_hz=rate_hz) for source in scene.sources]
    return _mixture(scene, dry, 0, _length(scene, dry, rate_hz=rate_hz), rate_hz=rate_hz)


def render_piece(
    scene: Scene, corpus: Corpus, samples: int, *, rng: np.random.Generator, rate_hz: int = 24_000
) -> Float32[np.ndarray, "4 piece"]:
    """A random piece of a rendered scene, or all of it where it is not longer than the piece.

    The samples are those of `render_scene` up to rounding, and the generator is used as by
    :func:`salm.audio.window.fit_to_window`, but only the piece is rendered: of the dry sound it needs what is in the
    piece and what still rings from one impulse response before. Sensor noise follows the level of the whole, so a scene
    with noise is rendered whole.
    """
    dry = [_dry(source, corpus, rate_hz=rate_hz) for source in scene.sources]
    length = _length(scene, dry, rate_hz=rate_hz)
    start = int(rng.integers(length - samples + 1)) if length > samples else 0
    stop = min(length, start + samples)
    if scene.noise_db is not None:
        return _mixture(scene, dry, 0, length, rate_hz=rate_hz)[:, start:stop]
    return _mixture(scene, dry, start, stop, rate_hz=rate_hz)


def _dry(source: Source, corpus: Corpus, *, rate_hz: int) -> Float32[np.ndarray, " time"]:
    sound = corpus.audio(source.sound_id, rate_hz=rate_hz)
    return np.pad(sound, (round(source.start_s * rate_hz), 0))


def _length(scene: Scene, dry: list[Float32[np.ndarray, " time"]], *, rate_hz: int) -> int:
    return max(map(len, dry)) if scene.duration_s is None else round(scene.duration_s * rate_hz)


def _mixture(
    scene: Scene, dry: list[Float32[np.ndarray, " time"]], start: int, stop: int, *, rate_hz: int
) -> Float32[np.ndarray, "4 time"]:
    mixture = np.zeros((4, stop - start), np.float32)
    for sound, wet in zip(scene.sources, _wet(scene, dry, start, stop, rate_hz=rate_hz), strict=True):
        mixture += np.float32(10 ** (sound.gain_db / 20)) * wet
    if scene.noise_db is not None:
        rng = np.random.default_rng(scene.seed)
        level = np.sqrt(np.mean(np.square(mixture[0]))) * 10 ** (scene.noise_db / 20)
        mixture += np.float32(level) * rng.standard_normal(mixture.shape, dtype=np.float32)
    return mixture


def _wet(
    scene: Scene, dry: list[Float32[np.ndarray, " time"]], start: int, stop: int, *, rate_hz: int
) -> list[Float32[np.ndarray, "4 time"]]:
    if scene.room is None:
        return [
            encode_plane_wave(_span(sound, start, stop), s.azimuth_deg, s.elevation_deg)
            for sound, s in zip(dry, scene.sources, strict=True)
        ]
    offsets_m = [s.distance_m * unit_vector(s.azimuth_deg, s.elevation_deg) for s in scene.sources]
    positions_m = np.asarray(scene.room.microphone_m) + np.stack(offsets_m)
    responses = simulate(scene.room, positions_m, rate_hz=rate_hz, seed=scene.seed)
    first = max(0, start + 1 - responses.shape[-1])
    return [
        convolve(_span(sound, first, stop), response[None])[0, :, start - first :]
        for sound, response in zip(dry, responses, strict=True)
    ]


def _span(sound: Float32[np.ndarray, " time"], start: int, stop: int) -> Float32[np.ndarray, " span"]:
    """Samples from start to stop, silence where the sound is over."""
    span = sound[start:stop]
    return np.pad(span, (0, stop - start - len(span)))
