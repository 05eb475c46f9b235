"""What and where, each by the embedding that should not know it.

The spatial embedding should not tell which sound it is of: the same sound in the free field, somewhere else, is looked
for among all by the spatial embedding alone. The semantic embedding should not tell where: its nearest direction
sentence, and a linear probe that is trained on labelled directions of other recordings, are beside chance. The same by
the embedding that should know says what could be found at all.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from salm.evaluation.bench import Bench
from salm.evaluation.intervals import Figure, Tree, clustered
from salm.evaluation.retrieval import RECALL_AT, cosine_similarities, ranks, recall_figures
from salm.evaluation.zero_shot import nearest_sector
from salm.frame import SECTORS

__all__ = ["FOLDS", "leakage_figures", "probed"]

FOLDS = 5
"""Parts of the scenes for a probe, each told by one that was trained on the others."""

# Shrinkage of the probe, relative to the mean power of a feature.
_RIDGE = 0.1


def leakage_figures(bench: Bench) -> Tree:
    """What by either embedding and where by either, each beside its chance.

    Returns
    -------
    Tree
        ``what_by_spatial`` and ``what_by_semantic``: recall of the same sound, and ``chance_r1`` and so on of a random
        order of the recordings. ``where_by_semantic`` and ``where_by_spatial``: share of sectors that are right by
        ``zero_shot`` and by ``probe``, and ``chance``.
    """
    rooms, (scenes, free) = bench.heard.embeddings, bench.free_field
    heard = np.array([scene.sources[0].sound_id for scene in bench.scenes])
    same = heard[:, None] == np.array([scene.sources[0].sound_id for scene in scenes])
    sectors = np.array([scene.sources[0].sector for scene in bench.scenes])
    tree: dict[str, Tree] = {}
    for name in ("spatial", "semantic"):
        tree[f"what_by_{name}"] = _what(getattr(rooms, name), getattr(free.embeddings, name), same)
    for name in ("semantic", "spatial"):
        embeddings = getattr(rooms, name)
        tree[f"where_by_{name}"] = {
            "zero_shot": Figure(nearest_sector(embeddings, bench.model.direction_sentences) == sectors),
            "probe": Figure(probed(embeddings, sectors, bench.recordings, seed=bench.seed) == sectors),
            "chance": 1 / len(SECTORS),
        }
    return clustered(tree, bench.recordings)


def probed(
    embeddings: Float[np.ndarray, "item width"],
    sectors: Int[np.ndarray, " item"],
    recordings: Int[np.ndarray, " item"],
    *,
    seed: int,
) -> Int[np.ndarray, " item"]:
    """Sector of each item by ridge regression on the items of other recordings; -1 where there are none.

    Embeddings are taken at length one. The recordings are dealt out into :data:`FOLDS` parts, by seed.
    """
    unit = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    _, numbers = np.unique(recordings, return_inverse=True)
    dealt = np.random.default_rng([seed, 13]).permutation(numbers.max() + 1) % FOLDS
    folds = dealt[numbers]
    wanted = np.eye(len(SECTORS))[sectors]
    found = np.full(len(sectors), -1)
    for fold in range(FOLDS):
        own, others = folds == fold, folds != fold
        if own.any() and others.any():
            found[own] = _regressed(unit[others].astype(np.float64), wanted[others], unit[own]).argmax(axis=1)
    return found


def _regressed(
    known: Float[np.ndarray, "known width"],
    wanted: Float[np.ndarray, "known sector"],
    asked: Float[np.ndarray, "asked _"],
) -> Float[np.ndarray, "asked sector"]:
    mean, target = known.mean(axis=0), wanted.mean(axis=0)
    centred = known - mean
    power = np.square(centred).sum(axis=0).mean()
    weights = np.linalg.solve(
        centred.T @ centred + (_RIDGE * power + 1e-12) * np.eye(known.shape[1]), centred.T @ (wanted - target)
    )
    return np.asarray((asked - mean) @ weights + target)


def _what(
    queries: Float[np.ndarray, "scene width"],
    items: Float[np.ndarray, "sound width"],
    same: Bool[np.ndarray, "scene sound"],
) -> Tree:
    chances = {f"chance_r{k}": min(1.0, k / len(items)) for k in RECALL_AT}
    return {**recall_figures(ranks(cosine_similarities(queries, items), same)), **chances}
