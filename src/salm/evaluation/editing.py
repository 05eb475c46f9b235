"""Editing of embeddings by words, measured by retrieval (Table 3 of the paper) at the default gallery.

None
    The joint embeddings as they are, against the spatial captions.
Swap
    The text embedding of the true direction takes the place of the spatial embedding (Eq. 3): nothing should change.
Change
    The text embedding of another direction does, and the captions say that direction.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from salm.evaluation.intervals import Figure
from salm.evaluation.retrieval import retrieval_figures
from salm.model.edit import edit_embeddings
from salm.model.inference import AudioEmbeddings, Model
from salm.model.single import SingleBranch

__all__ = ["OPERATIONS", "changed_sectors", "editing_figures"]

OPERATIONS = ("none", "swap", "change")
"""Rows of the table."""


def changed_sectors(
    captions: Sequence[str], sectors: Int[np.ndarray, " scene"], *, seed: int
) -> Int[np.ndarray, " scene"]:
    """Another sector for each scene: all scenes of one caption turn by the same amount, 1 to 7 sectors, drawn by seed.

    A gallery whose (caption, sector) pairs are distinct therefore stays one.
    """
    rng = np.random.default_rng([seed, 3])
    turns = {caption: int(rng.integers(1, 8)) for caption in sorted(set(captions))}
    return np.asarray((sectors + np.array([turns[caption] for caption in captions], int)) % 8)


def editing_figures(
    model: Model,
    embeddings: AudioEmbeddings,
    sectors: Int[np.ndarray, " scene"],
    changed: Int[np.ndarray, " scene"],
    *,
    said: Float[np.ndarray, "scene width"],
    said_changed: Float[np.ndarray, "scene width"],
) -> dict[str, dict[str, dict[str, Figure]]]:
    """Retrieval both ways for each of :data:`OPERATIONS`; only unedited where one embedding is both what and where.

    Parameters
    ----------
    embeddings
        Raw embeddings of the gallery.
    sectors, changed
        True sector of each scene, and the one it is moved to.
    said, said_changed
        Text embeddings of the spatial captions with the true sector and with the changed one, all distinct.
    """
    directions = model.direction_sentences
    compared = {"none": (embeddings, said)}
    if not isinstance(model.network, SingleBranch):
        compared |= {
            "swap": (edit_embeddings(model, embeddings, directions[sectors]), said),
            "change": (edit_embeddings(model, embeddings, directions[changed]), said_changed),
        }
    own = np.eye(len(sectors), dtype=bool)
    return {name: retrieval_figures(audio.joint, text, own) for name, (audio, text) in compared.items()}
