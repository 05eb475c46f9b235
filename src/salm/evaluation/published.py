"""The paper's protocol: its galleries, its sentences and what its tables hold (sections 4.1 to 4.3).

Every clip is at three positions in one room, each in another sector, and all of them are in the gallery together, so
that the same sound elsewhere is the nearest wrong answer. Every caption of a clip is said of each position. Targets are
identities: only the recording that a caption was made for is right, even where another has the same sentence.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Int

from salm.acoustics.measured.base import ResponseSet
from salm.audio.window import fit_to_window
from salm.errors import InputError
from salm.evaluation.bench import Progress, quietly
from salm.evaluation.editing import edited_joints, says_sector
from salm.evaluation.gallery import (
    Baselines,
    Foa,
    HeardScenes,
    hear_beside_baselines,
    hear_samples,
    source_recordings,
    true_directions,
    true_sectors,
)
from salm.evaluation.intervals import Tree, clustered
from salm.evaluation.localisation import beside_baselines
from salm.evaluation.made import MadeScenes
from salm.evaluation.retrieval import owned_ranks, recall_figures
from salm.evaluation.zero_shot import zero_shot_figures
from salm.model.inference import Model
from salm.scenes.captions import PAPER_PHRASING, PAPER_TEMPLATE, Phrasing, direction_sentence, spatial_caption
from salm.scenes.corpora.base import Corpus, Sound
from salm.scenes.recipes import JITTERS, clip_scenes
from salm.scenes.rendering import render_piece
from salm.scenes.sample import POSITIONS, SceneRanges, draw_measured, draw_scene
from salm.scenes.scene import Scene

__all__ = ["PUBLISHED", "Clips", "hear_clips", "published_measured", "published_tables"]

PUBLISHED: Mapping[str, str] = {
    "name": "paper",
    "localisation": "Every clip at three positions in one simulated room, each in another sector of 45 degrees; one "
    "window of the model a recording. The error is the great-circle angle; the core is within 17.5 degrees of a "
    "sector's centre. The paper's localisation error is the mean.",
    "baselines": "The same windows without learning: the mean intensity vector, plain and onset-weighted.",
    "retrieval": "Joint embeddings of all recordings against all their captions with the place. Text to audio is over "
    "all captions, audio to text by the best of a recording's own; only the recording that a caption was made for is "
    "right. direction_blind has the semantic embedding instead.",
    "semantic": "Semantic embeddings of every clip once, in the free field, against all captions without a place.",
    "zero_shot": "Which of the paper's eight direction sentences is nearest, in compass words as the model faces.",
    "editing": "The gallery with its spatial embeddings replaced by the sentence of the true direction (swap), or of "
    "another position of the same clip, whose captions are then the right ones (change). arithmetic is ELSA's way to "
    "that change: the joint embedding less the old direction's sentence plus the new one's. The sector is the one "
    "whose sentence is nearest.",
    "intervals": "95 %, percentile bootstrap over source recordings: all positions of one are drawn together, and "
    "queries with the gallery as it is; 1000 draws.",
}
"""How each table comes about, in words."""

_SAYS_ALL = replace(PAPER_PHRASING, vocabulary="compass")
_SAYS_WHERE = Phrasing(PAPER_TEMPLATE, "compass")


@dataclass(frozen=True, kw_only=True, eq=False)
class Clips:
    """A model's answers to clips at several positions each; the positions of one clip follow each other."""

    model: Model
    corpus: Corpus
    sounds: tuple[Sound, ...]
    """The clips."""
    scenes: tuple[Scene, ...]
    clip: Int[np.ndarray, " scene"]
    """Which of the clips each scene is of."""
    said: tuple[tuple[str, ...], ...] | None
    """Spatial captions of each scene; None are those of the protocol."""
    heard: HeardScenes
    baselines: Baselines
    seed: int
    ranges: SceneRanges
    progress: Progress

    @property
    def phrasings(self) -> dict[str, str]:
        """Templates of the sentences, for the report."""
        facing = self.model.config.facing
        own = _SAYS_ALL.template if self.said is None else "as they were rephrased"
        return {"caption_phrasing": own, "direction_phrasing": _SAYS_WHERE.template, "facing": facing}

    @property
    def gallery(self) -> range:
        """Indices of the scenes in the gallery: all."""
        return range(len(self.scenes))

    @property
    def recordings(self) -> Int[np.ndarray, " scene"]:
        """Which source recording each scene's sound was cut from."""
        return source_recordings(self.corpus, self.scenes)

    @cached_property
    def direction_sentences(self) -> Float32[np.ndarray, "sector width"]:
        """Text embeddings of the paper's sentence about each sector, in compass words as the model faces."""
        facing = self.model.config.facing
        return self.model.embed_text([direction_sentence(s, phrasing=_SAYS_WHERE, facing=facing) for s in range(8)])

    @cached_property
    def spatial_captions(self) -> "_Said":
        """All captions of all scenes with their places."""
        if self.said is not None:
            return _Said.of(self.model, self.said)
        facing = self.model.config.facing
        placed = [
            [
                spatial_caption(caption, scene.sources[0].sector, phrasing=_SAYS_ALL, facing=facing)
                for caption in self.sounds[clip].captions
            ]
            for scene, clip in zip(self.scenes, self.clip.tolist(), strict=True)
        ]
        return _Said.of(self.model, placed)


@dataclass(frozen=True, eq=False)
class _Said:
    """Captions of recordings, each different sentence embedded once."""

    sentences: Float32[np.ndarray, "sentence width"]
    said: Int[np.ndarray, " caption"]
    owner: Int[np.ndarray, " caption"]

    @classmethod
    def of(cls, model: Model, captions: Sequence[Sequence[str]]) -> "_Said":
        every = [caption for own in captions for caption in own]
        numbers = {caption: number for number, caption in enumerate(dict.fromkeys(every))}
        owner = np.repeat(np.arange(len(captions)), [len(own) for own in captions])
        return cls(model.embed_text(list(numbers)), np.array([numbers[caption] for caption in every]), owner)

    def retrieval(self, audio: Float[np.ndarray, "audio width"], recordings: Int[np.ndarray, " audio"]) -> Tree:
        """Text to audio over all captions, audio to text by the best of each recording's own."""
        to_audio, to_text = owned_ranks(audio, self.sentences, self.said, self.owner)
        return {
            "text_to_audio": clustered(recall_figures(to_audio), recordings[self.owner]),
            "audio_to_text": clustered(recall_figures(to_text), recordings),
        }

    def handed_over(self, owner: Int[np.ndarray, " audio"]) -> "_Said":
        """The same captions, those of each recording handed to another one."""
        return replace(self, owner=owner[self.owner])


def hear_clips(
    model: Model,
    corpus: Corpus,
    *,
    scenes: int | None,
    seed: int,
    ranges: SceneRanges | None = None,
    responses: ResponseSet | None = None,
    made: MadeScenes | None = None,
    progress: Progress = quietly,
) -> Clips:
    """Draw clips at three positions each, as ``salm scenes make`` does for the paper's data sets, and hear them.

    A recording is one window of the model: what is shorter is repeated and padded, of what is longer a piece is taken
    that follows from the scene's seed.

    Parameters
    ----------
    scenes
        Scenes to hear, three of each clip; clips are drawn by seed. None is every clip.
    seed
        Of clips, rooms, positions and pieces.
    ranges
        What positions are drawn from; None is as wide as the paper's code line has it.
    responses
        Measured responses that the clips sound through, the three positions in one room where it has them; None is
        simulated rooms.
    made
        Scenes of the corpus's sounds that were made before; they need no ranges and go without responses.

    Raises
    ------
    InputError
        If there are fewer than two clips.
    """
    count = len(corpus.sounds) if scenes is None else min(len(corpus.sounds), scenes // POSITIONS)
    if count < 2:
        few = f"{len(corpus.sounds)} sounds" if scenes is None else f"{scenes} scenes of {len(corpus.sounds)} sounds"
        raise InputError(f"the paper's protocol needs at least 2 clips at {POSITIONS} positions each; these are {few}.")
    ranges = ranges or JITTERS["wide"]
    rng = np.random.default_rng([seed, 2025])
    chosen = np.arange(len(corpus.sounds)) if scenes is None else np.sort(rng.permutation(len(corpus.sounds))[:count])
    sounds = tuple(corpus.sounds[int(number)] for number in chosen)
    if made is not None and responses is None:
        placed = [made.positions[sound.id] for sound in sounds]
    else:
        placed = [_positions(sound, rng, seed=seed, ranges=ranges, responses=responses) for sound in sounds]
    own = None if made is None or responses is not None else made.said
    drawn = tuple(scene for positions in placed for scene in positions)
    shown = progress(drawn, "clips" if responses is None else "measured rooms")
    windows = (_window(model, corpus, scene, responses) for scene in shown)
    heard, baselines = hear_beside_baselines(model, windows)
    return Clips(
        model=model,
        corpus=corpus,
        sounds=sounds,
        scenes=drawn,
        clip=np.repeat(np.arange(len(sounds)), [len(positions) for positions in placed]),
        said=None if own is None else tuple(texts for sound in sounds for texts in own[sound.id]),
        heard=heard,
        baselines=baselines,
        seed=seed,
        ranges=ranges,
        progress=progress,
    )


def published_tables(clips: Clips, tables: Sequence[int]) -> Tree:
    """Tables 1 to 3: ``localisation``, ``baselines`` and ``retrieval``; ``zero_shot``; ``editing``."""
    makers = {1: _table_1, 2: _table_2, 3: _table_3}
    return {name: branch for number in tables for name, branch in makers[number](clips).items()}


def published_measured(clips: Clips, tables: Sequence[int]) -> Tree:
    """Of tables 1 and 2 what scenes through measured responses tell."""
    figures: dict[str, Tree] = {}
    if 1 in tables:
        figures |= _directions(clips) | {"retrieval": _spatial_retrieval(clips)}
    return figures | (_table_2(clips) if 2 in tables else {})


def _table_1(clips: Clips) -> dict[str, Any]:
    semantic = _to_audio_first(_semantic(clips))
    return {**_directions(clips), "retrieval": {**_spatial_retrieval(clips), "semantic": semantic}}


def _directions(clips: Clips) -> dict[str, Tree]:
    true = true_directions(clips.scenes)
    return beside_baselines(clips.heard.direction, clips.baselines, true, clips.recordings)


def _spatial_retrieval(clips: Clips) -> dict[str, Any]:
    joint, semantic, _ = clips.heard.embeddings
    said, recordings = clips.spatial_captions, clips.recordings
    return {
        **said.retrieval(joint, recordings),
        "direction_blind": _to_audio_first(said.retrieval(semantic, recordings)),
    }


def _table_2(clips: Clips) -> dict[str, Tree]:
    true = true_directions(clips.scenes)
    figures = zero_shot_figures(clips.heard.embeddings, clips.direction_sentences, true)
    return {"zero_shot": clustered(figures, clips.recordings)}


def _table_3(clips: Clips) -> dict[str, Tree]:
    sectors, said, recordings = true_sectors(clips.scenes), clips.spatial_captions, clips.recordings
    targets = _targets(clips)
    changed, changed_said = sectors[targets], said.handed_over(np.argsort(targets))
    sentences = clips.direction_sentences
    joints = edited_joints(clips.model, clips.heard.embeddings, sentences[sectors], sentences[changed])
    editing: dict[str, Tree] = {}
    for name, joint in joints.items():
        captions, wanted = (said, sectors) if name in ("none", "swap") else (changed_said, changed)
        accuracy = {"sector_accuracy": says_sector(joint, sentences, wanted)}
        editing[name] = {**captions.retrieval(joint, recordings), **clustered(accuracy, recordings)}
    return {"editing": editing}


def _targets(clips: Clips) -> Int[np.ndarray, " scene"]:
    """For each scene another position of its clip: all of a clip's go round by one place or more, drawn by seed."""
    rng = np.random.default_rng([clips.seed, 3])
    _, first, counts = np.unique(clips.clip, return_index=True, return_counts=True)
    turns = rng.integers(1, counts)
    first, counts, turns = (values[clips.clip] for values in (first, counts, turns))
    return np.asarray(first + (np.arange(len(clips.scenes)) - first + turns) % counts)


def _semantic(clips: Clips) -> Tree:
    """Every clip once in the free field, from any direction, by its semantic embedding against its own captions."""
    ranges, rng = replace(clips.ranges, anechoic=1.0), np.random.default_rng([clips.seed, 4])
    scenes = [draw_scene(rng, sound, ranges=ranges) for sound in clips.sounds]
    shown = clips.progress(scenes, "free field")
    heard = hear_samples(clips.model, (_window(clips.model, clips.corpus, scene, None) for scene in shown))
    said = _Said.of(clips.model, [sound.captions for sound in clips.sounds])
    return said.retrieval(heard.embeddings.semantic, source_recordings(clips.corpus, scenes))


def _to_audio_first(ways: Tree) -> Tree:
    return {**ways["text_to_audio"], **ways}


def _positions(
    sound: Sound, rng: np.random.Generator, *, seed: int, ranges: SceneRanges, responses: ResponseSet | None
) -> tuple[Scene, ...]:
    if responses is None:
        return clip_scenes(sound, seed=seed, ranges=ranges)
    return tuple(_measured_positions(sound, rng, ranges=ranges, responses=responses))


def _measured_positions(
    sound: Sound, rng: np.random.Generator, *, ranges: SceneRanges, responses: ResponseSet
) -> Iterator[Scene]:
    """One measured room, and in it three sectors, or as many as it has."""
    rooms = sorted(responses.by_room)
    room = rooms[int(rng.integers(len(rooms)))]
    sectors = sorted(responses.by_room[room])
    own = responses.select([room])
    for sector in rng.permutation(sectors)[:POSITIONS]:
        yield draw_measured(rng, sound, own, ranges=ranges, sector=int(sector))


def _window(model: Model, corpus: Corpus, scene: Scene, responses: ResponseSet | None) -> Foa:
    features, rng = model.config.features, np.random.default_rng(scene.seed)
    piece = render_piece(scene, corpus, features.window_samples, rng=rng, rate_hz=features.rate_hz, responses=responses)
    return fit_to_window(piece, features.window_samples, rng=rng)
