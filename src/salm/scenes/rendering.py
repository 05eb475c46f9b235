"""The pure function that renders a scene, and one that renders a piece of it."""

import numpy as np
from jaxtyping import Float32

from salm.acoustics.diffuse import diffuse_noise, diffuse_sound
from salm.acoustics.measured.base import ResponseSet
from salm.acoustics.measured.direct import levelled
from salm.acoustics.moving import convolve_moving
from salm.acoustics.noise import white_noise
from salm.acoustics.render import convolve
from salm.acoustics.room import Position, Room
from salm.acoustics.srir import simulate
from salm.errors import InputError
from salm.frame import angle_between_deg, unit_vector
from salm.scenes.corpora.base import Corpus
from salm.scenes.scene import SAME_DIRECTION_DEG, Ambience, Scene, Source

__all__ = ["render_piece", "render_scene"]

_Dry = Float32[np.ndarray, " time"]
_Responses = Float32[np.ndarray, "place 4 response"]


def render_scene(
    scene: Scene, corpus: Corpus, *, rate_hz: int = 24_000, responses: ResponseSet | None = None
) -> Float32[np.ndarray, "4 time"]:
    """AmbiX recording of a scene; the same scene gives the same samples.

    A source that moves passes from the response of one place of its path to that of the next
    (:func:`~salm.acoustics.moving.convolve_moving`); the reverberant tails of its places are of the same noise.
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
    return _recording(scene, corpus, dry, through, _length(scene, dry, rate_hz=rate_hz), rate_hz=rate_hz)


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
    piece and what still rings from one impulse response before. Noise and ambience follow the level of the whole, so a
    scene with either is rendered whole.
    """
    through = _responses(scene, responses, rate_hz=rate_hz)
    dry = [_dry(source, corpus, rate_hz=rate_hz) for source in scene.sources]
    length = _length(scene, dry, rate_hz=rate_hz)
    start = int(rng.integers(length - samples + 1)) if length > samples else 0
    stop = min(length, start + samples)
    if scene.noise_db is not None or scene.ambience is not None:
        return _recording(scene, corpus, dry, through, length, rate_hz=rate_hz)[:, start:stop]
    return _mixture(scene, dry, through, start, stop, rate_hz=rate_hz)


def _responses(scene: Scene, measured: ResponseSet | None, *, rate_hz: int) -> list[_Responses]:
    """Impulse responses of the places of each source; one that does not move has one place."""
    if scene.responses is not None:
        return _measured(scene, measured, rate_hz=rate_hz)
    if scene.room is None:
        return [_in_free_field(_places(source)) for source in scene.sources]
    still = [_places(source)[0] for source in scene.sources if not source.path]
    simulated = iter(_in_room(scene.room, still, seed=scene.seed, rate_hz=rate_hz) if still else ())
    return [
        _passing(scene, number, rate_hz=rate_hz) if source.path else next(simulated)[None]
        for number, source in enumerate(scene.sources)
    ]


def _places(source: Source) -> list[Position]:
    if not source.path:
        return [Position(source.azimuth_deg, source.elevation_deg, source.distance_m or 1.0)]
    return [waypoint.place for waypoint in source.path]


def _in_free_field(places: list[Position]) -> _Responses:
    """Plane waves, whatever the distance."""
    x, y, z = unit_vector(np.array([p.azimuth_deg for p in places]), np.array([p.elevation_deg for p in places])).T
    return np.stack([np.ones_like(x), y, z, x], axis=1).astype(np.float32)[:, :, None]


def _in_room(room: Room, places: list[Position], *, seed: int, rate_hz: int) -> _Responses:
    positions_m = np.array([place.in_room(room) for place in places])
    return simulate(room, positions_m, rate_hz=rate_hz, seed=seed)


def _passing(scene: Scene, number: int, *, rate_hz: int) -> _Responses:
    """Responses along the path of one source; each is simulated by itself, so that all have the same tail."""
    assert scene.room is not None
    seed = int(np.random.SeedSequence([scene.seed, number]).generate_state(1)[0])
    found = [_in_room(scene.room, [place], seed=seed, rate_hz=rate_hz)[0] for place in _places(scene.sources[number])]
    longest = max(response.shape[-1] for response in found)
    return np.stack([np.pad(response, ((0, 0), (0, longest - response.shape[-1]))) for response in found])


def _measured(scene: Scene, measured: ResponseSet | None, *, rate_hz: int) -> list[_Responses]:
    if measured is None or measured.name != scene.responses:
        given = "none" if measured is None else measured.name
        raise InputError(f"the scene sounds through the responses {scene.responses} but {given} are given; open those.")
    found = []
    for source in scene.sources:
        item = measured[source.response_id or ""]
        there = unit_vector(item.azimuth_deg, item.elevation_deg)
        off_deg = float(angle_between_deg(there, unit_vector(source.azimuth_deg, source.elevation_deg)))
        if off_deg > SAME_DIRECTION_DEG:
            raise InputError(
                f"the response {item.id} of {measured.name} is {off_deg:.0f} degrees from where the scene has its "
                "source; make the scenes anew."
            )
        response = measured.read(item.id, rate_hz=rate_hz)
        found.append(levelled(response, rate_hz=rate_hz, distance_m=item.distance_m)[None])
    return found


def _dry(source: Source, corpus: Corpus, *, rate_hz: int) -> _Dry:
    sound = corpus.audio(source.sound_id, rate_hz=rate_hz)
    return np.pad(sound, (round(source.start_s * rate_hz), 0))


def _length(scene: Scene, dry: list[_Dry], *, rate_hz: int) -> int:
    return max(map(len, dry)) if scene.duration_s is None else round(scene.duration_s * rate_hz)


def _recording(
    scene: Scene, corpus: Corpus, dry: list[_Dry], through: list[_Responses], length: int, *, rate_hz: int
) -> Float32[np.ndarray, "4 time"]:
    """The whole scene, with what follows the level of the whole."""
    mixture = _mixture(scene, dry, through, 0, length, rate_hz=rate_hz)
    level = _level(mixture)
    if scene.ambience is not None:
        field = _ambience(scene, scene.ambience, corpus, length, rate_hz=rate_hz)
        if own := _level(field):
            mixture += np.float32(level / own * 10 ** (-scene.ambience.snr_db / 20)) * field
    if scene.noise_db is not None:
        noise = white_noise(np.random.default_rng(scene.seed), 4, length)
        noise *= np.float32(level * 10 ** (scene.noise_db / 20))
        mixture += noise
    return mixture


def _mixture(
    scene: Scene, dry: list[_Dry], through: list[_Responses], start: int, stop: int, *, rate_hz: int
) -> Float32[np.ndarray, "4 time"]:
    mixture = np.zeros((4, stop - start), np.float32)
    for source, sound, responses in zip(scene.sources, dry, through, strict=True):
        first = max(0, start + 1 - responses.shape[-1])
        span = _span(sound, first, stop)
        if source.path:
            at = np.array([round(place.time_s * rate_hz) for place in source.path]) - first
            wet = convolve_moving(span, responses, at)
        else:
            wet = convolve(span, responses)[0]
        mixture += np.float32(10 ** (source.gain_db / 20)) * wet[:, start - first :]
    return mixture


def _ambience(
    scene: Scene, ambience: Ambience, corpus: Corpus, samples: int, *, rate_hz: int
) -> Float32[np.ndarray, "4 time"]:
    rng = np.random.default_rng([scene.seed, 1])
    if ambience.sound_id is None:
        return diffuse_noise(rng, samples, rate_hz=rate_hz)
    return diffuse_sound(corpus.audio(ambience.sound_id, rate_hz=rate_hz), rng, samples, rate_hz=rate_hz)


def _level(samples: Float32[np.ndarray, "4 time"]) -> float:
    """Root of the mean square of W."""
    return float(np.sqrt(np.mean(np.square(samples[0]))))


def _span(sound: _Dry, start: int, stop: int) -> _Dry:
    """Samples from start to stop, silence where the sound is over."""
    span = sound[start:stop]
    return np.pad(span, (0, stop - start - len(span)))
