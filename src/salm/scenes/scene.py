"""A scene: which sounds are where in which room, as plain data, and the pure function that renders it.

The recipe is the data set. A scene is a few hundred bytes; rendering it gives the same samples every time, so a corpus
of spatial audio is a small table and the audio itself need never be stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32

from salm.acoustics.measured.base import ResponseSet
from salm.acoustics.measured.direct import levelled
from salm.acoustics.render import convolve
from salm.acoustics.room import Room
from salm.acoustics.srir import simulate
from salm.audio.formats import encode_plane_wave
from salm.errors import InputError
from salm.frame import Direction, angle_between_deg, sector_index, unit_vector
from salm.scenes.corpora.base import Corpus

__all__ = ["SCHEMA", "Scene", "Source", "render_piece", "render_scene"]

_Response = Float32[np.ndarray, "4 response"]

SCHEMA = 2
"""Newest version of the plain form of a scene: 2 has measured responses, and 1 is written for scenes without."""

# Tables round directions; what is farther off belongs to another response.
_SAME_DIRECTION_DEG = 1.0


@dataclass(frozen=True, kw_only=True)
class Source:
    """One sound at one place.

    Raises
    ------
    InputError
        If the angles are no direction, the distance is not positive, or unknown without a measured response, or the
        start is negative.
    """

    sound_id: str
    caption: str
    """What it is, without place words."""
    azimuth_deg: float
    elevation_deg: float
    distance_m: float | None
    """From the microphone, in metres; None is not known, which only measured responses may leave open."""
    gain_db: float = 0.0
    start_s: float = 0.0
    """When it begins within the scene."""
    response_id: str | None = None
    """Of the scene's measured responses, the one that it sounds through."""

    def __post_init__(self) -> None:
        Direction(self.azimuth_deg, self.elevation_deg)
        if self.distance_m is None and self.response_id is None:
            raise InputError("a source without a measured response needs a distance; give its distance_m.")
        if not (self.distance_m is None or 0 < self.distance_m < np.inf) or not 0 <= self.start_s < np.inf:
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
    """None is the free field, or measured."""
    duration_s: float | None = None
    """Length of the recording; None is the length of the dry sounds, as in the paper's code line."""
    noise_db: float | None = None
    """Level of white sensor noise in each channel relative to the recording's mean level in W; None is no noise."""
    responses: str | None = None
    """Name of the set of measured responses through which all sources sound; None is a room or the free field."""

    def __post_init__(self) -> None:
        if not self.sources:
            raise InputError("a scene needs at least one source; give one.")
        if self.responses is not None and self.room is not None:
            raise InputError("a scene is either of measured responses or of a simulated room; leave one of both out.")
        for source in self.sources:
            if (source.response_id is None) != (self.responses is None):
                raise InputError(
                    f"the scene has the responses {self.responses!r} and a source the response {source.response_id!r}; "
                    "give both or neither."
                )

    def to_dict(self) -> dict[str, Any]:
        """Plain form, ready for JSON."""
        plain = {
            **vars(self),
            "schema": 1 if self.responses is None else 2,
            "sources": [dict(vars(source)) for source in self.sources],
            "room": self.room.to_dict() if self.room else None,
        }
        if self.responses is None:
            # What older versions read, and wrote, word for word.
            del plain["responses"]
            for source in plain["sources"]:
                del source["response_id"]
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Scene":
        """Scene from its plain form.

        Raises
        ------
        InputError
            If the form has another schema or lacks or does not know a field.
        """
        values = dict(plain)
        if (schema := values.pop("schema", None)) not in range(1, SCHEMA + 1):
            raise InputError(f"the scene has schema {schema!r} but this version reads schemas 1 to {SCHEMA}.")
        try:
            values["sources"] = tuple(Source(**source) for source in values["sources"])
            values["room"] = Room.from_dict(values["room"]) if values.get("room") else None
            return cls(**values)
        except (KeyError, TypeError) as error:
            raise InputError(f"the scene is not complete: {error}.") from error


def render_scene(
    scene: Scene, corpus: Corpus, *, rate_hz: int = 24_000, responses: ResponseSet | None = None
) -> Float32[np.ndarray, "4 time"]:
    """AmbiX recording of a scene; the same scene gives the same samples.

    The propagation delay is kept. The level is that of the dry sounds at one metre, and so are measured responses
    levelled (`salm.acoustics.measured.direct.levelled`).

    Parameters
    ----------
    responses
        The set that the scene names; needed only where it names one.

    Raises
    ------
    InputError
        If the scene names responses and these are others, or one of them is from elsewhere than the scene says.
    """
    through = _responses(scene, responses, rate_hz=rate_hz)
    dry = [_dry(source, corpus, rate_hz=rate_hz) for source in scene.sources]
    return _mixture(scene, dry, through, 0, _length(scene, dry, rate_hz=rate_hz))


def render_piece(
    scene: Scene,
    corpus: Corpus,
    samples: int,
    *,
    rng: np.random.Generator,
    rate_hz: int = 24_000,
    responses: ResponseSet | None = None,
) -> Float32[np.ndarray, "4 piece"]:
    """A random piece of a rendered scene, or all of it where it is not longer than the piece.

    The samples are those of `render_scene` up to rounding, and the generator is used as by
    :func:`salm.audio.window.fit_to_window`, but only the piece is rendered: of the dry sound it needs what is in the
    piece and what still rings from one impulse response before. Sensor noise follows the level of the whole, so a scene
    with noise is rendered whole.
    """
    through = _responses(scene, responses, rate_hz=rate_hz)
    dry = [_dry(source, corpus, rate_hz=rate_hz) for source in scene.sources]
    length = _length(scene, dry, rate_hz=rate_hz)
    start = int(rng.integers(length - samples + 1)) if length > samples else 0
    stop = min(length, start + samples)
    if scene.noise_db is not None:
        return _mixture(scene, dry, through, 0, length)[:, start:stop]
    return _mixture(scene, dry, through, start, stop)


def _responses(scene: Scene, measured: ResponseSet | None, *, rate_hz: int) -> list[_Response] | None:
    """Impulse response of each source; None is the free field."""
    if scene.responses is not None:
        return _measured(scene, measured, rate_hz=rate_hz)
    if scene.room is None:
        return None
    distances_m = np.array([source.distance_m for source in scene.sources], np.float64)[:, None]
    directions = np.stack([unit_vector(source.azimuth_deg, source.elevation_deg) for source in scene.sources])
    positions_m = np.asarray(scene.room.microphone_m) + distances_m * directions
    return list(simulate(scene.room, positions_m, rate_hz=rate_hz, seed=scene.seed))


def _measured(scene: Scene, measured: ResponseSet | None, *, rate_hz: int) -> list[_Response]:
    if measured is None or measured.name != scene.responses:
        given = "none" if measured is None else measured.name
        raise InputError(f"the scene sounds through the responses {scene.responses} but {given} are given; open those.")
    found = []
    for source in scene.sources:
        item = measured[source.response_id or ""]
        there = unit_vector(item.azimuth_deg, item.elevation_deg)
        off_deg = float(angle_between_deg(there, unit_vector(source.azimuth_deg, source.elevation_deg)))
        if off_deg > _SAME_DIRECTION_DEG:
            raise InputError(
                f"the response {item.id} of {measured.name} is {off_deg:.0f} degrees from where the scene has its "
                "source; make the scenes anew."
            )
        response = measured.read(item.id, rate_hz=rate_hz)
        found.append(levelled(response, rate_hz=rate_hz, distance_m=item.distance_m))
    return found


def _dry(source: Source, corpus: Corpus, *, rate_hz: int) -> Float32[np.ndarray, " time"]:
    sound = corpus.audio(source.sound_id, rate_hz=rate_hz)
    return np.pad(sound, (round(source.start_s * rate_hz), 0))


def _length(scene: Scene, dry: list[Float32[np.ndarray, " time"]], *, rate_hz: int) -> int:
    return max(map(len, dry)) if scene.duration_s is None else round(scene.duration_s * rate_hz)


def _mixture(
    scene: Scene, dry: list[Float32[np.ndarray, " time"]], through: list[_Response] | None, start: int, stop: int
) -> Float32[np.ndarray, "4 time"]:
    mixture = np.zeros((4, stop - start), np.float32)
    for sound, wet in zip(scene.sources, _wet(scene, dry, through, start, stop), strict=True):
        mixture += np.float32(10 ** (sound.gain_db / 20)) * wet
    if scene.noise_db is not None:
        rng = np.random.default_rng(scene.seed)
        level = np.sqrt(np.mean(np.square(mixture[0]))) * 10 ** (scene.noise_db / 20)
        mixture += np.float32(level) * rng.standard_normal(mixture.shape, dtype=np.float32)
    return mixture


def _wet(
    scene: Scene, dry: list[Float32[np.ndarray, " time"]], through: list[_Response] | None, start: int, stop: int
) -> list[Float32[np.ndarray, "4 time"]]:
    if through is None:
        return [
            encode_plane_wave(_span(sound, start, stop), s.azimuth_deg, s.elevation_deg)
            for sound, s in zip(dry, scene.sources, strict=True)
        ]
    firsts = [max(0, start + 1 - response.shape[-1]) for response in through]
    return [
        convolve(_span(sound, first, stop), response[None])[0, :, start - first :]
        for sound, response, first in zip(dry, through, firsts, strict=True)
    ]


def _span(sound: Float32[np.ndarray, " time"], start: int, stop: int) -> Float32[np.ndarray, " span"]:
    """Samples from start to stop, silence where the sound is over."""
    span = sound[start:stop]
    return np.pad(span, (0, stop - start - len(span)))
