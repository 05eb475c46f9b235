"""Zero-shot direction: which of eight sentences an embedding is nearest to (section 4.3 of the paper)."""

import numpy as np
from jaxtyping import Float, Int

from salm.evaluation.retrieval import cosine_similarities

__all__ = ["nearest_sector"]


def nearest_sector(
    embeddings: Float[np.ndarray, "item width"], sentences: Float[np.ndarray, "sector width"]
) -> Int[np.ndarray, " item"]:
    """Sector whose sentence has the highest cosine similarity with each embedding; the first one of equals."""
    return np.asarray(cosine_similarities(embeddings, sentences).argmax(axis=1))
