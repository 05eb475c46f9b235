"""One question, one answer: exact search in a folder, faiss beside it, and Qdrant.

Qdrant is a server process if its program is at hand, at ``QDRANT_PROGRAM`` or as ``qdrant`` on the path, and the
client's local mode otherwise; the test's name says which.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from salm.errors import InputError
from salm.library import approximate
from salm.library.approximate import FaissBackend
from salm.library.backend import Backend
from salm.library.folder import FolderBackend
from salm.library.index import Library
from salm.library.query import parse_query
from salm.library.question import asked, asked_like, joint_weight
from salm.library.server import QdrantBackend
from salm.library.storage import IndexedFile, Mark
from salm.library.windows import Windows, joined
from salm.model.inference import AudioEmbeddings

WIDTH, FILES, WINDOWS_A_FILE = 32, 200, 5
COUNT = FILES * WINDOWS_A_FILE
CENTRES = np.random.default_rng(3).standard_normal((12, WIDTH))
PROGRAM = os.environ.get("QDRANT_PROGRAM") or shutil.which("qdrant")
SERVER = "a Qdrant server" if PROGRAM else "Qdrant's local mode"
QUERIES = (
    "dog",
    "dog from the left",
    "from the left",
    "overhead",
    "rain AND dog from:left elevation:>20 NOT music",
    "NOT music",
    "from:behind confidence:>0.8",
    "dog OR cats file:a-0*",
    "dog NOT from:left",
    "(rain OR cat) NOT (music from the left)",
    "duration:>4 NOT azimuth:150..-150",
    "rain AND dog",
    "from the left OR above",
    "thunder AND NOT file:b-",
    "file:nowhere",
)


class Words:
    """A model that knows words only: each is near one of the centres."""

    digest, config = "words-1", SimpleNamespace(name="words")
    network = SimpleNamespace(joint_weight=torch.full((WIDTH,), 0.5))

    def embed_text(self, sentences: list[str]) -> np.ndarray:
        rngs = [np.random.default_rng(zlib.crc32(sentence.encode())) for sentence in sentences]
        vectors = np.array([CENTRES[rng.integers(12)] + 0.3 * rng.standard_normal(WIDTH) for rng in rngs])
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def library() -> tuple[list[IndexedFile], Windows]:
    rng = np.random.default_rng(1)
    semantic = CENTRES[rng.integers(12, size=COUNT)] + 0.6 * rng.standard_normal((COUNT, WIDTH))
    ambiguity = rng.choice(3, size=COUNT, p=[0.8, 0.1, 0.1]).astype(np.uint8)
    azimuth_deg, elevation_deg = rng.uniform(-180, 180, COUNT), rng.uniform(-60, 60, COUNT)
    azimuth_deg[ambiguity == 2] = elevation_deg[ambiguity > 0] = np.nan
    start_s = np.tile(np.arange(WINDOWS_A_FILE, dtype=np.float64), FILES)
    windows = Windows(
        start_s=start_s,
        end_s=start_s + 1,
        azimuth_deg=azimuth_deg,
        elevation_deg=elevation_deg,
        confidence=rng.uniform(0.1, 1, COUNT),
        ambiguity=ambiguity,
        semantic=semantic.astype(np.float16),
        spatial=rng.standard_normal((COUNT, WIDTH)).astype(np.float16),
    )
    names = [f"/x/{'ab'[i % 2]}-{i:03d}.wav" for i in range(FILES)]
    stamps = {"size": 1, "changed_ns": 1_764_190_000_123_456_789, "windows": WINDOWS_A_FILE}
    return [IndexedFile(file=name, digest=f"d{i}", **stamps) for i, name in enumerate(names)], windows


@pytest.fixture(scope="module")
def qdrant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QdrantBackend]:
    client = pytest.importorskip("qdrant_client", reason="the extra `search` is not installed")
    if not PROGRAM:
        yield QdrantBackend("http://localhost:6333/takes", client=client.QdrantClient(":memory:"))
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = tmp_path_factory.mktemp("qdrant")
    ports = {"QDRANT__SERVICE__HTTP_PORT": str(port), "QDRANT__SERVICE__GRPC_PORT": "0"}
    with subprocess.Popen([PROGRAM], cwd=home, env=os.environ | ports, stdout=subprocess.DEVNULL) as server:
        backend = QdrantBackend(f"http://127.0.0.1:{port}/takes")
        for _ in range(300):
            try:
                backend.mark()
                break
            except InputError:
                time.sleep(0.1)
        yield backend
        server.terminate()


@pytest.fixture(scope="module")
def backends(tmp_path_factory: pytest.TempPathFactory, qdrant: QdrantBackend) -> dict[str, Backend]:
    pytest.importorskip("faiss", reason="the extra `search` is not installed")
    folder = tmp_path_factory.mktemp("library")
    made: dict[str, Backend] = {"exact": FolderBackend(folder), "qdrant": qdrant}
    for backend in made.values():
        with backend.writing():
            backend.put(Mark("words-1", "words"), *library(), joint_weight=joint_weight(Words()))
    return made | {"faiss": FaissBackend(folder)}


def answer(backend: Backend, question) -> tuple[list[tuple[str, float]], np.ndarray]:  # type: ignore[no-untyped-def]
    found = backend.best(question, limit=10)
    scores = [[hit.score, hit.what or 0.0, hit.where or 0.0] for hit in found]
    return [(hit.file, float(hit.windows.start_s[hit.row])) for hit in found], np.array(scores)


@pytest.mark.parametrize("other", ["faiss", pytest.param("qdrant", id=SERVER)])
@pytest.mark.parametrize("text", [*QUERIES, "like an example, from behind"])
def test_every_backend_gives_the_exact_answer(
    backends: dict[str, Backend], text: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approximate, "EXACT_ROWS", 64)
    question = asked(parse_query(text), Words()) if text in QUERIES else like_an_example()
    found, scores = answer(backends["exact"], question)
    assert len(found) == (0 if text == "file:nowhere" else 10)
    others, other_scores = answer(backends[other], question)
    assert others == found
    np.testing.assert_allclose(other_scores, scores, atol=2e-4)


def like_an_example():  # type: ignore[no-untyped-def]
    _, windows = library()
    semantic, spatial = (np.asarray(part[:1], np.float32) for part in (windows.semantic, windows.spatial))
    example = AudioEmbeddings(semantic + np.float32(0.5) * spatial, semantic, spatial)
    return asked_like(parse_query("from behind"), Words(), example)


def test_the_exact_answer_is_the_formula_row_by_row(backends: dict[str, Backend]) -> None:
    """The slow obvious version, in double precision."""
    files, windows = library()
    (what,) = Words().embed_text(["dog"]).astype(np.float64)
    semantic = windows.semantic.astype(np.float64)
    slow = semantic @ what / np.linalg.norm(semantic, axis=1)
    order = np.argsort(-slow)[:10]
    expected = [(files[row // WINDOWS_A_FILE].file, float(row % WINDOWS_A_FILE)) for row in order]
    found, scores = answer(backends["exact"], asked(parse_query("dog"), Words()))
    assert found == expected
    np.testing.assert_allclose(scores[:, 0], slow[order], atol=1e-6)


@pytest.mark.parametrize("name", ["exact", pytest.param("qdrant", id=SERVER)])
def test_files_and_windows_come_back_as_they_were(backends: dict[str, Backend], name: str) -> None:
    files, windows = library()
    backend = backends[name]
    assert backend.mark() == ("words-1", "words")
    assert backend.files() == {file.file: file for file in files}
    with backend.writing():
        kept = backend.windows_of(files[7])
    assert kept is not None
    for column, was in zip(kept, windows, strict=True):
        np.testing.assert_array_equal(column, was[35:40])


def test_a_server_replaces_and_forgets(qdrant: QdrantBackend) -> None:
    backend = QdrantBackend("http://localhost:6333/others", client=qdrant._client)
    _, windows = library()
    weight = joint_weight(Words())
    mark = Mark("words-1", "words")
    two, one = (Windows(*(column[:count] for column in windows)) for count in (2, 1))
    file, other = IndexedFile(file="/a", digest="1", windows=2), IndexedFile(file="/b", digest="2", windows=1)
    backend.put(mark, [file, other], joined([two, one]), joint_weight=weight)
    changed = IndexedFile(file="/a", digest="3", windows=1)
    backend.put(mark, [changed, IndexedFile(file="/b")], one, joint_weight=weight)
    assert backend.files() == {"/a": changed}
    assert backend.windows_of(file) is None
    assert len(backend.best(asked(parse_query("dog"), Words()), limit=9)) == 1


def test_a_server_that_is_not_there_is_one_line() -> None:
    pytest.importorskip("qdrant_client", reason="the extra `search` is not installed")
    with pytest.raises(InputError, match=r"Qdrant server of http://127\.0\.0\.1:9/takes") as caught:
        Library("http://127.0.0.1:9/takes", must_exist=True)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="names no collection"):
        Library("http://127.0.0.1:9")


@pytest.mark.parametrize(("path", "method"), [("lib", "faiss"), ("http://localhost:6333/takes", "exact")])
def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, path: str, method: str) -> None:
    for module in ("faiss", "qdrant_client"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=r'pip install "salm\[search\]"'):
        Library(path, method=method)
