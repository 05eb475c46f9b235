"""Editing an embedding by words (section 3.3 and Eq. 3 of the paper): the same sound, somewhere else.

    E~_JA = E_ASe + s * (|E_ASp| E_TDi / |E_TDi|)          (Eq. 3; s is that of Eq. 2)

The spatial embedding is replaced by the text embedding of a direction at the spatial embedding's own length. This
edits what search compares; :mod:`salm.editing` edits what is heard.
"""

import numpy as np
from jaxtyping import Float

from salm.errors import InputError
from salm.model.inference import AudioEmbeddings, Model
from salm.model.single import SingleBranch

__all__ = ["edit_embeddings", "edited_joint", "rescaled"]


def rescaled(
    direction: Float[np.ndarray, "#item width"], spatial: Float[np.ndarray, "item width"]
) -> Float[np.ndarray, "item width"]:
    """Direction text embeddings (one, or one an item) at the lengths of the spatial embeddings; zero stays zero."""
    length = np.linalg.norm(spatial, axis=1, keepdims=True)
    own_length = np.linalg.norm(direction, axis=1, keepdims=True)
    return np.asarray(direction * (length / np.maximum(own_length, np.finfo(direction.dtype).tiny)))


def edited_joint(
    semantic: Float[np.ndarray, "item width"],
    spatial: Float[np.ndarray, "item width"],
    direction: Float[np.ndarray, "#item width"],
    *,
    joint_weight: Float[np.ndarray, " width"],
) -> Float[np.ndarray, "item width"]:
    """Joint embeddings by Eq. 3.

    Parameters
    ----------
    semantic, spatial
        Raw audio embeddings E_ASe and E_ASp, not normalised.
    direction
        Text embeddings E_TDi of any length: one for all items, or one an item.
    joint_weight
        s.

    Returns
    -------
    array
        E~_JA, raw.
    """
    return np.asarray(semantic + joint_weight * rescaled(direction, spatial))


def edit_embeddings(
    model: Model, embeddings: AudioEmbeddings, direction: str | Float[np.ndarray, "#item width"]
) -> AudioEmbeddings:
    """Embeddings of the same sounds from the direction that a sentence says.

    Parameters
    ----------
    embeddings
        Raw, as :meth:`salm.model.inference.Model.embed_audio` gives them.
    direction
        A sentence such as "The sound is coming from the left.", or text embeddings of directions: one for all items,
        or one an item.

    Raises
    ------
    InputError
        If the model has one embedding for what and where.

    Examples
    --------
    >>> there = edit_embeddings(model, model.embed_audio([recording]), "It is behind.")  # doctest: +SKIP
    """
    if isinstance(model.network, SingleBranch):
        raise InputError(f"{model.config.name} has one embedding for what and where; none of them can be replaced.")
    vectors = model.embed_text([direction]) if isinstance(direction, str) else direction
    joint_weight = model.network.joint_weight.detach().float().cpu().numpy()
    joint = edited_joint(embeddings.semantic, embeddings.spatial, vectors, joint_weight=joint_weight)
    return AudioEmbeddings(joint, embeddings.semantic, rescaled(vectors, embeddings.spatial))
