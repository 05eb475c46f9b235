"""Whether a location's confidence can be believed: scenes of every difficulty, figures of them, and calibration.

**Conventions.** A location is right within 20 degrees (`salm.model.confidence.CLOSE_DEG`) of a sound of the scene: of
two, either, since nobody asked for one of them. Where there is no direction nothing is right, and neither is a location
without an azimuth; its confidence is 0.
The statistics have two columns, confidence (0 to 1) and whether it was right (0 or 1).
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Float32
from scipy.stats import rankdata

from salm.acoustics.render import convolve
from salm.acoustics.room import sample_position, sample_room
from salm.audio.recording import Recording
from salm.evaluation.bench import Progress, quietly
from salm.evaluation.gallery import draw_scenes
from salm.evaluation.intervals import Figure, Tree
from salm.frame import angle_between_deg, unit_vector
from salm.model.confidence import CLOSE_DEG, Evidence, fit_confidence
from salm.model.inference import Model
from salm.scenes.corpora.base import Corpus
from salm.scenes.rendering import render_scene
from salm.scenes.scene import Scene

__all__ = [
    "BINS",
    "CONDITIONS",
    "auroc",
    "calibrated",
    "calibration_error",
    "confidence_figures",
    "confident_half",
    "draw_trials",
    "hear_trials",
]

BINS = 10
"""Bins of equal width of the expected calibration error."""

_NOISE_DB = (-20.0, 0.0)
_FAINT_DB = (-65.0, -40.0)
_OTHER_DB = (-12.0, 0.0)
# Azimuths from the first sound to the other one.
_AWAY_DEG = (60.0, 300.0)
_LONG_RT60_S = (1.5, 3.0)
_DIFFUSE_RT60_S = (0.3, 1.0)

Foa = Float32[np.ndarray, "4 time"]
Pairs = Float[np.ndarray, "resample scene 2"]
Trial = tuple[str, Scene]
"""The name of a condition and a scene of it."""


def confidence_figures(model: Model, corpus: Corpus, *, scenes: int, seed: int, progress: Progress = quietly) -> Tree:
    """How often locations are right, what they say of it, and how well the two agree.

    Returns
    -------
    Tree
        ``right`` (share), ``confidence`` (mean), ``calibration_error`` (expected, :data:`BINS` bins), ``auroc`` (0.5 is
        chance), ``brier`` (0 is best), ``right_of_confident_half``; and in ``conditions``, for each that was drawn,
        ``right`` and ``confidence``.

    Raises
    ------
    InputError
        If the corpus is empty or fewer than one scene is asked for.
    """
    trials = draw_trials(corpus, scenes=scenes, seed=seed)
    rows = []
    for (condition, scene), recording in hear_trials(trials, corpus, model.config.features.rate_hz, progress=progress):
        place = model.locate(recording)
        near = place.vector is not None and _distance_deg(place.vector[None], scene)[0] <= CLOSE_DEG
        rows.append((place.confidence, near and condition != "no_direction"))
    pairs = np.array(rows, np.float64)
    drawn = np.array([condition for condition, _ in trials])
    return {
        **_right_and_confidence(pairs),
        "calibration_error": Figure(pairs, calibration_error),
        "auroc": Figure(pairs, auroc),
        "brier": Figure(np.square(pairs[:, 0] - pairs[:, 1])),
        "right_of_confident_half": Figure(pairs, confident_half),
        "conditions": {name: _right_and_confidence(pairs[drawn == name]) for name in CONDITIONS if name in drawn},
    }


def calibrated(
    model: Model, corpus: Corpus, *, scenes: int, seed: int, progress: Progress = quietly
) -> tuple[float, ...]:
    """Weights for :attr:`salm.model.config.ModelConfig.confidence`, fitted on every window of such scenes.

    Raises
    ------
    ValueError
        If the windows are too few, or all or none of them are located right.
    """
    trials = draw_trials(corpus, scenes=scenes, seed=seed)
    evidence: list[Evidence] = []
    close: list[bool] = []
    for (condition, scene), recording in hear_trials(trials, corpus, model.config.features.rate_hz, progress=progress):
        heard = model.hear(recording)
        near = _distance_deg(heard.direction, scene) <= CLOSE_DEG
        for by_intensity, found, is_near in zip(heard.by_intensity, model.evidence(heard), near, strict=True):
            if by_intensity.ambiguity is None:
                evidence.append(found)
                close.append(bool(is_near) and condition != "no_direction")
    return fit_confidence(evidence, np.array(close, bool))


def draw_trials(corpus: Corpus, *, scenes: int, seed: int) -> list[Trial]:
    """Scenes of all :data:`CONDITIONS` in turn, all sounds about equally often; the same seed draws the same.

    Raises
    ------
    InputError
        If the corpus is empty or fewer than one scene is asked for.
    """
    rng = np.random.default_rng([seed, 11])
    names = list(CONDITIONS)
    plain = draw_scenes(corpus, count=scenes, seed=seed)
    chosen = [(names[number % len(names)], scene) for number, scene in enumerate(plain)]
    return [(name, CONDITIONS[name](rng, scene, corpus)) for name, scene in chosen]


def hear_trials(
    trials: list[Trial], corpus: Corpus, rate_hz: int, *, progress: Progress = quietly
) -> Iterator[tuple[Trial, Recording]]:
    """Each trial with its recording, which for ``no_direction`` is robbed of it after rendering."""
    shown = progress([scene for _, scene in trials], "confidence")
    for (condition, _), scene in zip(trials, shown, strict=True):
        samples = render_scene(scene, corpus, rate_hz=rate_hz)
        if condition == "no_direction":
            samples = _without_direction(samples, np.random.default_rng([scene.seed, 1]), rate_hz)
        yield (condition, scene), Recording(samples=samples, rate_hz=rate_hz, layout="foa")


def calibration_error(pairs: Pairs) -> Float[np.ndarray, " resample"]:
    """Expected calibration error: |mean confidence - share right| of each bin, weighted by how many are in it."""
    confidence, right = np.moveaxis(pairs, -1, 0)
    own_bin = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [np.where(own_bin == number, confidence - right, 0.0).sum(axis=1) for number in range(BINS)]
    return np.asarray(np.abs(gaps).sum(axis=0) / pairs.shape[1])


def auroc(pairs: Pairs) -> Float[np.ndarray, " resample"]:
    """Area under the ROC curve: the chance that a right location is more confident than a wrong one, ties as half.

    NaN where all are right or all are wrong. It is the rank sum of the right ones less its least value (Mann-Whitney).
    """
    confidence, right = np.moveaxis(pairs, -1, 0)
    count = right.sum(axis=1)
    wins = (rankdata(confidence, axis=1) * right).sum(axis=1) - count * (count + 1) / 2
    compared = count * (pairs.shape[1] - count)
    return np.asarray(wins / np.where(compared == 0, np.nan, compared))


def confident_half(pairs: Pairs) -> Float[np.ndarray, " resample"]:
    """Share right of the half that is most confident, rounded up; of equals those that come first."""
    half = -(-pairs.shape[1] // 2)
    first = np.argsort(-pairs[..., 0], axis=1, kind="stable")[:, :half]
    return np.asarray(np.take_along_axis(pairs[..., 1], first, axis=1).mean(axis=1))


def _right_and_confidence(pairs: Float[np.ndarray, "scene 2"]) -> dict[str, Figure]:
    return {"right": Figure(pairs[:, 1]), "confidence": Figure(pairs[:, 0])}


def _distance_deg(directions: Float[np.ndarray, "item 3"], scene: Scene) -> Float[np.ndarray, " item"]:
    """Angle from each direction to the nearest sound of the scene."""
    true = np.stack([unit_vector(source.azimuth_deg, source.elevation_deg) for source in scene.sources])
    return np.asarray(angle_between_deg(directions[:, None], true).min(axis=1))


def _plain(_: np.random.Generator, scene: Scene, __: Corpus) -> Scene:
    return scene


def _noisy(rng: np.random.Generator, scene: Scene, _: Corpus) -> Scene:
    return replace(scene, noise_db=float(rng.uniform(*_NOISE_DB)))


def _with_other_sound(rng: np.random.Generator, scene: Scene, corpus: Corpus) -> Scene:
    """Another sound elsewhere in the room, 0 to 12 dB below the first by its direct path, for as long as that lasts."""
    first = scene.sources[0]
    sounds = {sound.id: sound for sound in corpus.sounds}
    sound = corpus.sounds[int(rng.integers(len(corpus.sounds)))]
    room = scene.room or sample_room(rng)
    place = sample_position(rng, room, (first.azimuth_deg + _AWAY_DEG[0], first.azimuth_deg + _AWAY_DEG[1]))
    # Without a known distance a source has the level of one metre.
    nearer_db = 20 * np.log10(place.distance_m / (first.distance_m or 1.0))
    other = replace(
        first,
        **place._asdict(),
        sound_id=sound.id,
        caption=sound.caption,
        gain_db=first.gain_db + float(rng.uniform(*_OTHER_DB) + nearer_db),
    )
    return replace(scene, sources=(first, other), room=room, duration_s=sounds[first.sound_id].duration_s)


def _reverberant(rng: np.random.Generator, scene: Scene, _: Corpus) -> Scene:
    """The sound somewhere in a room that rings for long."""
    room = sample_room(rng, rt60_s=_LONG_RT60_S)
    place = sample_position(rng, room)
    return replace(scene, room=room, sources=(replace(scene.sources[0], **place._asdict()),))


def _without_direction(samples: Foa, rng: np.random.Generator, rate_hz: int) -> Foa:
    """W with faint noise for X, Y and Z, or a diffuse field: each channel W through reverberation of its own."""
    if rng.random() < 0.5:
        level = np.sqrt(np.mean(np.square(samples[0]))) * 10 ** (rng.uniform(*_FAINT_DB) / 20)
        noise = np.float32(level) * rng.standard_normal((3, samples.shape[1]), dtype=np.float32)
        return np.concatenate([samples[:1], noise])
    rt60_s = rng.uniform(*_DIFFUSE_RT60_S)
    time_s = np.arange(round(rt60_s * rate_hz)) / rate_hz
    # An isotropic field has a third of W's power in each of X, Y, Z (SN3D).
    levels = np.sqrt([1, 1 / 3, 1 / 3, 1 / 3])
    responses = levels[:, None] * rng.standard_normal((4, len(time_s))) * 10 ** (-3 * time_s / rt60_s)
    return np.asarray(convolve(samples[0], responses.astype(np.float32)[None])[0])


CONDITIONS: dict[str, Callable[[np.random.Generator, Scene, Corpus], Scene]] = {
    "plain": _plain,
    "noise": _noisy,
    "other_sound": _with_other_sound,
    "reverberation": _reverberant,
    "no_direction": _plain,
}
"""From a scene of the default protocol to one of each condition, by the condition's name in reports.

``noise`` is at a signal-to-noise ratio of 0 to 20 dB in W; ``other_sound`` begins with the first, at 60 degrees of
azimuth or more from it; ``reverberation`` has an RT60 of 1.5 to 3 s.
"""
