"""Zero-shot direction: which of eight sentences an embedding is nearest to (section 4.3 of the paper)."""

import numpy as np
from jaxtyping import Float, Int

from salm.evaluation.intervals import Figure
from salm.evaluation.localisation import in_core
from salm.evaluation.retrieval import cosine_similarities
from salm.frame import azimuth_elevation, sector_indices
from salm.model.inference import AudioEmbeddings

__all__ = ["nearest_sector", "zero_shot_figures"]


def nearest_sector(
    embeddings: Float[np.ndarray, "item width"], sentences: Float[np.ndarray, "sector width"]
) -> Int[np.ndarray, " item"]:
    """Sector whose sentence has the highest cosine similarity with each embedding; the first one of equals."""
    return np.asarray(cosine_similarities(embeddings, sentences).argmax(axis=1))


def zero_shot_figures(
    embeddings: AudioEmbeddings, sentences: Float[np.ndarray, "sector width"], true: Float[np.ndarray, "item 3"]
) -> dict[str, Figure]:
    """Share of sectors that are right by the spatial and by the joint embedding; of all items and of the core."""
    sectors, core = sector_indices(azimuth_elevation(true)[0]), in_core(true)
    figures: dict[str, Figure] = {}
    for name in ("spatial", "joint"):
        right = nearest_sector(getattr(embeddings, name), sentences) == sectors
        figures |= {name: Figure(right), f"{name}_core": Figure(np.where(core, right, np.nan))}
    return figures
