import dataclasses
from pathlib import Path

import numpy as np
import pytest

from salm.errors import InputError
from salm.library import storage
from salm.library.storage import IndexedFile, Manifest, Storage, Vectors, Window

WINDOW = Window(start_s=0, end_s=1, azimuth_deg=10.0, elevation_deg=None, ambiguity="front-back", confidence=0.5)


def part(*files: tuple[str, int, float]) -> tuple[list[IndexedFile], Vectors | None]:
    """Files of a name, a number of windows and a value that fills their vectors."""
    indexed = [IndexedFile(file=name, size=1, changed_ns=2, windows=(WINDOW,) * rows) for name, rows, _ in files]
    values = np.concatenate([np.full((rows, 3), value, np.float16) for _, rows, value in files])
    return indexed, Vectors(values, -values) if len(values) else None


@pytest.fixture
def filled(tmp_path: Path) -> tuple[Storage, Manifest]:
    store = Storage(tmp_path / "library")
    manifest = Manifest(model="digest", model_name="toy")
    for files in ([("a", 2, 1.0), ("b", 1, 2.0)], [("a", 1, 3.0), ("c", 1, 4.0)], [("b", 0, 0.0)]):
        manifest = store.append(manifest, *part(*files))
    return store, manifest


def state(store: Storage, manifest: Manifest) -> dict[str, list[float]]:
    files, vectors = store.contents(manifest)
    names = [file.file for file in files for _ in file.windows]
    assert np.array_equal(vectors.semantic, -vectors.spatial)
    return {name: [float(vectors.semantic[i, 0]) for i, n in enumerate(names) if n == name] for name in names}


def test_later_parts_replace_and_remove(filled: tuple[Storage, Manifest]) -> None:
    store, manifest = filled
    assert state(store, manifest) == {"a": [3.0], "c": [4.0]}
    assert set(store.files(manifest)) == {"a", "c"}
    assert store.files(manifest)["a"].windows == (WINDOW,)
    assert store.manifest() == manifest


def test_merging_changes_nothing(filled: tuple[Storage, Manifest], monkeypatch: pytest.MonkeyPatch) -> None:
    store, manifest = filled
    before = state(store, manifest)
    assert store.compact(manifest) == manifest
    monkeypatch.setattr(storage, "MAX_PARTS", 2)
    merged = store.compact(manifest)
    assert len(merged.parts) == 1
    assert state(store, merged) == before
    assert sorted(path.name for path in store.folder.iterdir()) == [
        "library.json",
        f"{merged.parts[0]}.jsonl",
        f"{merged.parts[0]}.safetensors",
    ]


def test_an_emptied_library_is_empty(tmp_path: Path) -> None:
    store = Storage(tmp_path)
    manifest = store.append(Manifest(model="digest", model_name="toy"), *part(("a", 1, 1.0)))
    manifest = store.append(manifest, *part(("a", 0, 0.0)))
    assert store.contents(manifest) == ((), None)


def test_names_that_are_not_unicode_come_back(tmp_path: Path) -> None:
    store = Storage(tmp_path)
    manifest = store.append(Manifest(model="digest", model_name="toy"), *part(("a\udcff\u2028b", 1, 1.0)))
    assert set(store.files(manifest)) == {"a\udcff\u2028b"}


@pytest.mark.parametrize("damage", ["library.json", "part-000001.jsonl", "part-000002.safetensors"])
def test_damage_is_named_in_one_line(filled: tuple[Storage, Manifest], damage: str) -> None:
    store, manifest = filled
    (store.folder / damage).write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=damage) as caught:
        store.contents(store.manifest() or manifest)
    assert "\n" not in str(caught.value)


def test_another_schema_is_refused(filled: tuple[Storage, Manifest]) -> None:
    store, _ = filled
    path = store.folder / "library.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"schema": 1', '"schema": 9'), encoding="utf-8")
    with pytest.raises(InputError, match="schema 9"):
        store.manifest()


def test_plain_forms_cover_every_field() -> None:
    assert {field.name for field in dataclasses.fields(Window)} == {
        *("start_s", "end_s", "azimuth_deg", "elevation_deg", "ambiguity", "confidence")
    }
