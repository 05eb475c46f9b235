"""Where the scenes of a training run come from: drawn afresh without end, or fixed and shown in a new order each epoch.

A source is asked for scenes by number. What it answers follows from the number and the generator that comes with it, so
that any process can draw any scene.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from jaxtyping import Float, Int64

from salm.acoustics.measured.base import ResponseSet
from salm.errors import InputError
from salm.scenes.corpora.base import Corpus, Sound
from salm.scenes.rephrase.store import SpatialCaptions
from salm.scenes.sample import POSITIONS, SceneRanges, draw_measured, draw_scene
from salm.scenes.scene import Scene
from salm.scenes.storage import SceneTable

__all__ = ["Drawn", "FixedScenes", "FreshScenes", "SceneSource"]

_DRAWS = 100
_BACKGROUND = re.compile(
    r"\b(rain\w*|wind|winds|windy|waves|ocean|sea|stream|river|waterfall|traffic|crowd|crickets|insects)\b",
    re.IGNORECASE,
)


class Drawn(NamedTuple):
    """A scene, and whence its sound is."""

    corpus: Corpus
    sound: Sound
    """Of the scene's first source."""
    scene: Scene
    responses: ResponseSet | None = None
    """What the scene is rendered with if it names measured responses."""
    spatial_captions: Mapping[str, str] | None = None
    """Captions with the spatial caption of each, if they are fixed too; otherwise they are put together by template."""


class SceneSource(Protocol):
    """Scenes by number."""

    def __len__(self) -> int:
        """Scenes in an epoch."""

    def draw(self, number: int, rng: np.random.Generator) -> Drawn:
        """Scene of a number from 0 on; numbers beyond an epoch are of the next ones."""


class FreshScenes:
    """Scenes drawn afresh, each from the generator alone; an epoch is every sound thought of at three places.

    Sounds whose main caption many others share are drawn less often, by the square root of their number. For ambience
    serve sounds whose caption speaks of rain, wind, waves, a stream, traffic, a crowd or insects; a corpus without any
    gives pink noise.

    Parameters
    ----------
    corpora
        Corpora with the share of scenes drawn from each, relative to the others.
    ranges
        What scenes are drawn from.
    measured
        Measured responses, and the share of scenes that sound through one of them; None is simulated rooms alone.

    Raises
    ------
    InputError
        If the share of measured responses is none from 0 to 1.
    """

    def __init__(
        self,
        corpora: Sequence[tuple[Corpus, float]],
        ranges: SceneRanges | None = None,
        *,
        measured: tuple[ResponseSet, float] | None = None,
    ) -> None:
        if measured is not None and not 0 <= measured[1] <= 1:
            raise InputError(f"the share of measured responses is {measured[1]} but must be from 0 to 1.")
        self.measured = measured
        self.corpora = [corpus for corpus, _ in corpora]
        self.shares = np.array([share for _, share in corpora]) / sum(share for _, share in corpora)
        self.ranges = ranges or SceneRanges()
        self._cumulative = [_cumulative(_caption_weights(corpus.sounds)) for corpus in self.corpora]
        self._backgrounds = [
            tuple(sound.id for sound in corpus.sounds if _BACKGROUND.search(sound.captions[0]))
            for corpus in self.corpora
        ]

    def __len__(self) -> int:
        return POSITIONS * sum(len(weights) for weights in self._cumulative)

    def draw(self, number: int, rng: np.random.Generator) -> Drawn:
        """A new scene; the number is of no matter."""
        del number
        which = int(rng.choice(len(self.corpora), p=self.shares))
        corpus = self.corpora[which]
        sound = self._sound(which, rng)
        if self.measured is not None and rng.random() < self.measured[1]:
            responses = self.measured[0]
            return Drawn(corpus, sound, draw_measured(rng, sound, responses, ranges=self.ranges), responses)
        others = self._others(which, sound, rng)
        ambience = self._background(which, rng)
        return Drawn(corpus, sound, draw_scene(rng, sound, ranges=self.ranges, others=others, ambience=ambience))

    def _others(self, which: int, sound: Sound, rng: np.random.Generator) -> list[Sound]:
        """What else sounds in the scene: sounds of the same corpus, no two with the same caption."""
        shares = np.array(self.ranges.sources) / sum(self.ranges.sources)
        # Without a share of them nothing is drawn, and scenes stay those of a run that knows one source only.
        count = int(rng.choice(len(shares), p=shares)) if shares[0] < 1 else 0
        chosen = [sound]
        for _ in range(_DRAWS):
            if len(chosen) > count:
                break
            other = self._sound(which, rng)
            if not any(set(other.captions) & set(there.captions) for there in chosen):
                chosen.append(other)
        return chosen[1:]

    def _background(self, which: int, rng: np.random.Generator) -> str | None:
        sounds = self._backgrounds[which] if self.ranges.ambience else ()
        return sounds[int(rng.integers(len(sounds)))] if sounds else None

    def _sound(self, which: int, rng: np.random.Generator) -> Sound:
        return self.corpora[which].sounds[int(np.searchsorted(self._cumulative[which], rng.random(), side="right"))]


class FixedScenes:
    """Scenes of tables, all of them once an epoch in an order of its own.

    Several tables are shuffled together.

    Parameters
    ----------
    tables
        Tables with the corpora that their sounds are of.
    seed
        Of the orders.
    responses
        What those scenes are rendered with that name measured responses.
    captions
        Spatial captions of each table; none leaves them to templates.

    Raises
    ------
    InputError
        If there is no scene, or a corpus lacks the sound of one.
    ValueError
        If there are captions of some tables only.
    """

    def __init__(
        self,
        tables: Sequence[tuple[SceneTable, Corpus]],
        *,
        seed: int,
        responses: ResponseSet | None = None,
        captions: Sequence[SpatialCaptions] = (),
    ) -> None:
        if captions and len(captions) != len(tables):
            raise ValueError(f"there are {len(captions)} files of captions for {len(tables)} tables")
        self.responses = responses
        self.captions = list(captions)
        self.tables = [table for table, _ in tables]
        self.corpora = [corpus for _, corpus in tables]
        self.seed = seed
        self._sounds = [{sound.id: sound for sound in corpus.sounds} for corpus in self.corpora]
        for table, corpus, sounds in zip(self.tables, self.corpora, self._sounds, strict=True):
            table.check_sounds(sounds, corpus=corpus.name)
        self._stops = np.cumsum([len(table) for table in self.tables])
        if not len(self):
            raise InputError(f"there are no scenes in {' and '.join(str(table.path) for table in self.tables)}.")
        self._order = self._permutation(0)

    @classmethod
    def open(
        cls,
        paths: Sequence[str | Path],
        *,
        splits: Sequence[str] = ("train",),
        seed: int,
        captions: Sequence[str | Path] = (),
        keep_in_memory: bool = False,
        responses: ResponseSet | None = None,
    ) -> "FixedScenes":
        """Scenes of files that ``salm scenes make`` wrote, with the corpora that the files name.

        Parameters
        ----------
        paths
            One file or more.
        splits
            Which splits are shown; the paper trains on ``train`` and ``val``.
        seed
            Of the orders.
        captions
            What ``salm scenes rephrase`` wrote of each file; none leaves spatial captions to templates.
        keep_in_memory
            Decode each sound once.
        responses
            What those scenes are rendered with that name measured responses.

        Raises
        ------
        InputError
            If a file or its corpus cannot be read, has none of the splits, or they do not fit together.
        ValueError
            If there are captions of some files only.
        """
        tables = [SceneTable(path).select(*splits) for path in paths]
        said = [SpatialCaptions(path, scenes=table) for path, table in zip(captions, tables, strict=bool(captions))]
        opened = [(table, table.open_corpus(keep_in_memory=keep_in_memory)) for table in tables]
        return cls(opened, seed=seed, responses=responses, captions=said)

    def __len__(self) -> int:
        return int(self._stops[-1]) if len(self._stops) else 0

    def draw(self, number: int, rng: np.random.Generator) -> Drawn:
        """Scene at a place in the order of an epoch; the generator is of no matter."""
        del rng
        epoch, position = divmod(number, len(self))
        if epoch != self._order[0]:
            self._order = self._permutation(epoch)
        row = int(self._order[1][position])
        which = int(np.searchsorted(self._stops, row, side="right"))
        table = self.tables[which]
        place = row - int(self._stops[which]) + len(table)
        scene = table[place]
        sound = self._sounds[which][scene.sources[0].sound_id]
        said = self.captions[which][table.row(place)] if self.captions else None
        return Drawn(self.corpora[which], sound, scene, None if scene.responses is None else self.responses, said)

    def _permutation(self, epoch: int) -> tuple[int, Int64[np.ndarray, " scene"]]:
        return epoch, np.random.default_rng([self.seed, epoch]).permutation(len(self))


def _cumulative(weights: Float[np.ndarray, " sound"]) -> Float[np.ndarray, " sound"]:
    summed = np.cumsum(weights)
    return np.asarray(summed / summed[-1])


def _caption_weights(sounds: Sequence[Sound]) -> Float[np.ndarray, " sound"]:
    """Chance of each sound: captions that many sounds share count by the square root of their number."""
    counts: dict[str, int] = {}
    for sound in sounds:
        counts[sound.captions[0]] = counts.get(sound.captions[0], 0) + 1
    weights = np.array([counts[sound.captions[0]] ** -0.5 for sound in sounds])
    return np.asarray(weights / weights.sum())
