import json
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from salm.audio.formats import encode_plane_wave
from salm.audio.intensity import locate_by_intensity
from salm.audio.recording import Recording, read, write
from salm.errors import InputError
from salm.frame import unit_vector
from salm.library import adding
from salm.library.index import Library
from salm.model import hub
from salm.model.inference import AudioEmbeddings, Heard, Location, Model
from salm.model.presets import preset

RATE_HZ = 8000
WINDOW_S = 1.0
PITCHES_HZ = {"dog": 300.0, "bell": 700.0, "rain": 1500.0, "horn": 2500.0}
WIDTH = 8


def tone(kind: str, seconds: float = 1.0) -> np.ndarray:
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (0.3 * np.sin(2 * np.pi * PITCHES_HZ[kind] * time_s)).astype(np.float32)


def placed(kind: str, azimuth_deg: float, elevation_deg: float = 0.0, seconds: float = 1.0) -> np.ndarray:
    return encode_plane_wave(tone(kind, seconds), azimuth_deg, elevation_deg)


class ToyModel:
    """What a library needs of a model, in few lines: it hears one of four pitches, and locates by intensity."""

    def __init__(self, digest: str = "toy-1") -> None:
        self.digest = digest
        self.config = SimpleNamespace(name="toy")
        self.network = SimpleNamespace(joint_weight=torch.full((WIDTH,), 0.5))
        self.heard: list[str | None] = []

    def hear(self, recording: Recording) -> Heard:
        self.heard.append(recording.path)
        step = round(WINDOW_S * recording.rate_hz)
        starts = range(0, recording.samples.shape[1], step)
        parts = [recording.samples[:, start : start + step] for start in starts]
        semantic = np.stack([self._semantic(part, recording.rate_hz) for part in parts])
        where = [self._vector(recording, part) for part in parts]
        spatial = np.stack([np.r_[np.zeros(4), vector, 0] for vector in where]).astype(np.float32)
        joint = semantic if recording.ambiguity else semantic + np.float32(0.5) * spatial
        return Heard(
            recording=recording,
            start_s=[start / recording.rate_hz for start in starts],
            end_s=[(start + part.shape[1]) / recording.rate_hz for start, part in zip(starts, parts, strict=True)],
            embeddings=AudioEmbeddings(joint, semantic, spatial),
            direction=np.stack(where).astype(np.float32),
            length=np.ones(len(where), np.float32),
        )

    def places(self, heard: Heard) -> list[Location]:
        found = locate_by_intensity(heard.recording)
        return [
            Location(
                start_s=start_s,
                end_s=end_s,
                azimuth_deg=found.azimuth_deg,
                elevation_deg=found.elevation_deg,
                sector=None,
                confidence=0.9 if found.azimuth_deg is not None else 0.0,
                ambiguity=found.ambiguity,
                reason=found.reason,
            )
            for start_s, end_s in zip(heard.start_s, heard.end_s, strict=True)
        ]

    def embed_audio(self, recordings: list[Recording]) -> AudioEmbeddings:
        parts = [self.hear(recording).embeddings for recording in recordings]
        return AudioEmbeddings(*(np.stack([part[i].mean(axis=0) for part in parts]) for i in range(3)))

    def embed_text(self, sentences: list[str]) -> np.ndarray:
        rows = []
        for sentence in sentences:
            what = np.array([float(kind in sentence) for kind in PITCHES_HZ])
            where = np.zeros(3) if "left" not in sentence else unit_vector(90.0, 0.0)
            rows.append(np.r_[what, where, 0.1])
        stacked = np.array(rows, np.float32)
        return stacked / np.linalg.norm(stacked, axis=1, keepdims=True)

    def _semantic(self, part: np.ndarray, rate_hz: int) -> np.ndarray:
        spectrum = np.abs(np.fft.rfft(part[0]))
        peak_hz = spectrum.argmax() * rate_hz / part.shape[1]
        return np.r_[[3.0 * (abs(peak_hz - hz) < 20) for hz in PITCHES_HZ.values()], np.zeros(4)].astype(np.float32)

    def _vector(self, recording: Recording, part: np.ndarray) -> np.ndarray:
        intensity = np.array([(part[0] * part[channel]).sum() for channel in (3, 1, 2)])
        return intensity / max(1e-9, float(np.linalg.norm(intensity)))


@pytest.fixture
def model() -> ToyModel:
    return ToyModel()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four recordings: two dogs, and two sounds on the left."""
    home = tmp_path / "sounds"
    (home / "deeper").mkdir(parents=True)
    write(home / "dog-left.wav", placed("dog", 80, 10), RATE_HZ)
    write(home / "dog-right.wav", placed("dog", -100, -5), RATE_HZ)
    write(home / "bell-left.flac", placed("bell", 95, 0), RATE_HZ)
    write(home / "deeper" / "rain-up.wav", placed("rain", 60, 50), RATE_HZ)
    (home / "notes.txt").write_text("dog", encoding="utf-8")
    (home / "._dog-left.wav").write_bytes(b"not audio")
    return home


@pytest.fixture
def library(tmp_path: Path, folder: Path, model: ToyModel) -> Library:
    made = Library(tmp_path / "library")
    made.add(folder, model)
    return made


def names(hits) -> list[str]:
    return [Path(hit.file).stem for hit in hits]


def test_a_sentence_finds_what_and_where(library: Library, model: ToyModel) -> None:
    result = library.search("dog from the left", model)
    assert names(result.hits)[:2] == ["dog-left", "dog-right"]
    assert result.query.what == "dog"
    best = result.hits[0]
    assert (best.azimuth_deg, best.elevation_deg) == pytest.approx((80, 10), abs=0.1)
    assert best.what > 0.9
    assert best.where > 0.8
    assert result.hits[1].where < 0.05
    assert [hit.score for hit in result.hits] == sorted((hit.score for hit in result.hits), reverse=True)


def test_without_place_words_only_what_counts(library: Library, model: ToyModel) -> None:
    hits = library.search("dog", model).hits
    assert {*names(hits)[:2]} == {"dog-left", "dog-right"}
    assert hits[0].score == hits[1].score == hits[0].what
    assert all(hit.where is None for hit in hits)


def test_a_place_alone_is_enough(library: Library, model: ToyModel) -> None:
    hits = library.search("from the left", model).hits
    assert names(hits)[:2] == ["bell-left", "dog-left"]
    assert all(hit.what is None and hit.score == hit.where for hit in hits)
    assert names(library.search("up above", model).hits)[0] == "rain-up"


def test_the_compass_needs_to_know_the_facing(library: Library, model: ToyModel) -> None:
    assert names(library.search("dog in the west", model).hits)[0] == "dog-left"
    assert names(library.search("dog in the west", model, facing="south").hits)[0] == "dog-right"


def test_an_example_finds_its_like_and_the_same_from_elsewhere(library: Library, folder: Path, model: ToyModel) -> None:
    example = read(folder / "dog-right.wav")
    alike = library.search_like(example, model)
    assert alike.query is None
    assert names(alike.hits)[:2] == ["dog-right", "dog-left"]
    moved = library.search_like(example, model, where="from the left")
    assert names(moved.hits)[0] == "dog-left"
    with pytest.raises(InputError, match="names no direction"):
        library.search_like(example, model, where="rain")


def test_long_files_have_a_row_for_each_window(tmp_path: Path, model: ToyModel) -> None:
    both = np.concatenate([placed("rain", 10, seconds=2.0), placed("horn", 10)], axis=1)
    write(tmp_path / "long.wav", both, RATE_HZ)
    library = Library(tmp_path / "library")
    library.add(tmp_path / "long.wav", model)
    assert len(library) == 3
    (best, *_) = library.search("horn", model).hits
    assert (best.start_s, best.end_s) == (2.0, 3.0)


def test_each_file_goes_through_the_network_once(library: Library, model: ToyModel) -> None:
    assert sorted(model.heard) == sorted(library.files)


def test_what_has_not_changed_is_not_heard_again(library: Library, folder: Path, model: ToyModel) -> None:
    model.heard.clear()
    again = library.add(folder, model)
    assert (len(again.skipped), again.added, model.heard) == (4, (), [])
    write(folder / "dog-left.wav", placed("horn", 0, seconds=2.0), RATE_HZ)
    (folder / "dog-right.wav").unlink()
    report = library.add(folder, model)
    assert [Path(file).name for file in report.added] == ["dog-left.wav"]
    assert [Path(file).name for file in report.removed] == ["dog-right.wav"]
    assert names(library.search("horn", model, limit=2).hits) == ["dog-left", "dog-left"]
    assert "dog-right" not in names(library.search("dog", model).hits)
    assert len(library) == 4


def test_files_elsewhere_stay_when_a_folder_is_added(library: Library, folder: Path, model: ToyModel) -> None:
    report = library.add(folder / "deeper", model)
    assert report.removed == ()
    assert len(library.files) == 4


def test_a_bad_file_is_reported_and_does_not_stop_the_rest(folder: Path, tmp_path: Path, model: ToyModel) -> None:
    (folder / "broken.wav").write_bytes(b"RIFF and then nothing")
    report = Library(tmp_path / "library").add(folder, model)
    assert len(report.added) == 4
    ((file, reason),) = report.failed
    assert file.endswith("broken.wav")
    assert "\n" not in reason


def test_a_file_that_breaks_leaves_the_library(library: Library, folder: Path, model: ToyModel) -> None:
    (folder / "dog-left.wav").write_bytes(b"RIFF")
    report = library.add(folder, model)
    assert len(report.failed) == len(report.removed) == 1
    assert len(library) == 3


def test_what_was_heard_survives_an_interruption(folder: Path, tmp_path: Path, model: ToyModel) -> None:
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
    folder: Path, tmp_path: Path, model: ToyModel, monkeypatch: pytest.MonkeyPatch
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
    (torn / "part-000003.safetensors").write_bytes(b"half of")
    (torn / "part-000003.jsonl.part").write_bytes(b'{"file"')
    killed = Library(torn)
    assert len(killed.search("dog", model).hits) == 2
    killed.add(folder, model)
    assert sorted(names(killed.search("dog", model).hits)) == sorted(names(library.search("dog", model).hits))
    assert not list(torn.glob("*.part"))


def test_another_models_library_is_refused_in_one_line(library: Library, folder: Path) -> None:
    other = ToyModel("toy-2")
    for use in (lambda: library.search("dog", other), lambda: library.add(folder, other)):
        with pytest.raises(InputError, match=r"toy-1.*toy-2") as caught:
            use()
        assert "\n" not in str(caught.value)
    assert len(library) == 4


def test_limits(library: Library, model: ToyModel) -> None:
    assert len(library.search("dog", model, limit=100).hits) == 4
    assert len(library.search("dog", model, limit=1).hits) == 1
    with pytest.raises(InputError, match="at least 1"):
        library.search("dog", model, limit=0)


def test_an_empty_library_finds_nothing(tmp_path: Path, model: ToyModel) -> None:
    empty = Library(tmp_path / "none")
    assert empty.search("dog from the left", model).hits == ()
    assert len(empty) == 0
    assert empty.files == ()
    assert not (tmp_path / "none").exists()


def test_paths_that_cannot_be(tmp_path: Path, model: ToyModel) -> None:
    with pytest.raises(InputError, match="is no library"):
        Library(tmp_path / "none", must_exist=True)
    with pytest.raises(InputError, match="does not exist"):
        Library(tmp_path / "new").add(tmp_path / "nowhere", model)
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(InputError, match="is a file"):
        Library(file)


def test_mono_ranks_below_whatever_can_satisfy_a_place(library: Library, tmp_path: Path, model: ToyModel) -> None:
    write(tmp_path / "mono.wav", tone("dog")[None], RATE_HZ)
    library.add(tmp_path / "mono.wav", model)
    hits = library.search("dog on the left", model).hits
    assert names(hits)[-1] == "mono"
    assert (hits[-1].where, hits[-1].azimuth_deg, hits[-1].ambiguity) == (None, None, "all")
    assert "mono" in names(library.search("dog", model).hits[:3])


def test_stereo_is_matched_folded(tmp_path: Path, model: ToyModel) -> None:
    sound = tone("dog")
    # W + Y and W - Y of a sound at 45 degrees, which may as well be at 135.
    write(tmp_path / "stereo.wav", np.stack([sound * 1.7071, sound * 0.2929]) / 2, RATE_HZ)
    library = Library(tmp_path / "library")
    library.add(tmp_path / "stereo.wav", model)
    places = {where: library.search(where, model).hits[0].where for where in ("front left", "back left", "right")}
    assert places["front left"] == pytest.approx(places["back left"])
    assert places["front left"] > 0.85
    assert places["right"] < 0.05


def test_rows_are_json_lines_and_vectors_half_precision(library: Library) -> None:
    (lines,) = library.path.glob("*.jsonl")
    rows = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
    (vectors,) = library.path.glob("*.safetensors")
    tensors = load_file(vectors)
    assert {name: (len(t), str(t.dtype)) for name, t in tensors.items()} == dict.fromkeys(
        ("semantic", "spatial"), (len(rows), "float16")
    )
    assert all(os.path.isabs(row["file"]) for row in rows)


def test_a_real_models_vectors_come_back(tmp_path: Path) -> None:
    """Eq. 2 from what is stored gives the model's own joint embedding, up to half precision."""
    model = Model(hub.build_frozen(preset("tiny")), preset("tiny"), digest="tiny")
    path = tmp_path / "rain.wav"
    noise = np.random.default_rng(1).standard_normal(24_000).astype(np.float32) * 0.1
    write(path, encode_plane_wave(noise, 30.0, 0.0), 24_000)
    library = Library(tmp_path / "library")
    library.add(path, model)
    rows = library._rows(model)
    expected = model.embed_audio([read(path)]).normalised()
    assert rows.joint[0] @ expected.joint[0] > 0.99999
    assert rows.semantic[0] @ expected.semantic[0] > 0.99999
    (hit,) = library.search("rain from the left", model).hits
    assert hit.file == str(path)
