"""How long one search takes in a large library, and what faiss misses.

A library of clustered vectors is written to disk as `salm index add` writes it: unit vectors of 512 numbers that lie
near 32 dimensions, around 1,000 centres, with directions drawn evenly. Queries are drawn as the vectors are. They are
answered from the library exactly and through faiss, and beside that by plain NumPy on a single-precision matrix and by
faiss flat; all in turn, round by round, one query a round. `recall_at_10` is of windows, against the exact answer.
Milliseconds are medians, and of a machine that may be doing other things: `load_average` says how much. `processor_ms`
is the time that the processors worked for one search, all threads together, which others disturb less. The last line is
one JSON object.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import torch

from rounds import cpu_ms, interleaved_ms, medians, processor
from salm.library.approximate import FaissBackend
from salm.library.folder import FolderBackend
from salm.library.query import parse_query
from salm.library.question import Branch, Question, Sought, stated
from salm.library.storage import IndexedFile, Mark
from salm.library.windows import Windows

WIDTH, DIMENSIONS, CENTRES, WINDOWS_A_FILE = 512, 32, 1000, 10
LIMIT = 10
PLACE = stated(parse_query("from the left").alternatives[0].wanted[0])


def drawn(rng: np.random.Generator, basis: np.ndarray, centres: np.ndarray, count: int) -> np.ndarray:
    """Unit vectors around centres in a space of few dimensions, with a little of all others."""
    low = centres[rng.integers(len(centres), size=count)] + 0.5 * rng.standard_normal((count, DIMENSIONS))
    full = low @ basis + 0.02 * rng.standard_normal((count, WIDTH))
    return (full / np.linalg.norm(full, axis=1, keepdims=True)).astype(np.float32)


def written(folder: Path, semantic: np.ndarray, spatial: np.ndarray, rng: np.random.Generator) -> None:
    """A library of one part."""
    count = len(semantic)
    start_s = 5.0 * (np.arange(count) % WINDOWS_A_FILE)
    azimuth_deg, elevation_deg = rng.uniform(-180, 180, count), rng.uniform(-45, 45, count)
    windows = Windows(
        start_s=start_s,
        end_s=start_s + 5,
        azimuth_deg=azimuth_deg,
        elevation_deg=elevation_deg,
        confidence=rng.uniform(0.2, 1.0, count),
        ambiguity=np.zeros(count, np.uint8),
        semantic=semantic.astype(np.float16),
        spatial=spatial.astype(np.float16),
    )
    files = [
        IndexedFile(file=f"/takes/{i:06d}.wav", digest=str(i), windows=WINDOWS_A_FILE)
        for i in range(count // WINDOWS_A_FILE)
    ]
    FolderBackend(folder).put(Mark("benchmark", "benchmark"), files, windows, joint_weight=np.ones(WIDTH, np.float32))


def asked(what: np.ndarray, joint: np.ndarray | None) -> Question:
    """A question about what, or about what on the left."""
    sought = Sought(what, joint, None if joint is None else PLACE)
    return Question((Branch((sought,), (), ()),), np.ones(WIDTH, np.float32))


def recall(exact: FolderBackend, fast: FolderBackend, questions: list[Question]) -> float:
    """Share of the exact answer's windows that the fast one has too."""

    def rows(backend: FolderBackend, question: Question) -> set[int]:
        return {hit.row for hit in backend.best(question, limit=LIMIT)}

    return float(np.mean([len(rows(exact, q) & rows(fast, q)) / LIMIT for q in questions]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=int, default=150_000)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--recall-queries", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--folder", type=Path, help="keep the library and its graphs here for later runs of this seed")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    faiss.omp_set_num_threads(options.threads)
    rng = np.random.default_rng(options.seed)
    basis = np.linalg.qr(rng.standard_normal((WIDTH, DIMENSIONS)))[0].T
    centres = rng.standard_normal((CENTRES, DIMENSIONS))
    count = options.vectors // WINDOWS_A_FILE * WINDOWS_A_FILE
    semantic, spatial = drawn(rng, basis, centres, count), drawn(rng, basis, centres, count)
    queries = drawn(rng, basis, centres, max(options.rounds + 2, options.recall_queries))
    print(json.dumps(measured(options, semantic, spatial, queries, rng)))


def measured(
    options: argparse.Namespace,
    semantic: np.ndarray,
    spatial: np.ndarray,
    queries: np.ndarray,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Everything that is reported."""
    with tempfile.TemporaryDirectory() as passing:
        folder = options.folder or Path(passing)
        exact, fast = FolderBackend(folder), FaissBackend(folder)
        if exact.mark() is None:
            written(folder, semantic, spatial, rng)
        flat = faiss.IndexFlatIP(WIDTH)
        flat.add(semantic)
        turns = dict.fromkeys(("exact", "faiss", "exact_where", "faiss_where", "numpy", "flat"), -1)

        def next_query(name: str) -> np.ndarray:
            turns[name] = (turns[name] + 1) % len(queries)
            return queries[turns[name]]

        def by(backend: FolderBackend, name: str, *, where: bool) -> Callable[[], object]:
            return lambda: backend.best(asked(q := next_query(name), q if where else None), limit=LIMIT)

        def plain() -> np.ndarray:
            scores = semantic @ next_query("numpy")
            best = np.argpartition(-scores, LIMIT)[:LIMIT]
            return best[np.argsort(-scores[best])]

        first = time.perf_counter()
        fast.best(asked(queries[0], queries[0]), limit=LIMIT)
        build_s = time.perf_counter() - first
        jobs: dict[str, Callable[[], object]] = {
            "exact": by(exact, "exact", where=False),
            "exact_what_and_where": by(exact, "exact_where", where=True),
            "faiss_hnsw": by(fast, "faiss", where=False),
            "faiss_hnsw_what_and_where": by(fast, "faiss_where", where=True),
            "numpy_float32": plain,
            "faiss_flat": lambda: flat.search(next_query("flat")[None], LIMIT),
        }
        times_ms = interleaved_ms(jobs, rounds=options.rounds)
        work_ms = {name: np.array([cpu_ms(job)[0] for _ in range(options.rounds)]) for name, job in jobs.items()}
        some = queries[: options.recall_queries]
        return {
            "vectors": len(semantic),
            "width": WIDTH,
            "rounds": options.rounds,
            "milliseconds": medians(times_ms, digits=2),
            "processor_ms": medians(work_ms, digits=2),
            "fastest_ms": {name: round(float(values.min()), 2) for name, values in times_ms.items()},
            "recall_at_10": {
                "what": round(recall(exact, fast, [asked(q, None) for q in some]), 4),
                "what_and_where": round(recall(exact, fast, [asked(q, q) for q in some]), 4),
            },
            "graphs_built_s": round(build_s, 1),
            "threads": options.threads,
            "processor": processor(),
            "load_average": round(os.getloadavg()[0], 1),
        }


if __name__ == "__main__":
    main()
