import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from salm.errors import InputError
from salm.library import storage
from salm.library.storage import IndexedFile, Manifest, Storage
from salm.library.windows import Windows


def part(*files: tuple[str, int, float]) -> tuple[list[IndexedFile], Windows | None]:
    """Files of a name, a number of windows and a value that fills their vectors."""
    indexed = [IndexedFile(file=name, size=1, changed_ns=2, digest=name, windows=rows) for name, rows, _ in files]
    values = np.concatenate([np.full((rows, 3), value, np.float16) for _, rows, value in files])
    if not len(values):
        return indexed, None
    column = values[:, 0].astype(np.float64)
    return indexed, Windows(
        column, column + 1, column, column, column, np.zeros(len(values), np.uint8), values, -values
    )


@pytest.fixture
def filled(tmp_path: Path) -> tuple[Storage, Manifest]:
    store = Storage(tmp_path / "library")
    manifest = Manifest(model="digest", model_name="toy")
    for files in ([("a", 2, 1.0), ("b", 1, 2.0)], [("a", 1, 3.0), ("c", 1, 4.0)], [("b", 0, 0.0)]):
        manifest = store.append(manifest, *part(*files))
    return store, manifest


def state(store: Storage) -> dict[str, list[float]]:
    contents = store.contents()
    windows = {file: contents.windows_of(file) for file in contents.files}
    assert all(np.array_equal(kept.semantic, -kept.spatial) for kept in windows.values())
    assert all(np.array_equal(kept.semantic[:, 0], kept.start_s) for kept in windows.values())
    return {file: kept.start_s.tolist() for file, kept in windows.items()}


def test_later_parts_replace_and_remove(filled: tuple[Storage, Manifest]) -> None:
    store, manifest = filled
    assert state(store) == {"a": [3.0], "c": [4.0]}
    assert store.contents().files["a"] == IndexedFile(file="a", size=1, changed_ns=2, digest="a", windows=1)
    assert [part.rows.tolist() for part in store.contents().parts] == [[False, False, False], [True, True], []]
    assert store.manifest() == manifest


def test_merging_changes_nothing(filled: tuple[Storage, Manifest], monkeypatch: pytest.MonkeyPatch) -> None:
    store, manifest = filled
    before = state(store)
    store.tidy()
    assert store.manifest() == manifest
    monkeypatch.setattr(storage, "MAX_PARTS", 2)
    store.tidy()
    (name,) = store.manifest().parts
    assert state(store) == before
    assert sorted(path.name for path in store.folder.iterdir()) == [
        "library.json",
        f"{name}.jsonl",
        f"{name}.safetensors",
    ]


def test_a_reader_looks_again_when_parts_are_merged_under_its_eyes(
    filled: tuple[Storage, Manifest], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, old = filled
    before = state(store)
    monkeypatch.setattr(storage, "MAX_PARTS", 2)
    reader, seen = Storage(store.folder), []

    def manifest() -> Manifest | None:
        found = Storage.manifest(reader)
        if not seen:
            store.tidy()
        seen.append(found)
        return found

    monkeypatch.setattr(reader, "manifest", manifest)
    assert state(reader) == before
    assert seen[0] == old != seen[-1]


def test_an_emptied_library_is_empty(tmp_path: Path) -> None:
    store = Storage(tmp_path)
    manifest = store.append(Manifest(model="digest", model_name="toy"), *part(("a", 1, 1.0)))
    store.append(manifest, *part(("a", 0, 0.0)))
    assert store.contents().files == {}


def test_names_that_are_not_unicode_come_back(tmp_path: Path) -> None:
    store = Storage(tmp_path)
    store.append(Manifest(model="digest", model_name="toy"), *part(("a\udcff\u2028b", 1, 1.0)))
    assert set(store.contents().files) == {"a\udcff\u2028b"}


@pytest.mark.parametrize("damage", ["library.json", "part-000001-*.jsonl", "part-000002-*.safetensors"])
@pytest.mark.parametrize("how", ["text", "half", "gone"])
def test_damage_is_named_in_one_line(filled: tuple[Storage, Manifest], damage: str, how: str) -> None:
    store, _ = filled
    (path,) = store.folder.glob(damage)
    if how == "gone" and path.name == "library.json":
        path.unlink()
        assert store.contents() is None
        return
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(b"{" if how == "text" else path.read_bytes()[:-5])
    with pytest.raises(InputError, match=path.name) as caught:
        store.contents()
    assert "\n" not in str(caught.value)


def test_another_schema_is_refused(filled: tuple[Storage, Manifest]) -> None:
    store, _ = filled
    path = store.folder / "library.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"schema": 2', '"schema": 9'), encoding="utf-8")
    with pytest.raises(InputError, match="schema 9"):
        store.manifest()


def test_only_one_writes(tmp_path: Path) -> None:
    store = Storage(tmp_path / "library")
    with store.writing(), pytest.raises(InputError, match="is being written by another process"):
        Storage(tmp_path / "library").writing().__enter__()
    with Storage(tmp_path / "library").writing():
        pass


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from salm.errors import InputError
from salm.library.storage import IndexedFile, Manifest, Storage
from salm.library.windows import Windows

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store, column, values = Storage(Path(sys.argv[1])), np.zeros(4000), np.ones((4000, 64), np.float16)
windows = Windows(column, column, column, column, column, np.zeros(4000, np.uint8), values, values)
files = [IndexedFile(file="a", windows=4000)]
manifest = store.append(Manifest(model="digest", model_name="toy"), files, windows)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    store.append(manifest, [IndexedFile(file="b", windows=4000)], windows)
except InputError as error:
    print(error)
print(sorted(store.contents().files), sorted(path.suffix for path in store.folder.iterdir()))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the system has no limit on the size of files")
def test_a_disk_that_is_full_is_one_line_and_leaves_the_library_as_it_was(tmp_path: Path) -> None:
    words = [sys.executable, "-c", FULL_DISK, str(tmp_path / "library")]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    said, left = ran.stdout.splitlines()
    assert "cannot be written" in said
    assert left == "['a'] ['.json', '.jsonl', '.safetensors']"


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("library.json", b'"model": "digest"', b'"model": 7'),
        ("library.json", b'"part-000001', b'"../part-000001'),
        ("library.json", b"{", b"[" * 100_000),
        ("part-000001-*.jsonl", b'"windows": 2', b'"windows": -2'),
        ("part-000001-*.jsonl", b'"windows": 2', b'"windows": "2"'),
        ("part-000001-*.jsonl", b'"size": 1', b'"size": null'),
        ("part-000001-*.safetensors", b'"dtype":"U8"', b'"dtype":"U9"'),
        ("part-000001-*.safetensors", b'"shape":[3,3]', b'"shape":[3,9]'),
        ("part-000001-*.safetensors", b'"shape":[3,3]', b'"shape":[9,1]'),
    ],
)
def test_values_of_another_kind_are_named(filled: tuple[Storage, Manifest], name: str, old: bytes, new: bytes) -> None:
    store, _ = filled
    (path,) = store.folder.glob(name)
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    with pytest.raises(InputError, match=path.name):
        store.contents()
