"""Scenes that were made before: a file of clips at several positions, and the spatial captions of a language model.

With them the paper's protocol has the very captions that a model was trained with the like of.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from salm.errors import InputError
from salm.scenes.corpora.base import Corpus
from salm.scenes.rephrase.store import SpatialCaptions
from salm.scenes.scene import Scene
from salm.scenes.storage import SceneTable

__all__ = ["MadeScenes", "open_made"]


@dataclass(frozen=True, kw_only=True)
class MadeScenes:
    """Scenes by the id of their sound; every sound has at least two."""

    positions: Mapping[str, tuple[Scene, ...]]
    said: Mapping[str, tuple[tuple[str, ...], ...]] | None
    """Spatial captions of each of them; None leaves them to the protocol."""


def open_made(path: str | Path, *, split: str, captions: str | Path | None = None) -> tuple[Corpus, MadeScenes]:
    """The scenes of one split, and the corpus of their sounds and no others.

    Parameters
    ----------
    path
        What ``salm scenes make`` wrote.
    captions
        What ``salm scenes rephrase`` wrote of it.

    Raises
    ------
    InputError
        If a file or the corpus cannot be read, there is nothing of the split, they do not fit together, a scene has
        several sources or measured responses, or a sound is in one scene only.
    """
    table = SceneTable(path).select(split)
    corpus = table.open_corpus()
    table.check_sounds({sound.id for sound in corpus.sounds}, corpus=corpus.name)
    told = None if captions is None else SpatialCaptions(captions, scenes=table)
    positions: dict[str, list[Scene]] = {}
    said: dict[str, list[tuple[str, ...]]] = {}
    for place, scene in enumerate(table):
        if len(scene.sources) > 1 or scene.responses is not None:
            raise InputError(f"{path} has scenes of several sources or measured rooms; make scenes of one sound each.")
        name = scene.sources[0].sound_id
        positions.setdefault(name, []).append(scene)
        said.setdefault(name, []).append(tuple(told[table.row(place)].values()) if told else ())
    if alone := next((name for name, scenes in positions.items() if len(scenes) < 2), None):
        raise InputError(
            f"{path} has the sound {alone} in one scene only, but the paper's protocol needs every sound at several "
            "places; make sclotho or saudiocaps."
        )
    return _Part(corpus, positions), MadeScenes(
        positions={name: tuple(scenes) for name, scenes in positions.items()},
        said={name: tuple(own) for name, own in said.items()} if told else None,
    )


class _Part:
    """A corpus with some of its sounds."""

    def __init__(self, corpus: Corpus, names: Mapping[str, object]) -> None:
        self.name, self.audio = corpus.name, corpus.audio
        self.sounds = tuple(sound for sound in corpus.sounds if sound.id in names)
