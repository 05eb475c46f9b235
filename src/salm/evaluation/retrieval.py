"""Retrieval metrics: recall at k on a similarity matrix with any number of right answers a query.

**Conventions.** Rows are queries, columns are items. The rank of a query is that of its best-placed right answer,
counted from 0. Ties are broken by index, as a stable sort would. Queries without a right answer do not count.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from salm.evaluation.intervals import Figure, plain

__all__ = [
    "RECALL_AT",
    "cosine_similarities",
    "owned_ranks",
    "ranks",
    "recall",
    "recall_figures",
    "retrieval",
    "retrieval_figures",
]

RECALL_AT = (1, 5, 10)
"""The k of the tables."""

_BLOCK = 512


def cosine_similarities(
    queries: Float[np.ndarray, "query width"], items: Float[np.ndarray, "item width"]
) -> Float[np.ndarray, "query item"]:
    """Cosine of every query with every item; an all-zero embedding has similarity 0."""
    return np.asarray(_unit(queries) @ _unit(items).T)


def ranks(
    similarities: Float[np.ndarray, "query item"], positives: Bool[np.ndarray, "query item"]
) -> Int[np.ndarray, " answered"]:
    """Rank of the best-placed right answer of every query that has one, in the order of the queries.

    Raises
    ------
    ValueError
        If the shapes differ or a similarity is NaN, which no rank can be given to.
    """
    if similarities.shape != positives.shape:
        raise ValueError(f"similarities are {similarities.shape} but positives are {positives.shape}.")
    if np.isnan(similarities).any():
        raise ValueError("a similarity is NaN; check the embeddings.")
    answered = positives.any(axis=1)
    if not answered.any():
        return np.zeros(0, int)
    similarities, positives = similarities[answered], positives[answered]
    best = np.where(positives, similarities, -np.inf).max(axis=1, keepdims=True)
    column = np.argmax(positives & (similarities == best), axis=1)[:, None]
    earlier_tie = (similarities == best) & (np.arange(similarities.shape[1])[None] < column)
    return np.asarray(((similarities > best) | earlier_tie).sum(axis=1))


def owned_ranks(
    audio: Float[np.ndarray, "audio width"],
    sentences: Float[np.ndarray, "sentence width"],
    said: Int[np.ndarray, " caption"],
    owner: Int[np.ndarray, " caption"],
) -> tuple[Int[np.ndarray, " caption"], Int[np.ndarray, " audio"]]:
    """Ranks with identity targets and several captions a recording, as the paper has them.

    Parameters
    ----------
    audio
        Embeddings of the recordings.
    sentences
        Embeddings of the sentences that are said, each once.
    said, owner
        Of each caption the index of its sentence, and of its recording. Only that recording is right, also where
        another has the same sentence.

    Returns
    -------
    tuple
        Rank of each caption's own recording among all; and of each recording the best rank of its captions among all.

    Raises
    ------
    ValueError
        If a recording has no caption, or there is none of either.
    """
    everyone = np.arange(len(audio))
    if not len(audio) or not np.array_equal(np.unique(owner), everyone):
        raise ValueError(f"{len(audio)} recordings with {len(owner)} captions; each recording needs at least one.")
    similarities = cosine_similarities(audio, sentences)
    to_audio = [ranks(similarities[:, said[block]].T, owner[block, None] == everyone) for block in _blocks(len(owner))]
    to_text = [ranks(similarities[block][:, said], everyone[block, None] == owner) for block in _blocks(len(audio))]
    return np.concatenate(to_audio), np.concatenate(to_text)


def recall_figures(query_ranks: Int[np.ndarray, " query"]) -> dict[str, Figure]:
    """Share of queries whose rank is below k, as ``{"r1": ..., "r5": ..., "r10": ...}``."""
    return {f"r{k}": Figure(query_ranks < k) for k in RECALL_AT}


def recall(query_ranks: Int[np.ndarray, " query"]) -> dict[str, float]:
    """The numbers of :func:`recall_figures`; 0 without queries."""
    return plain(recall_figures(query_ranks))


def retrieval_figures(
    audio: Float[np.ndarray, "audio width"],
    text: Float[np.ndarray, "text width"],
    positives: Bool[np.ndarray, "audio text"],
) -> dict[str, dict[str, Figure]]:
    """Recall in both directions by cosine similarity: ``text_to_audio`` and ``audio_to_text``."""
    similarities = cosine_similarities(audio, text)
    return {
        "text_to_audio": recall_figures(ranks(similarities.T, positives.T)),
        "audio_to_text": recall_figures(ranks(similarities, positives)),
    }


def retrieval(
    audio: Float[np.ndarray, "audio width"],
    text: Float[np.ndarray, "text width"],
    positives: Bool[np.ndarray, "audio text"],
) -> dict[str, dict[str, float]]:
    """The numbers of :func:`retrieval_figures`."""
    return plain(retrieval_figures(audio, text, positives))


def _blocks(count: int) -> list[slice]:
    """Few enough rows at a time that the whole of Clotho fits into memory."""
    return [slice(start, start + _BLOCK) for start in range(0, count, _BLOCK)]


def _unit(vectors: Float[np.ndarray, "item width"]) -> Float[np.ndarray, "item width"]:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))
