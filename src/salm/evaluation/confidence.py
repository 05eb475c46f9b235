"""Whether what a location says of itself can be believed: scenes of every difficulty, figures of them, and calibration.

**Conventions.** A location is right within 20 degrees (`salm.model.confidence.CLOSE_DEG`) of a sound of the scene: of
two, either, since nobody asked for one of them. Where there is no direction nothing is right, and neither is a location
without an azimuth; its confidence is 0. A cone is promised to hold the sound of a scene with one; of two sounds it may
hold either. Locations name a direction here however wide their cone is; how many would not is a figure of its own.
The statistics have two columns, confidence (0 to 1) and whether it was right (0 or 1).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Float32, Int
from scipy.stats import rankdata

from salm.acoustics.render import convolve
from salm.acoustics.room import sample_position, sample_room
from salm.audio.recording import Recording
from salm.evaluation.bench import Progress, quietly
from salm.evaluation.gallery import draw_scenes, source_recordings
from salm.evaluation.intervals import Figure, Tree, clustered, quantile
from salm.frame import angle_between_deg, unit_vector
from salm.model.cone import LEVELS, WIDEST_DEG
from salm.model.confidence import CLOSE_DEG, Evidence, fit_cones, fit_confidence
from salm.model.inference import Location, Model, merged
from salm.scenes.corpora.base import Corpus
from salm.scenes.rendering import render_scene
from salm.scenes.scene import Scene

__all__ = [
    "BINS",
    "CONDITIONS",
    "ONE_SOUND",
    "Calibration",
    "auroc",
    "calibrated",
    "calibration_error",
    "confidence_figures",
    "confident_half",
    "draw_trials",
    "hear_trials",
]

BINS = 10
"""Bins of equal width of the expected calibration error and of the reliability."""

ONE_SOUND = ("plain", "noise", "reverberation")
"""Conditions with one sound, whose cone is promised to hold it."""

_NOISE_DB = (-20.0, 0.0)
_FAINT_DB = (-65.0, -40.0)
_SILENT, _MONO = 0.25, 0.25
_OTHER_DB = (-12.0, 0.0)
# Azimuths from the first sound to the other one.
_AWAY_DEG = (60.0, 300.0)
_LONG_RT60_S = (1.5, 3.0)
_DIFFUSE_RT60_S = (0.3, 1.0)

Foa = Float32[np.ndarray, "4 time"]
Pairs = Float[np.ndarray, "resample scene 2"]
Trial = tuple[str, Scene]
"""The name of a condition and a scene of it."""


def confidence_figures(
    model: Model,
    corpus: Corpus,
    *,
    scenes: int,
    seed: int,
    conditions: Sequence[str] | None = None,
    progress: Progress = quietly,
) -> Tree:
    """How often locations are right, what they say of it, and how well the two agree.

    Parameters
    ----------
    conditions
        Some of :data:`CONDITIONS`, in turn; None is all of them.

    Returns
    -------
    Tree
        ``right`` (share), ``confidence`` (mean), ``calibration_error`` (expected, :data:`BINS` bins), ``auroc`` (0.5 is
        chance), ``brier`` (0 is best), ``right_of_confident_half``; ``auroc_direction``, how well the confidence tells
        one sound from none; in ``reliability``, for each bin that is not empty, ``said``, ``right`` and ``count``; in
        ``conditions``, for each that was drawn, ``right`` and ``confidence``.
        Of a model with cones also ``cone``, of scenes with one sound: the share whose 90 % cone held it (``covered``),
        the median cone (``cone_deg``), and what each cone held of windows (``levels``); and in every condition
        ``cone_deg``, the share without a direction by default (``abstains``) and, where there is a sound, ``covered``.

    Raises
    ------
    InputError
        If the corpus is empty or fewer than one scene is asked for.
    """
    trials = draw_trials(corpus, scenes=scenes, seed=seed, conditions=conditions)
    recordings = source_recordings(corpus, [scene for _, scene in trials]).tolist()
    heard = hear_trials(trials, corpus, model.config.features.rate_hz, progress=progress)
    answers = [
        _answer(model, trial, sound, recording=number) for number, (trial, sound) in zip(recordings, heard, strict=True)
    ]
    pairs = _pairs(answers)
    by_name = {name: [a for a in answers if a.condition == name] for name in CONDITIONS}
    one = [answer for answer in answers if answer.condition in ONE_SOUND]
    figures = {
        **_right_and_confidence(answers),
        "calibration_error": Figure(pairs, calibration_error),
        "auroc": Figure(pairs, auroc),
        "brier": Figure(np.square(pairs[:, 0] - pairs[:, 1])),
        "right_of_confident_half": Figure(pairs, confident_half),
    }
    return {
        **clustered(figures, _recordings(answers)),
        "auroc_direction": _one_or_none([*one, *by_name["no_direction"]]),
        "reliability": _reliability(answers),
        **({"cone": _cones(one)} if one and model.config.cone else {}),
        "conditions": {
            name: clustered(
                _right_and_confidence(some) | (_cone(some, name) if model.config.cone else {}), _recordings(some)
            )
            for name, some in by_name.items()
            if some
        },
    }


@dataclass(frozen=True, kw_only=True, eq=False)
class _Answer:
    """What a model says to one trial."""

    recording: int
    """Number of the recording that its first sound was cut from."""
    condition: str
    place: Location
    """With a direction, however wide its cone is."""
    error_deg: float
    """To the nearest sound; infinite if there is no direction, on either side."""
    held: Float[np.ndarray, "window level"]
    """Whether the cones of each window that has a direction hold a sound."""

    @property
    def right(self) -> bool:
        return self.error_deg <= CLOSE_DEG

    @property
    def covered(self) -> bool:
        return self.place.cone_deg is not None and self.error_deg <= self.place.cone_deg


def _answer(model: Model, trial: Trial, sound: Recording, *, recording: int) -> _Answer:
    condition, scene = trial
    heard = model.hear(sound)
    places = model.places(heard, widest_deg=180.0)
    place = merged(places)
    nowhere = condition == "no_direction" or place.vector is None
    known = [place.ambiguity is None for place in places]
    cones = np.array([[cones[level] for level in LEVELS] for cones in model.cones(heard) if cones])
    errors_deg = _distance_deg(heard.direction, scene)[known]
    return _Answer(
        recording=recording,
        condition=condition,
        place=place,
        error_deg=np.inf if nowhere else float(_distance_deg(np.asarray(place.vector)[None], scene)[0]),
        held=errors_deg[:, None] <= cones[known] if cones.size else np.zeros((0, len(LEVELS))),
    )


def _recordings(answers: Sequence[_Answer]) -> Int[np.ndarray, " scene"]:
    return np.array([answer.recording for answer in answers], int)


def _one_or_none(answers: Sequence[_Answer]) -> Figure:
    """How well the confidence tells scenes with one sound from those without direction."""
    pairs = np.array([(answer.place.confidence, answer.condition in ONE_SOUND) for answer in answers], np.float64)
    return Figure(pairs, auroc, clusters=_recordings(answers))


def _pairs(answers: Sequence[_Answer]) -> Float[np.ndarray, "scene 2"]:
    return np.array([(answer.place.confidence, answer.right) for answer in answers], np.float64)


def _right_and_confidence(answers: Sequence[_Answer]) -> dict[str, Figure]:
    pairs = _pairs(answers)
    return {"right": Figure(pairs[:, 1]), "confidence": Figure(pairs[:, 0])}


def _cone(answers: Sequence[_Answer], condition: str) -> dict[str, Figure]:
    cones_deg = np.array([answer.place.cone_deg for answer in answers], np.float64)
    figures = {"cone_deg": Figure(cones_deg, quantile(0.5)), "abstains": Figure(cones_deg > WIDEST_DEG)}
    if condition == "no_direction":
        return figures
    return figures | {"covered": Figure(np.array([answer.covered for answer in answers]))}


def _cones(one: Sequence[_Answer]) -> Tree:
    figures = _cone(one, "")
    kept = clustered({name: figures[name] for name in ("covered", "cone_deg")}, _recordings(one))
    held = np.concatenate([answer.held for answer in one])
    windows = np.repeat(_recordings(one), [len(answer.held) for answer in one])
    levels = {f"{100 * level:.0f}": Figure(held[:, i]) for i, level in enumerate(LEVELS)}
    return {**kept, "levels": clustered(levels, windows)}


def _reliability(answers: Sequence[_Answer]) -> Tree:
    by_bin: dict[int, list[_Answer]] = {}
    for answer in answers:
        by_bin.setdefault(min(int(answer.place.confidence * BINS), BINS - 1), []).append(answer)
    found = {}
    for number, some in sorted(by_bin.items()):
        said, right = _pairs(some).T
        figures = clustered({"said": Figure(said), "right": Figure(right)}, _recordings(some))
        found[f"{100 * number // BINS}-{100 * (number + 1) // BINS}"] = {**figures, "count": len(some)}
    return found


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What :class:`salm.model.config.ModelConfig` keeps of a calibration, by the names it has there."""

    confidence: tuple[float, ...]
    cone: tuple[tuple[float, ...], ...]


def calibrated(model: Model, corpora: Sequence[tuple[Corpus, int]], *, seed: int) -> Calibration:
    """Weights fitted on every window that has a direction, of scenes of every difficulty.

    Parameters
    ----------
    corpora
        Whose sounds are heard, and in how many scenes.

    Raises
    ------
    ValueError
        If the windows are too few, or all or none of them are located right.
    """
    rng = np.random.default_rng([seed, 12])
    evidence: list[Evidence] = []
    # Error in degrees, whether it is close, whether there is one sound, number of the scene.
    rows: list[tuple[float, bool, bool, int]] = []
    for number, ((condition, scene), recording) in enumerate(_hear_all(model, corpora, seed)):
        heard = model.hear(recording)
        errors_deg = _distance_deg(heard.direction, scene)
        for by_intensity, found, error_deg in zip(heard.by_intensity, model.evidence(heard), errors_deg, strict=True):
            if by_intensity.ambiguity is not None:
                continue
            evidence.append(found)
            if condition == "no_direction":
                # Any direction could be the truth.
                rows.append((float(np.degrees(np.arccos(rng.uniform(-1, 1)))), False, False, number))
            else:
                rows.append((float(error_deg), bool(error_deg <= CLOSE_DEG), condition in ONE_SOUND, number))
    errors, close, promised, scenes = np.array(rows, np.float64).reshape(-1, 4).T
    return Calibration(
        confidence=fit_confidence(evidence, close > 0),
        cone=fit_cones(evidence, errors, promised=promised > 0, scene=scenes.astype(int)),
    )


def _hear_all(model: Model, corpora: Sequence[tuple[Corpus, int]], seed: int) -> Iterator[tuple[Trial, Recording]]:
    for corpus, scenes in corpora:
        trials = draw_trials(corpus, scenes=scenes, seed=seed)
        yield from hear_trials(trials, corpus, model.config.features.rate_hz)


def draw_trials(corpus: Corpus, *, scenes: int, seed: int, conditions: Sequence[str] | None = None) -> list[Trial]:
    """Scenes of :data:`CONDITIONS`, all or some, in turn, all sounds about equally often; the same seed draws the same.

    Raises
    ------
    InputError
        If the corpus is empty or fewer than one scene is asked for.
    """
    rng = np.random.default_rng([seed, 11])
    names = list(CONDITIONS if conditions is None else conditions)
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
    """Silence, W with faint noise for X, Y and Z, or a diffuse field: each channel W through its own reverberation."""
    kind = rng.random()
    if kind < _SILENT:
        return np.zeros_like(samples)
    if kind < _SILENT + _MONO:
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
azimuth or more from it; ``reverberation`` has an RT60 of 1.5 to 3 s; of ``no_direction`` a quarter is silence, a
quarter one channel with faint noise in the others, and half a diffuse field.
"""
