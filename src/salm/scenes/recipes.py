"""The paper's data sets as recipes: sClotho and sAudioCaps from copies of Clotho and AudioCaps.

Every clip of all three splits is in a room of its own at three places, each in another sector of 45 degrees; the
microphone is at the centre of the room and there is no noise. What is random about a clip follows from the seed and its
id, so that a partial copy of a corpus gives the same scenes as a full one, only fewer.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from tqdm import tqdm

from salm.acoustics.room import Room, sample_room
from salm.errors import InputError
from salm.scenes.corpora import CorpusLayout
from salm.scenes.corpora.audiocaps import AudioCapsCorpus
from salm.scenes.corpora.base import Sound
from salm.scenes.corpora.clips import ClipCorpus
from salm.scenes.corpora.clotho import ClothoCorpus
from salm.scenes.sample import POSITIONS, SceneRanges, draw_variants
from salm.scenes.scene import Scene
from salm.whole import written_whole

__all__ = ["JITTERS", "RECIPES", "clip_scenes", "make_recipe", "recipe_head"]

RECIPES: Mapping[str, CorpusLayout] = MappingProxyType({"sclotho": "clotho", "saudiocaps": "audiocaps"})
"""Layout of the corpus that each data set is made from."""

JITTERS: Mapping[str, SceneRanges] = MappingProxyType(
    {
        "wide": SceneRanges(jitter_deg=22.5, elevation_deg=45.0, microphone_jitter=0.0, noise_db=None),
        "narrow": SceneRanges(jitter_deg=10.0, elevation_deg=25.0, microphone_jitter=0.0, noise_db=None),
    }
)
"""How far sounds are off the centres of their sectors: the latest and the earlier ranges of the paper's code line.

The narrow ones leave the borders of the sectors empty, which fits the paper's near-perfect zero-shot directions."""


def clip_scenes(sound: Sound, *, seed: int, ranges: SceneRanges) -> tuple[Scene, ...]:
    """The three scenes of one clip, from the seed and its id alone.

    The room's numbers are rounded, lengths to millimetres and absorptions to four digits, since most of a file is them.
    """
    digest = hashlib.sha256(sound.id.encode()).digest()
    rng = np.random.default_rng([seed, int.from_bytes(digest[:16])])
    room = _rounded(sample_room(rng, jitter=ranges.microphone_jitter))
    return draw_variants(rng, sound, count=POSITIONS, ranges=ranges, room=room)


def recipe_head(name: str, root: str | Path, corpus: ClipCorpus, *, seed: int, jitter: str) -> dict[str, Any]:
    """First line of a data set's file: where its sounds are, how it was drawn, and how much of it there is."""
    return {
        "corpus": str(Path(root).resolve()),
        "layout": RECIPES[name],
        "split": None,
        "recipe": name,
        "seed": seed,
        "jitter": jitter,
        "clips": len(corpus.sounds),
        "rows": POSITIONS * len(corpus.sounds),
        "missing": corpus.missing,
    }


def make_recipe(name: str, root: str | Path, out: Path, *, seed: int = 0, jitter: str = "wide") -> dict[str, Any]:
    """Draw a data set into a file of JSON lines, each scene with its split; what the first line says.

    A full copy gives three rows a clip: the paper counts 17,787 for sClotho and 152,868 for sAudioCaps.

    Parameters
    ----------
    name
        ``sclotho`` or ``saudiocaps``.
    root
        Folder of the corpus, as :class:`~salm.scenes.corpora.clotho.ClothoCorpus` or
        :class:`~salm.scenes.corpora.audiocaps.AudioCapsCorpus` takes it.
    out
        File to write; it is whole or not there.
    seed
        Of every clip's generator.
    jitter
        One of `JITTERS`.

    Raises
    ------
    InputError
        If the name or the jitter is unknown, the corpus cannot be read or the file cannot be written.
    """
    for what, given, known in (("recipe", name, RECIPES), ("jitter", jitter, JITTERS)):
        if given not in known:
            raise InputError(f"the {what} is {given!r} but must be {' or '.join(known)}.")
    corpus = ClothoCorpus(root) if name == "sclotho" else AudioCapsCorpus(root)
    head = recipe_head(name, root, corpus, seed=seed, jitter=jitter)
    with written_whole(out) as part, part.open("w", encoding="utf-8") as file:
        file.write(json.dumps(head) + "\n")
        file.writelines(_lines(corpus, seed=seed, ranges=JITTERS[jitter]))
    return head


def _lines(corpus: ClipCorpus, *, seed: int, ranges: SceneRanges) -> Iterator[str]:
    for sound in tqdm(corpus.sounds, unit="clip", disable=None):
        rows = [{"split": sound.split, **scene.to_dict()} for scene in clip_scenes(sound, seed=seed, ranges=ranges)]
        # Most of a line is the room, which is the same for all places of a clip: it is written out once.
        room = json.dumps(rows[0]["room"])
        for row in rows:
            del row["room"]
            yield f'{json.dumps(row)[:-1]}, "room": {room}}}\n'


def _rounded(room: Room) -> Room:
    """The room with short numbers; its microphone keeps its share of each side."""
    size = [round(side, 3) for side in room.size_m]
    places = [at / drawn * side for at, drawn, side in zip(room.microphone_m, room.size_m, size, strict=True)]
    absorption = [[round(share, 4) for share in surface] for surface in room.absorption]
    return replace(room, size_m=size, microphone_m=places, absorption=absorption)
