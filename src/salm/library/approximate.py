"""A library in a folder with faiss beside it: a graph proposes windows, and the exact formula scores those.

Every large part of the library has a graph (HNSW) for each embedding in a file beside it, made when first asked for::

    part-000001-5f3a90c1.semantic.faiss
    part-000001-5f3a90c1.joint.faiss

Small parts, and what conditions leave of large ones if that is little, are searched exactly, as are queries without
words, which need no embeddings. Scores are exact always; what is approximate is which windows are looked at.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32

from salm.extras import needed
from salm.library.filters import around
from salm.library.folder import FolderBackend, Loaded, Rows
from salm.library.question import Branch, Question
from salm.whole import written_whole

__all__ = ["FaissBackend"]

EXACT_ROWS = 8192
"""Fewer rows than this are all looked at: that is as fast."""

CANDIDATES, BREADTH = 20, 200
"""Windows looked at for each hit; and least number of them, and nodes of the graph that are kept in sight."""

NEIGHBOURS, BUILDING_BREADTH = 32, 40

Matrix = Float32[np.ndarray, "window width"]


class FaissBackend(FolderBackend):
    """A library in a folder, searched through graphs of faiss where it is large.

    Raises
    ------
    InputError
        If faiss is not installed.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._faiss = needed("faiss", extra="search", by="an approximate search")
        self._graphs: dict[Path, Any] = {}

    def candidates(self, loaded: Loaded, branch: Branch, question: Question, rows: Rows, limit: int) -> Rows:
        """The rows nearest to any of the wanted contents, and of those near a wanted place too."""
        # What takes longer comes first.
        spaces = {
            "joint": [sought.joint for sought in branch.wanted if sought.joint is not None],
            "semantic": [sought.what for sought in branch.wanted if sought.what is not None],
        }
        if len(rows) <= EXACT_ROWS or not spaces["semantic"]:
            return rows
        count = max(BREADTH, CANDIDATES * limit)
        queries = {space: _with_mean(np.stack(vectors)) for space, vectors in spaces.items() if vectors}
        graphs = {space: self._graph(loaded, question, space) for space in queries}
        near = _near(loaded, branch, rows)
        searched = [rows] if len(near) <= EXACT_ROWS else [rows, near]
        # One query of faiss runs on one processor.
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            nearest = [
                pool.submit(self._nearest, graph, queries[space], chosen, count)
                for space, graph in graphs.items()
                for chosen in searched
            ]
        found = [future.result() for future in nearest]
        return np.unique(np.concatenate([*found, near] if len(searched) == 1 else found))

    def _nearest(self, graph: Any, queries: Matrix, rows: Rows, count: int) -> Rows:
        faiss = self._faiss
        settings = faiss.SearchParametersHNSW(efSearch=max(BREADTH, count))
        if len(rows) < graph.ntotal:
            mask = np.zeros(graph.ntotal, np.bool_)
            mask[rows] = True
            settings.sel = faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little"))
        _, found = graph.search(_unit(queries), count, params=settings)
        return np.unique(found[found >= 0]).astype(np.int64)

    def _graph(self, loaded: Loaded, question: Question, space: str) -> Any:
        path = loaded.part.path.with_name(f"{loaded.part.path.name}.{space}.faiss")
        if path not in self._graphs:
            if not path.exists():
                self._build(loaded, question, space, path)
            self._graphs[path] = self._faiss.read_index(str(path))
        return self._graphs[path]

    def _build(self, loaded: Loaded, question: Question, space: str, path: Path) -> None:
        faiss, windows = self._faiss, loaded.windows
        width = windows.semantic.shape[1]
        graph = faiss.IndexHNSWSQ(width, faiss.ScalarQuantizer.QT_fp16, NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
        graph.hnsw.efConstruction = BUILDING_BREADTH
        vectors = np.asarray(windows.semantic, np.float32)
        if space == "joint":
            weight = loaded.directed()[:, None] * question.joint_weight
            vectors = vectors + weight * np.asarray(windows.spatial, np.float32)
        vectors = _unit(vectors)
        graph.train(vectors[:1])
        graph.add(vectors)
        with written_whole(path) as unfinished:
            faiss.write_index(graph, str(unfinished))


def _near(loaded: Loaded, branch: Branch, rows: Rows) -> Rows:
    """The rows that may be near all wanted places; none if there is no such place."""
    places = [sought.place for sought in branch.wanted if sought.place is not None]
    if not places:
        return rows[:0]
    met = [condition.met(loaded.facts) for place in places for condition in around(place)]
    return np.asarray(rows[np.logical_and.reduce(met)[rows]])


def _with_mean(vectors: Matrix) -> Matrix:
    """Vectors, and of several the one in their middle: what fits all of them is near it."""
    unit = _unit(vectors)
    return unit if len(unit) == 1 else np.concatenate([unit, unit.mean(axis=0, keepdims=True)])


def _unit(vectors: Matrix) -> Matrix:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12), np.float32)
