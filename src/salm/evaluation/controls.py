"""The control battery: what must happen to the figures when the input is robbed of what they claim to measure.

Each control gives numbers, ``holds`` and the ``criterion`` in words. A model that fails one has learned something else
than its figures say. Permuting X, Y and Z is no control: it is often a rotation.
"""

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Float, Float32

from salm.audio.rotate import mirror_left_right, yaw
from salm.evaluation.bench import Bench
from salm.evaluation.gallery import HeardScenes, hear_samples, hear_scenes, true_directions
from salm.evaluation.intervals import Figure, Tree, quantile, ratio
from salm.evaluation.localisation import localisation_figures
from salm.evaluation.retrieval import cosine_similarities, ranks, recall_figures, retrieval_figures
from salm.frame import angle_between_deg, azimuth_elevation, unit_vector, wrap_deg
from salm.scenes.rendering import render_scene
from salm.scenes.sample import draw_scene
from salm.scenes.scene import Scene

__all__ = ["CONTROLS", "CONTROL_SCENES", "Control", "controls"]

CONTROL_SCENES = 200
"""Scenes that are heard once more for each control."""

SECTOR_CHANCE = 1 / 8
TURN_TOLERANCE_DEG = 5.0
YAW_DEG = 90.0
KEPT = 0.75
FOLLOWED = 0.9
RECOGNISED = 0.5

Control = Callable[[Bench], Tree]
"""From the bench to numbers, ``holds`` and ``criterion``."""

Foa = Float32[np.ndarray, "4 time"]
Variation = Callable[[Foa, Foa], Foa]
"""From a recording and another scene's to what the model gets to hear."""


def controls(bench: Bench) -> Tree:
    """All of :data:`CONTROLS`."""
    return {name: control(bench) for name, control in CONTROLS.items()}


def _only_w(bench: Bench) -> Tree:
    return _without_direction(bench, "W only", _keep_w)


def _other_xyz(bench: Bench) -> Tree:
    return _without_direction(bench, "others' X, Y, Z", _xyz_of_other)


def _without_direction(bench: Bench, name: str, vary: Variation) -> Tree:
    heard = _hear_varied(bench, name, vary)
    figures = localisation_figures(heard.direction, true_directions(_scenes(bench)))
    low, high = figures["sector_accuracy"].interval(seed=bench.seed)
    return {
        "sector_accuracy": figures["sector_accuracy"],
        "median_deg": figures["median_deg"],
        "holds": low <= SECTOR_CHANCE <= high,
        "criterion": "the interval of the sector accuracy contains chance, 12.5 %",
    }


def _silence(bench: Bench) -> Tree:
    heard = _hear_varied(bench, "silence", lambda samples, _: np.zeros_like(samples))
    chosen = [index for index in bench.gallery if index < CONTROL_SCENES]
    own = np.eye(len(chosen), dtype=bool)
    figures = retrieval_figures(heard.take(chosen).embeddings.joint, bench.unseen[: len(chosen)], own)
    chance = min(1.0, 10 / len(chosen))
    bounds = [recalls["r10"].interval(seed=bench.seed) for recalls in figures.values()]
    return {
        **figures,
        "chance_r10": chance,
        "holds": all(low <= chance <= high for low, high in bounds),
        "criterion": "the intervals of R@10, both ways, contain chance",
    }


def _mirror(bench: Bench) -> Tree:
    heard = _hear_varied(bench, "mirror", lambda samples, _: mirror_left_right(samples))
    return _moved(bench, heard, sign=-1, turn_deg=0.0, moved="|az' + az|")


def _yaw(bench: Bench) -> Tree:
    heard = _hear_varied(bench, "yaw", lambda samples, _: yaw(samples, YAW_DEG))
    return _moved(bench, heard, sign=1, turn_deg=YAW_DEG, moved="|az' - az - 90|")


def _moved(bench: Bench, heard: HeardScenes, *, sign: int, turn_deg: float, moved: str) -> Tree:
    """Whether answers and figures moved with the recordings: azimuths to sign * azimuth + turn."""
    before = bench.heard.direction[: len(heard.direction)]
    true = true_directions(_scenes(bench))
    azimuth_deg, elevation_deg = azimuth_elevation(true)
    expected_deg = sign * azimuth_elevation(before)[0] + turn_deg
    error_deg = Figure(np.abs(wrap_deg(azimuth_elevation(heard.direction)[0] - expected_deg)), quantile(0.5))
    figures = localisation_figures(heard.direction, unit_vector(sign * azimuth_deg + turn_deg, elevation_deg))
    were = localisation_figures(before, true)
    bounds = {name: figure.interval(seed=bench.seed) for name, figure in were.items()}
    inside = all(low <= figures[name].value <= high for name, (low, high) in bounds.items())
    return {
        "azimuth_median_deg": error_deg,
        "localisation": figures,
        "holds": error_deg.value <= TURN_TOLERANCE_DEG and inside,
        "criterion": f"the median of {moved} is at most 5 degrees, and every localisation figure is inside its "
        "interval of before",
    }


def _direction_blind(bench: Bench) -> Tree:
    audio = bench.heard.take(bench.gallery).embeddings
    joint, semantic = (_hits(part, bench.unseen) for part in (audio.joint, audio.semantic))
    gain = Figure(joint - semantic)
    return {
        "joint_r1": Figure(joint),
        "semantic_r1": Figure(semantic),
        "gain_r1": gain,
        "holds": gain.interval(seed=bench.seed)[0] > 0,
        "criterion": "R@1, text to audio, is higher with the joint embedding than with the semantic one alone: the "
        "interval of the difference is above 0",
    }


def _unseen_phrasings(bench: Bench) -> Tree:
    joint = bench.heard.take(bench.gallery).embeddings.joint
    unseen, trained = _hits(joint, bench.unseen), _hits(joint, bench.trained)
    kept, chance = Figure(np.stack([unseen, trained], axis=1), ratio), 1 / len(bench.gallery)
    above = Figure(unseen).interval(seed=bench.seed)[0] > chance
    return {
        "unseen_r1": Figure(unseen),
        "trained_r1": Figure(trained),
        "kept": kept,
        "holds": above and kept.value >= KEPT,
        "criterion": "R@1, text to audio, with phrasings that were never trained on is above chance and at least 75 % "
        "of that with trained ones",
    }


def _two_rooms(bench: Bench) -> Tree:
    first = _scenes(bench)
    second = list(_elsewhere(bench, first))
    heard = hear_scenes(bench.model, bench.corpus, bench.progress(second, "two rooms"))
    there, here = (angle_between_deg(heard.direction, true_directions(scenes)) for scenes in (second, first))
    ids = np.array([scene.sources[0].sound_id for scene in first])
    similar = cosine_similarities(bench.heard.embeddings.semantic[: len(first)], heard.embeddings.semantic)
    figures = {
        "follows": Figure(there < here),
        "same_sound_r1": recall_figures(ranks(similar, ids[:, None] == ids))["r1"],
    }
    return {
        **figures,
        "holds": figures["follows"].value >= FOLLOWED and figures["same_sound_r1"].value >= RECOGNISED,
        "criterion": "of the same sound in another room and sector, 90 % of the directions are nearer to where it is "
        "than to where it was, and at least half of the semantic embeddings find it among all",
    }


CONTROLS: dict[str, Control] = {
    "w_only": _only_w,
    "other_xyz": _other_xyz,
    "silence": _silence,
    "mirror": _mirror,
    "yaw": _yaw,
    "direction_blind": _direction_blind,
    "unseen_phrasings": _unseen_phrasings,
    "two_rooms": _two_rooms,
}
"""Every control by its name in reports."""


def _scenes(bench: Bench) -> tuple[Scene, ...]:
    return bench.scenes[:CONTROL_SCENES]


def _elsewhere(bench: Bench, scenes: tuple[Scene, ...]) -> Iterator[Scene]:
    """The same sounds in other rooms and other sectors."""
    rng = np.random.default_rng([bench.seed, 5])
    sounds = {sound.id: sound for sound in bench.corpus.sounds}
    for scene in scenes:
        source = scene.sources[0]
        sector = (source.sector + int(rng.integers(1, 8))) % 8
        yield draw_scene(rng, sounds[source.sound_id], ranges=bench.ranges, sector=sector)


def _hear_varied(bench: Bench, name: str, vary: Variation) -> HeardScenes:
    scenes, rate_hz = _scenes(bench), bench.model.config.features.rate_hz

    def recordings() -> Iterator[Foa]:
        other = render_scene(scenes[-1], bench.corpus, rate_hz=rate_hz)
        for scene in bench.progress(scenes, name):
            samples = render_scene(scene, bench.corpus, rate_hz=rate_hz)
            yield vary(samples, other)
            other = samples

    return hear_samples(bench.model, recordings())


def _keep_w(samples: Foa, _: Foa) -> Foa:
    return samples * np.array([[1], [0], [0], [0]], np.float32)


def _xyz_of_other(samples: Foa, other: Foa) -> Foa:
    repeated = np.arange(samples.shape[1]) % other.shape[1]
    return np.concatenate([samples[:1], other[1:, repeated]])


def _hits(
    audio: Float[np.ndarray, "scene width"], text: Float[np.ndarray, "scene width"]
) -> Float[np.ndarray, " scene"]:
    """1 for each sentence that finds its own scene first, else 0."""
    return (ranks(cosine_similarities(text, audio), np.eye(len(text), dtype=bool)) < 1).astype(np.float64)
