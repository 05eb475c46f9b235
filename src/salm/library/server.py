"""A library on a Qdrant server, for what is more than one machine holds.

A library is a collection. Every window is a point with the vectors ``semantic`` and ``joint`` (of length one),
``spatial`` (raw, which is kept and never searched) and ``place`` (the direction in the plane times its confidence, and
the confidence), and with what is known of it as payload. The server proposes windows by vectors and conditions, and the
exact formula scores those: scores are the same as in a folder. The model's digest is in the metadata of the collection.

A file's first window is written last and says how many there are: what a killed writer left half is heard again.
"""

import os
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
from jaxtyping import Float32

from salm.errors import InputError
from salm.extras import needed
from salm.frame import wrap_deg
from salm.library._cosines import cosines
from salm.library.backend import Found
from salm.library.filters import Filter, InRange, Named, around
from salm.library.folder import best_of, known, known_places
from salm.library.question import Branch, Question
from salm.library.scoring import scored
from salm.library.storage import IndexedFile, Mark
from salm.library.windows import AMBIGUITIES, Windows

__all__ = ["QdrantBackend", "is_address"]

SCHEMA = 1
CANDIDATES, BREADTH = 20, 256
"""Windows looked at for each hit, and least number of them."""
PAGE = 256
"""Points in one message."""

_NAMESPACE = uuid.UUID("5a1c6d0e-5ea4-5c0b-9d0c-8a1f5e0a7c11")

Vector = Float32[np.ndarray, " width"]

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def is_address(path: object) -> bool:
    """Whether a path means a server."""
    return isinstance(path, str) and path.startswith(("http://", "https://"))


def _one_line(method: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """A method of the backend that says in one line what went wrong between here and the server."""

    @wraps(method)
    def said(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        from qdrant_client.http.exceptions import ApiException

        try:
            return method(*args, **kwargs)
        except (ApiException, UnicodeEncodeError) as error:
            reason = " ".join(str(error).split())
            address = getattr(args[0], "address", "the library")
            raise InputError(f"the Qdrant server of {address} did not do what was asked: {reason}") from error

    return said


class QdrantBackend:
    """A collection of a Qdrant server, of version 1.16 or later.

    Parameters
    ----------
    address
        The server's and the collection's name behind it. A key is taken from the environment, ``QDRANT_API_KEY``.
    client
        In place of one that is made for the address.

    Raises
    ------
    InputError
        If qdrant-client is not installed, or the address has no collection.
    """

    def __init__(self, address: str, *, client: Any = None) -> None:
        qdrant = needed("qdrant_client", extra="search", by="a library on a server")
        self._models = qdrant.models
        server, _, self._collection = address.rstrip("/").rpartition("/")
        if not self._collection or server.endswith("/"):
            raise InputError(f"{address} names no collection; give one, such as {address.rstrip('/')}/takes.")
        self.address = address
        self._client = client or qdrant.QdrantClient(
            url=server, api_key=os.environ.get("QDRANT_API_KEY"), timeout=60, check_compatibility=False
        )

    @_one_line
    def mark(self) -> Mark | None:
        """The model that made the embeddings; None as long as there are none."""
        if not self._client.collection_exists(self._collection):
            return None
        said = self._client.get_collection(self._collection).config.metadata or {}
        if said.get("salm_schema") != SCHEMA:
            raise InputError(f"{self.address} is a collection, but no library that this version reads.")
        return Mark(said["model"], said["model_name"])

    @_one_line
    def files(self) -> dict[str, IndexedFile]:
        """Every file in the library, by its path."""
        if self.mark() is None:
            return {}
        first = self._filter(must=[self._is("window", 0)])
        names = ["file", "size", "changed_ns", "digest", "windows"]
        points = self._scrolled(first, with_payload=names)
        return {point.payload["file"]: IndexedFile(**point.payload) for point in points}

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Nobody is kept out: that one process writes at a time is up to those who share a server."""
        yield

    @_one_line
    def windows_of(self, file: IndexedFile) -> Windows | None:
        """The windows of a file, or None if the server has others by now."""
        chosen = self._filter(must=[self._is("file", file.file), self._is("digest", file.digest)])
        points = list(self._scrolled(chosen, with_payload=True, with_vectors=["semantic", "spatial"]))
        if len(points) != file.windows:
            return None
        return _windows(sorted(points, key=lambda point: point.payload["window"]))

    @_one_line
    def put(self, mark: Mark, files: Sequence[IndexedFile], windows: Windows | None, *, joint_weight: Vector) -> None:
        """Keep files, each once, and their windows in order; one without windows is taken out."""
        if self.mark() is None:
            if windows is None:
                return
            self._create(mark, width=windows.semantic.shape[1])
        points, start = [], 0
        for file in files:
            if file.windows and windows is not None:
                rows = range(start, start + file.windows)
                points += [self._point(file, windows, row, rows, joint_weight) for row in rows]
                start += file.windows
        points.sort(key=lambda point: point.payload["window"] == 0)
        for page in range(0, len(points), PAGE):
            self._client.upsert(self._collection, points=points[page : page + PAGE], wait=True)
        for file in files:
            beyond = self._models.FieldCondition(key="window", range=self._models.Range(gte=file.windows))
            chosen = self._filter(must=[self._is("file", file.file), beyond])
            selector = self._models.FilterSelector(filter=chosen)
            self._client.delete(self._collection, points_selector=selector, wait=True)

    @_one_line
    def best(self, question: Question, *, limit: int) -> list[Found]:
        """The windows that fit best, best first; equal ones by file and time."""
        if self.mark() is None:
            return []
        return best_of([hit for branch in question.branches for hit in self._in(branch, question, limit)], limit)

    def _in(self, branch: Branch, question: Question, limit: int) -> Iterator[Found]:
        found: dict[Any, Any] = {}
        for near in (None, *_near(branch)):
            conditions = [self._condition(c.filter, negated=c.negated) for c in branch.conditions]
            conditions += [] if near is None else [self._condition(part, negated=False) for part in near]
            for using, vector in _proposing(branch):
                answer = self._client.query_points(
                    self._collection,
                    query=vector.tolist(),
                    using=using,
                    query_filter=self._filter(must=conditions) if conditions else None,
                    limit=max(BREADTH, CANDIDATES * limit),
                    with_payload=True,
                    with_vectors=["semantic", "spatial"],
                )
                found |= {point.id: point for point in answer.points}
        points = list(found.values())
        if not points:
            return
        windows = _windows(points)
        similar = cosines(
            windows.semantic,
            windows.spatial,
            np.asarray(windows.ambiguity == 0, np.float32),
            np.arange(len(points)),
            what=branch.whats,
            joint=branch.joints,
            joint_weight=question.joint_weight,
        )
        scores = scored(branch, known_places(windows), *(part.astype(np.float64) for part in similar))
        for row, point in enumerate(points):
            yield Found(
                file=point.payload["file"],
                windows=windows,
                row=row,
                score=float(scores.score[row]),
                what=None if scores.what is None else float(scores.what[row]),
                where=known(scores.place, row),
            )

    def _create(self, mark: Mark, *, width: int) -> None:
        models = self._models

        def vectors(size: int, **more: Any) -> Any:
            return models.VectorParams(size=size, distance=models.Distance.DOT, on_disk=True, **more)

        self._client.create_collection(
            self._collection,
            vectors_config={
                "semantic": vectors(width),
                "joint": vectors(width),
                "spatial": vectors(width, datatype=models.Datatype.FLOAT16, hnsw_config=models.HnswConfigDiff(m=0)),
                "place": vectors(3),
            },
            metadata={"salm_schema": SCHEMA, "model": mark.digest, "model_name": mark.name},
        )
        kinds = {"file": "keyword", "digest": "keyword", "window": "integer"}
        kinds |= dict.fromkeys(("azimuth_deg", "mirrored_deg", "elevation_deg", "confidence", "duration_s"), "float")
        with warnings.catch_warnings():
            # Without a server an index makes no difference, and the client says so each time.
            warnings.simplefilter("ignore")
            for name, kind in kinds.items():
                self._client.create_payload_index(self._collection, field_name=name, field_schema=kind)

    def _point(self, file: IndexedFile, windows: Windows, row: int, rows: range, joint_weight: Vector) -> Any:
        said = windows.said(row)
        if said["ambiguity"] == AMBIGUITIES[1]:
            said["mirrored_deg"] = wrap_deg(180.0 - said["azimuth_deg"])
        semantic, spatial = (np.asarray(part[row], np.float32) for part in (windows.semantic, windows.spatial))
        joint = semantic + joint_weight * spatial if said["ambiguity"] is None else semantic
        return self._models.PointStruct(
            id=str(uuid.uuid5(_NAMESPACE, f"{row - rows.start} {os.fsencode(file.file).hex()}")),
            vector={
                "semantic": _unit(semantic).tolist(),
                "joint": _unit(joint).tolist(),
                "spatial": spatial.tolist(),
                "place": _place(said["azimuth_deg"], said["confidence"]),
            },
            payload={
                **said,
                "length": float(np.linalg.norm(semantic)),
                "window": row - rows.start,
                "windows": file.windows,
                "duration_s": float(windows.end_s[rows.start : rows.stop].max()),
                **{name: getattr(file, name) for name in ("file", "size", "changed_ns", "digest")},
            },
        )

    def _condition(self, condition: Filter, *, negated: bool) -> Any:
        met = self._named(condition) if isinstance(condition, Named) else self._in_range(condition)
        return self._models.Filter(must_not=[met]) if negated else met

    def _named(self, named: Named) -> Any:
        files = [file for file in self.files() if named.fits(file)]
        return self._models.FieldCondition(key="file", match=self._models.MatchAny(any=files))

    def _in_range(self, condition: InRange) -> Any:
        keys = _KEYS[condition.quantity]
        low = {"gt" if condition.low_open else "gte": _finite(condition.low)}
        high = {"lt" if condition.high_open else "lte": _finite(condition.high)}
        ranges = [low, high] if condition.wraps else [low | high]
        return self._models.Filter(
            should=[
                self._models.FieldCondition(key=key, range=self._models.Range(**bounds))
                for key in keys
                for bounds in ranges
            ]
        )

    def _is(self, key: str, value: str | int) -> Any:
        return self._models.FieldCondition(key=key, match=self._models.MatchValue(value=value))

    def _filter(self, *, must: list[Any]) -> Any:
        return self._models.Filter(must=must)

    def _scrolled(self, chosen: Any, **wanted: Any) -> Iterator[Any]:
        offset = None
        while True:
            points, offset = self._client.scroll(
                self._collection, scroll_filter=chosen, limit=PAGE, offset=offset, **wanted
            )
            yield from points
            if offset is None:
                return


_KEYS = {
    "azimuth": ("azimuth_deg", "mirrored_deg"),
    "elevation": ("elevation_deg",),
    "confidence": ("confidence",),
    "duration": ("duration_s",),
}


def _proposing(branch: Branch) -> list[tuple[str, Vector]]:
    """Vectors near which the best windows are, with the name of their kind."""
    spaces = {
        "semantic": [sought.what for sought in branch.wanted if sought.what is not None],
        "joint": [sought.joint for sought in branch.wanted if sought.joint is not None],
    }
    vectors = [(space, _unit(vector)) for space, several in spaces.items() for vector in several]
    # What fits several phrases is near their middle.
    vectors += [
        (space, np.mean([_unit(v) for v in several], axis=0)) for space, several in spaces.items() if several[1:]
    ]
    if vectors:
        return vectors
    places = [sought.place for sought in branch.wanted if sought.place is not None]
    if places:
        return [("place", _towards(place.azimuth_deg)) for place in places]
    unwanted = [("semantic", -_unit(sought.what)) for sought in branch.unwanted if sought.what is not None]
    return [*unwanted, ("place", _towards(None))]


def _near(branch: Branch) -> list[list[InRange]]:
    """Conditions for windows near every wanted place, if there is one."""
    places = [sought.place for sought in branch.wanted if sought.place is not None]
    return [[part for place in places for part in around(place)]] if places else []


def _place(azimuth_deg: float | None, confidence: float) -> list[float]:
    x, y, _ = (0.0, 0.0, 0.0) if azimuth_deg is None else _towards(azimuth_deg)
    return [confidence * float(x), confidence * float(y), confidence]


def _towards(azimuth_deg: float | None) -> Vector:
    """What the vector ``place`` is compared with: a direction in the plane, or any that is sure."""
    if azimuth_deg is None:
        return np.array([0.0, 0.0, 1.0], np.float32)
    return np.array([np.cos(np.deg2rad(azimuth_deg)), np.sin(np.deg2rad(azimuth_deg)), 0.0], np.float32)


def _windows(points: Sequence[Any]) -> Windows:
    """Windows as they were when they were written."""
    said = [point.payload for point in points]
    columns = {
        name: np.array([_number(payload.get(name)) for payload in said], np.float64) for name in Windows._fields[:5]
    }
    semantic = [np.array(p.vector["semantic"]) * p.payload["length"] for p in points]
    spatial = [p.vector["spatial"] for p in points]
    return Windows(
        **columns,
        ambiguity=np.array([AMBIGUITIES.index(payload.get("ambiguity")) for payload in said], np.uint8),
        semantic=np.array(semantic, np.float16),
        spatial=np.array(spatial, np.float16),
    )


def _number(value: float | None) -> float:
    return np.nan if value is None else value


def _finite(bound: float) -> float | None:
    return bound if np.isfinite(bound) else None


def _unit(vector: Vector) -> Vector:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), np.float32)
