"""Drawing scenes into a file, as many as are asked for."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from salm.acoustics.measured import ResponsesFrom
from salm.errors import InputError
from salm.scenes.corpora import CorpusLayout, open_corpus
from salm.scenes.sample import SceneRanges
from salm.scenes.source import FreshScenes
from salm.whole import written_whole

__all__ = ["make_scenes"]


def make_scenes(
    out: Path,
    *,
    corpus: Path | None = None,
    layout: CorpusLayout = "manifest",
    split: str = "train",
    count: int = 100,
    seed: int = 0,
    ranges: SceneRanges | None = None,
    measured: tuple[ResponsesFrom, float] | None = None,
) -> int:
    """Draw scenes into a file of JSON lines, the first of which says from which corpus; the number of scenes.

    Parameters
    ----------
    ranges
        What scenes are drawn from.
    measured
        Measured responses, and the share of scenes that sound through one of them; None is simulated rooms alone. The
        first line then says how they are opened.

    Raises
    ------
    InputError
        If the corpus or the responses cannot be read or the corpus has no sounds, or the share is none from 0 to 1.
    """
    opened = open_corpus(corpus, split=split, layout=layout)
    if not opened.sounds:
        raise InputError(f"{opened.name} has no sounds in the split {split}, so there is nothing to make scenes of.")
    head: dict[str, Any] = {"corpus": None if corpus is None else str(corpus.resolve()), "split": split, "seed": seed}
    if layout != "manifest":
        head["layout"] = layout
    if measured is not None:
        named = replace(measured[0], path=str(Path(measured[0].path).resolve()))
        head |= {"responses": named.to_dict(), "responses_share": measured[1]}
    through = None if measured is None else (measured[0].open(), measured[1])
    source = FreshScenes([(opened, 1.0)], ranges, measured=through)
    rng = np.random.default_rng([seed, 1])
    scenes = (source.draw(number, rng).scene for number in range(count))
    lines = [json.dumps(head), *(json.dumps(scene.to_dict()) for scene in scenes)]
    with written_whole(out) as part:
        part.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return count
