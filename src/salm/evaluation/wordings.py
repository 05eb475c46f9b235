"""Zero-shot direction in other words: sentence frames that training never had, and words for places it never met."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

from salm.evaluation.bench import Bench
from salm.evaluation.gallery import true_directions
from salm.evaluation.intervals import Figure, Tree, clustered
from salm.evaluation.retrieval import cosine_similarities
from salm.frame import azimuth_elevation, sector_centre_deg, wrap_deg
from salm.model.inference import AudioEmbeddings
from salm.scenes.captions import DIRECTION_PHRASINGS, HELD_OUT_DIRECTION_PHRASINGS, Phrasing, direction_sentence

__all__ = ["NEW_WORDS", "Placed", "right_by_sentence", "wording_figures"]

Placed = tuple[tuple[str, float], ...]
"""Sentences about the place alone, and the azimuth in degrees that each means."""

_HOURS = ("twelve", "eleven", "ten", "nine", "eight", "seven", "six", "five", "four", "three", "two", "one")

NEW_WORDS: Mapping[str, Placed] = MappingProxyType(
    {
        "hours": tuple((f"The sound is at {hour} o'clock.", wrap_deg(30.0 * n)) for n, hour in enumerate(_HOURS)),
        "nautical": (
            ("The sound is dead ahead.", 0.0),
            ("The sound is off the port bow.", 45.0),
            ("The sound is to port.", 90.0),
            ("The sound is off the port quarter.", 135.0),
            ("The sound is astern.", 180.0),
            ("The sound is off the starboard quarter.", -135.0),
            ("The sound is to starboard.", -90.0),
            ("The sound is off the starboard bow.", -45.0),
        ),
        "body": (
            ("The sound is before my eyes.", 0.0),
            ("The sound is at my left ear.", 90.0),
            ("The sound is over my left shoulder.", 135.0),
            ("The sound is over my right shoulder.", -135.0),
            ("The sound is at my right ear.", -90.0),
        ),
    }
)
"""Words that no sentence of training has, each set with its azimuths: the hours of a clock written out, which differ in
nothing but the number; those of ships; those of the listener's body."""


def wording_figures(bench: Bench) -> Tree:
    """Share of scenes whose sentence is right, in each wording by the spatial and by the joint embedding.

    A sentence is right if the azimuth it means is nearer to the true one than that of any other of its set. ``trained``
    and ``unseen`` are the mean over the frames, one sentence a direction each, of the eight directions in all
    vocabularies; ``loss`` is the difference of the two over the same scenes. The rest are :data:`NEW_WORDS`, each
    beside ``chance``.
    """
    true_deg = azimuth_elevation(true_directions(bench.scenes))[0]
    embeddings, embed = bench.heard.embeddings, bench.model.embed_text
    facing = bench.model.config.facing

    def right(sets: Sequence[Placed]) -> dict[str, Float[np.ndarray, " scene"]]:
        each = [_right(embeddings, embed([text for text, _ in placed]), placed, true_deg) for placed in sets]
        return {name: np.mean([one[name] for one in each], axis=0) for name in ("spatial", "joint")}

    trained = right([_placed(phrasing, facing) for phrasing in DIRECTION_PHRASINGS])
    unseen = right([_placed(phrasing, facing) for phrasing in HELD_OUT_DIRECTION_PHRASINGS])
    tree: dict[str, Tree] = {
        "trained": {name: Figure(values) for name, values in trained.items()},
        "unseen": {name: Figure(values) for name, values in unseen.items()},
        "loss": {name: Figure(values - unseen[name]) for name, values in trained.items()},
    }
    for words, placed in NEW_WORDS.items():
        figures = {name: Figure(values) for name, values in right([placed]).items()}
        tree[words] = {**figures, "chance": 1 / len(placed)}
    return clustered(tree, bench.recordings)


def right_by_sentence(
    embeddings: Float[np.ndarray, "scene width"],
    sentences: Float[np.ndarray, "sentence width"],
    azimuths_deg: Sequence[float],
    true_deg: Float[np.ndarray, " scene"],
) -> Float[np.ndarray, " scene"]:
    """1 where the most similar sentence means the azimuth of the set that is nearest to the true one, 0 elsewhere."""
    off_deg = np.abs(wrap_deg(np.asarray(azimuths_deg)[None] - true_deg[:, None]))
    said = cosine_similarities(embeddings, sentences).argmax(axis=1)
    return np.asarray(said == off_deg.argmin(axis=1), np.float64)


def _right(
    embeddings: AudioEmbeddings,
    sentences: Float[np.ndarray, "sentence width"],
    placed: Placed,
    true_deg: Float[np.ndarray, " scene"],
) -> dict[str, Float[np.ndarray, " scene"]]:
    azimuths_deg = [azimuth for _, azimuth in placed]
    return {
        name: right_by_sentence(getattr(embeddings, name), sentences, azimuths_deg, true_deg)
        for name in ("spatial", "joint")
    }


def _placed(phrasing: Phrasing, facing: str) -> Placed:
    return tuple(
        (direction_sentence(sector, phrasing=phrasing, facing=facing), sector_centre_deg(sector)) for sector in range(8)
    )
