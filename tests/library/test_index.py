import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from salm.audio.formats import encode_plane_wave
from salm.audio.recording import read, write
from salm.errors import InputError
from salm.library import adding
from salm.library.files import audio_files
from salm.library.index import Library
from salm.model import hub
from salm.model.inference import Model
from salm.model.presets import preset

RATE_HZ = 8000

Sound = Callable[..., np.ndarray]


def names(hits) -> list[str]:
    return [Path(hit.file).stem for hit in hits]


def test_a_sentence_finds_what_and_where(library: Library, model: Model) -> None:
    result = library.search("dog from the left", model)
    assert names(result.hits)[:2] == ["dog-left", "dog-right"]
    assert result.query.what == "dog"
    best = result.hits[0]
    assert (best.azimuth_deg, best.elevation_deg) == pytest.approx((80, 10), abs=0.1)
    assert best.what > 0.9
    assert best.where > 0.8
    assert result.hits[1].where < 0.05
    assert [hit.score for hit in result.hits] == sorted((hit.score for hit in result.hits), reverse=True)


def test_without_place_words_only_what_counts(library: Library, model: Model) -> None:
    hits = library.search("dog", model).hits
    assert {*names(hits)[:2]} == {"dog-left", "dog-right"}
    assert hits[0].score == hits[1].score == hits[0].what
    assert all(hit.where is None for hit in hits)


def test_a_place_alone_is_enough(library: Library, model: Model) -> None:
    hits = library.search("from the left", model).hits
    assert names(hits)[:2] == ["bell-left", "dog-left"]
    assert all(hit.what is None and hit.score == hit.where for hit in hits)
    assert names(library.search("up above", model).hits)[0] == "rain-up"


def test_the_compass_needs_to_know_the_facing(library: Library, model: Model) -> None:
    assert names(library.search("dog in the west", model).hits)[0] == "dog-left"
    assert names(library.search("dog in the west", model, facing="south").hits)[0] == "dog-right"


def test_an_example_finds_its_like_and_the_same_from_elsewhere(library: Library, folder: Path, model: Model) -> None:
    example = read(folder / "dog-right.wav")
    alike = library.search_like(example, model)
    assert alike.query is None
    assert names(alike.hits)[:2] == ["dog-right", "dog-left"]
    moved = library.search_like(example, model, where="from the left")
    assert names(moved.hits)[0] == "dog-left"
    behind = library.search_like(example, model, where="like this but from the left NOT file:bell")
    assert [hit.score for hit in behind.hits] == [hit.score for hit in moved.hits if "bell" not in hit.file]
    with pytest.raises(InputError, match="names no direction"):
        library.search_like(example, model, where="rain")


def test_long_files_have_a_row_for_each_window(tmp_path: Path, model: Model, sound: Sound) -> None:
    both = np.concatenate([sound("rain", 10, seconds=2.0), sound("horn", 10)], axis=1)
    write(tmp_path / "long.wav", both, RATE_HZ)
    library = Library(tmp_path / "library")
    library.add(tmp_path / "long.wav", model)
    assert len(library) == 3
    (best, *_) = library.search("horn", model).hits
    assert (best.start_s, best.end_s) == (2.0, 3.0)


def test_each_file_goes_through_the_network_once(library: Library, model: Model) -> None:
    assert sorted(model.heard) == sorted(library.files)


def test_what_has_not_changed_is_not_heard_again(library: Library, folder: Path, model: Model, sound: Sound) -> None:
    model.heard.clear()
    again = library.add(folder, model)
    assert (len(again.skipped), again.added, model.heard) == (4, (), [])
    write(folder / "dog-left.wav", sound("horn", 0, seconds=2.0), RATE_HZ)
    (folder / "dog-right.wav").unlink()
    report = library.add(folder, model)
    assert [Path(file).name for file in report.added] == ["dog-left.wav"]
    assert [Path(file).name for file in report.removed] == ["dog-right.wav"]
    assert names(library.search("horn", model, limit=2).hits) == ["dog-left", "dog-left"]
    assert "dog-right" not in names(library.search("dog", model).hits)
    assert len(library) == 4


def test_a_file_is_known_again_by_its_content(library: Library, folder: Path, model: Model) -> None:
    before = {hit.file: hit.score for hit in library.search("dog", model).hits}
    model.heard.clear()
    left, right, moved = folder / "dog-left.wav", folder / "dog-right.wav", folder / "deeper" / "moved.wav"
    left.rename(moved)
    os.utime(right, ns=(1, 1))
    shutil.copy(folder / "bell-left.flac", folder / "copy.flac")
    report = library.add(folder, model)
    assert model.heard == []
    assert report.moved == ((str(moved), str(left)),)
    assert report.added == (str(folder / "copy.flac"),)
    assert str(right) in report.skipped
    assert (report.removed, report.failed) == ((), ())
    after = {hit.file: hit.score for hit in library.search("dog", model).hits}
    assert after.pop(str(folder / "copy.flac")) == after[str(folder / "bell-left.flac")]
    assert after == {str(moved) if file == str(left) else file: score for file, score in before.items()}
    assert len(library.add(folder, model).skipped) == 5


def test_files_that_change_places_change_places(library: Library, folder: Path, model: Model) -> None:
    bell, dog = folder / "bell-left.flac", folder / "dog-left.wav"
    bell.rename(folder / "aside")
    dog.rename(bell)
    (folder / "aside").rename(dog)
    model.heard.clear()
    library.add(folder, model)
    assert model.heard == []
    assert {Path(hit.file).name for hit in library.search("dog", model, limit=2).hits} == {bell.name, "dog-right.wav"}


def test_conditions_are_met_before_anything_is_scored(library: Library, model: Model) -> None:
    def found(text: str) -> list[str]:
        return names(library.search(text, model).hits)

    assert found("dog from:left") == ["dog-left", "bell-left"]
    assert found("from:left NOT dog") == ["bell-left", "dog-left"]
    assert sorted(found("elevation:>20 OR file:right")) == ["dog-right", "rain-up"]
    assert found("dog NOT (from:left OR elevation:above)") == ["dog-right"]
    assert found("confidence:>0.95") == []
    assert found("dog AND rain from:right") == ["dog-right"]


def test_files_elsewhere_stay_when_a_folder_is_added(library: Library, folder: Path, model: Model) -> None:
    report = library.add(folder / "deeper", model)
    assert report.removed == ()
    assert len(library.files) == 4


def test_a_bad_file_is_reported_and_does_not_stop_the_rest(folder: Path, tmp_path: Path, model: Model) -> None:
    (folder / "broken.wav").write_bytes(b"RIFF and then nothing")
    report = Library(tmp_path / "library").add(folder, model)
    assert len(report.added) == 4
    ((file, reason),) = report.failed
    assert file.endswith("broken.wav")
    assert "\n" not in reason


def test_a_file_that_breaks_leaves_the_library(library: Library, folder: Path, model: Model) -> None:
    (folder / "dog-left.wav").write_bytes(b"RIFF")
    report = library.add(folder, model)
    assert len(report.failed) == len(report.removed) == 1
    assert len(library) == 3


def test_what_was_heard_survives_an_interruption(folder: Path, tmp_path: Path, model: Model) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    library = Library(tmp_path / "library")
    with pytest.raises(KeyboardInterrupt):
        library.add(folder, model, progress=interrupt)
    assert len(library) == 3
    model.heard.clear()
    library.add(folder, model)
    assert len(model.heard) == 1
    assert len(library) == 4


def test_a_kill_between_parts_loses_at_most_the_last_ones(
    folder: Path, tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adding, "FILES_A_PART", 1)
    library = Library(tmp_path / "library")
    before = {}

    def killed_after_two(done: int, total: int) -> None:
        if done == 2:
            before.update({path.name: path.read_bytes() for path in library.path.iterdir()})

    library.add(folder, model, progress=killed_after_two)
    # What a kill leaves: the files as they were, and the beginning of the next part.
    torn = tmp_path / "torn"
    torn.mkdir()
    for name, content in before.items():
        (torn / name).write_bytes(content)
    (torn / "part-000003-0a0b0c0d.safetensors").write_bytes(b"half of")
    (torn / "part-000003-0a0b0c0d.jsonl.5eedf00d.part").write_bytes(b'{"file"')
    killed = Library(torn)
    assert len(killed.search("dog", model).hits) == 2
    killed.add(folder, model)
    assert sorted(names(killed.search("dog", model).hits)) == sorted(names(library.search("dog", model).hits))
    assert not list(torn.glob("*.part"))


def test_a_library_among_recordings_deletes_none_of_them(folder: Path, model: Model) -> None:
    mine = {"part-1.wav", "part-2-final.wav", "part-3-take.safetensors.txt", "part-4.jsonl", "part-x.txt"}
    for name in mine:
        (folder / name).write_bytes((folder / "dog-left.wav").read_bytes())
    library = Library(folder)
    library.add(folder, model)
    library.add(folder, model)
    assert mine <= {path.name for path in folder.iterdir()}
    assert {str(folder / "part-1.wav"), str(folder / "part-2-final.wav")} <= set(library.files)


def test_another_models_library_is_refused_in_one_line(library: Library, folder: Path, toy) -> None:  # type: ignore[no-untyped-def]
    other = toy("toy-2")
    for use in (lambda: library.search("dog", other), lambda: library.add(folder, other)):
        with pytest.raises(InputError, match=r"toy-1.*toy-2") as caught:
            use()
        assert "\n" not in str(caught.value)
    assert len(library) == 4


def test_limits(library: Library, model: Model) -> None:
    assert len(library.search("dog", model, limit=100).hits) == 4
    assert len(library.search("dog", model, limit=1).hits) == 1
    with pytest.raises(InputError, match="at least 1"):
        library.search("dog", model, limit=0)


def test_an_empty_library_finds_nothing(tmp_path: Path, model: Model) -> None:
    empty = Library(tmp_path / "none")
    assert empty.search("dog from the left", model).hits == ()
    assert len(empty) == 0
    assert empty.files == ()
    assert not (tmp_path / "none").exists()


def test_a_folder_that_holds_libraries_names_them(library: Library, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r" is no library; in that folder there is \S+/library\.$"):
        Library(tmp_path, must_exist=True)
    for name in "abcd":
        shutil.copytree(library.path, tmp_path / name)
    with pytest.raises(InputError, match=r"there is \S+/a, \S+/b, \S+/c and 2 more\.$"):
        Library(tmp_path, must_exist=True)


def test_paths_that_cannot_be(tmp_path: Path, model: Model) -> None:
    with pytest.raises(InputError, match="is no library"):
        Library(tmp_path / "none", must_exist=True)
    with pytest.raises(InputError, match="does not exist"):
        Library(tmp_path / "new").add(tmp_path / "nowhere", model)
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(InputError, match="is a file"):
        Library(file)


def test_mono_ranks_below_whatever_can_satisfy_a_place(
    library: Library, tmp_path: Path, model: Model, sound: Sound
) -> None:
    write(tmp_path / "mono.wav", sound("dog", 0)[0][None], RATE_HZ)
    library.add(tmp_path / "mono.wav", model)
    hits = library.search("dog on the left", model).hits
    assert names(hits)[-1] == "mono"
    assert (hits[-1].where, hits[-1].azimuth_deg, hits[-1].ambiguity) == (None, None, "all")
    assert "mono" in names(library.search("dog", model).hits[:3])


def test_stereo_is_matched_folded(tmp_path: Path, model: Model, sound: Sound) -> None:
    dog = sound("dog", 0)[0]
    # W + Y and W - Y of a sound at 45 degrees, which may as well be at 135.
    write(tmp_path / "stereo.wav", np.stack([dog * 1.7071, dog * 0.2929]) / 2, RATE_HZ)
    library = Library(tmp_path / "library")
    library.add(tmp_path / "stereo.wav", model)
    places = {where: library.search(where, model).hits[0].where for where in ("front left", "back left", "right")}
    assert places["front left"] == pytest.approx(places["back left"])
    assert places["front left"] > 0.85
    assert places["right"] < 0.05


def test_lines_are_files_and_vectors_half_precision(library: Library) -> None:
    (lines,) = library.path.glob("*.jsonl")
    files = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
    (vectors,) = library.path.glob("*.safetensors")
    tensors = load_file(vectors)
    assert {len(tensor) for tensor in tensors.values()} == {sum(file["windows"] for file in files)}
    assert {str(tensors[name].dtype) for name in ("semantic", "spatial")} == {"float16"}
    assert all(os.path.isabs(file["file"]) for file in files)


def test_a_real_models_vectors_come_back(tmp_path: Path) -> None:
    """Eq. 2 from what is stored gives the model's own joint embedding, up to half precision."""
    model = Model(hub.build_frozen(preset("tiny")), preset("tiny"), digest="tiny")
    path = tmp_path / "rain.wav"
    noise = np.random.default_rng(1).standard_normal(24_000).astype(np.float32) * 0.1
    write(path, encode_plane_wave(noise, 30.0, 0.0), 24_000)
    library = Library(tmp_path / "library")
    library.add(path, model)
    expected = model.embed_audio([read(path)])
    (alike,) = library.search_like(read(path), model).hits
    # Without a known direction the joint embedding in a library is the semantic one.
    joint = expected.joint if alike.ambiguity is None else expected.semantic
    cosine = float(joint[0] @ expected.joint[0] / np.linalg.norm(joint[0]) / np.linalg.norm(expected.joint[0]))
    assert alike.what == pytest.approx(1.0, abs=1e-5)
    assert alike.score == pytest.approx((1.0 + cosine) / 2, abs=1e-5)
    (hit,) = library.search("rain from the left", model).hits
    assert hit.file == str(path)


@pytest.mark.skipif(sys.platform == "win32", reason="the system has no named pipes")
def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "take.wav").touch()
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "zero.wav").symlink_to("/dev/zero")
    (tmp_path / "gone.wav").symlink_to(tmp_path / "nothing.wav")
    (tmp_path / "round.wav").symlink_to(tmp_path)
    (tmp_path / "round").symlink_to(tmp_path)
    assert audio_files([tmp_path]) == [str(tmp_path / "take.wav")]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("azimuth_deg", np.inf),
        ("elevation_deg", -np.inf),
        ("confidence", np.nan),
        ("semantic", np.nan),
        ("spatial", np.inf),
    ],
)
def test_what_is_no_number_in_a_library_is_damage(library: Library, model: Model, column: str, value: float) -> None:
    (path,) = Path(library.path).glob("part-*.safetensors")
    columns = load_file(path)
    columns[column][0] = value
    save_file(columns, path)
    with pytest.raises(InputError, match="delete the library and index anew"):
        Library(library.path).search("dog from the left", model)
