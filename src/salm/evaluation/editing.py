"""Editing of embeddings by words, measured by retrieval (Table 3 of the paper).

None
    The joint embeddings as they are, against the spatial captions.
Swap
    The text embedding of the true direction takes the place of the spatial embedding (Eq. 3): nothing should change.
Change
    The text embedding of another direction does, and the captions say that direction.
Arithmetic
    The comparison of ELSA (Devnani et al. 2024) for a change: of the joint embedding at length one the sentence of the
    old direction is subtracted and that of the new one added. It needs to know the old direction, Eq. 3 does not.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from salm.evaluation.intervals import Figure, Tree
from salm.evaluation.retrieval import retrieval_figures
from salm.evaluation.zero_shot import nearest_sector
from salm.model.edit import edit_embeddings
from salm.model.inference import AudioEmbeddings, Model
from salm.model.single import SingleBranch

__all__ = ["OPERATIONS", "changed_sectors", "edited_joints", "editing_figures", "moved_by_arithmetic", "says_sector"]

OPERATIONS = ("none", "swap", "change", "arithmetic")
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


def moved_by_arithmetic(
    joint: Float[np.ndarray, "item width"], old: Float[np.ndarray, "item width"], new: Float[np.ndarray, "item width"]
) -> Float[np.ndarray, "item width"]:
    """Joint embeddings at length one, less the sentence of the old direction, plus that of the new one."""
    length = np.linalg.norm(joint, axis=1, keepdims=True)
    return np.asarray(joint / np.maximum(length, np.finfo(joint.dtype).tiny) - old + new)


def edited_joints(
    model: Model,
    embeddings: AudioEmbeddings,
    old: Float[np.ndarray, "item width"],
    new: Float[np.ndarray, "item width"],
) -> dict[str, Float[np.ndarray, "item width"]]:
    """Joint embeddings after each of :data:`OPERATIONS`; Eq. 3 has nothing to replace where one embedding is both.

    Parameters
    ----------
    embeddings
        Raw embeddings.
    old, new
        Text embeddings of the direction of each item, and of the one that it is moved to, of length one.
    """
    joints = {"none": embeddings.joint}
    if not isinstance(model.network, SingleBranch):
        joints |= {
            "swap": edit_embeddings(model, embeddings, old).joint,
            "change": edit_embeddings(model, embeddings, new).joint,
        }
    return joints | {"arithmetic": moved_by_arithmetic(embeddings.joint, old, new)}


def says_sector(
    joint: Float[np.ndarray, "item width"],
    sentences: Float[np.ndarray, "sector width"],
    sectors: Int[np.ndarray, " item"],
) -> Figure:
    """Share of embeddings that the sentence of the given sector is nearest to."""
    return Figure(nearest_sector(joint, sentences) == sectors)


def editing_figures(
    model: Model,
    embeddings: AudioEmbeddings,
    sectors: Int[np.ndarray, " scene"],
    changed: Int[np.ndarray, " scene"],
    *,
    said: Float[np.ndarray, "scene width"],
    said_changed: Float[np.ndarray, "scene width"],
) -> dict[str, Tree]:
    """Retrieval both ways after each of :data:`OPERATIONS`, and ``sector_accuracy``, whether the sector is the wanted.

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
    own = np.eye(len(sectors), dtype=bool)
    figures: dict[str, Tree] = {}
    for name, joint in edited_joints(model, embeddings, directions[sectors], directions[changed]).items():
        text, wanted = (said, sectors) if name in ("none", "swap") else (said_changed, changed)
        figures[name] = {
            **retrieval_figures(joint, text, own),
            "sector_accuracy": says_sector(joint, directions, wanted),
        }
    return figures
