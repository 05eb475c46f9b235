"""Scenes through measured responses: drawn into a file, opened again by its head, shown and exported."""

import csv
import io
import json
import tarfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from pyarrow import parquet

from salm.acoustics.measured import ResponsesFrom
from salm.acoustics.room import Room
from salm.acoustics.srir import simulate
from salm.cli import main
from salm.errors import InputError
from salm.frame import SECTORS, angle_between_deg, parse_direction, sector_index, unit_vector
from salm.scenes.captions import HELD_OUT_PHRASINGS, spatial_caption
from salm.scenes.export import export_scenes
from salm.scenes.make import make_scenes
from salm.scenes.scene import Scene, Source
from salm.scenes.shards import ShardTask, write_shard
from salm.scenes.storage import SceneTable
from salm.scenes.workers import ProcessPool

RATE_HZ = 24_000
ROOMS = {
    "studio": Room(size_m=(6.0, 5.0, 3.0), absorption=[[0.7] * 8] * 6, microphone_m=(2.7, 2.6, 1.4)),
    "hall": Room(size_m=(12.0, 9.0, 5.0), absorption=[[0.6] * 8] * 6, microphone_m=(6.3, 4.1, 1.6)),
}


@pytest.fixture(scope="module")
def responses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight responses in each of two rooms, simulated, as a folder of one's own."""
    folder = tmp_path_factory.mktemp("measured") / "house"
    folder.mkdir()
    rows = ["file,azimuth_deg,elevation_deg,distance_m,room"]
    for number, (name, room) in enumerate(ROOMS.items()):
        azimuths = np.arange(8) * 45.0 - 170.0 + 7 * number
        places = np.asarray(room.microphone_m) + 1.3 * unit_vector(azimuths, np.full(8, 15.0 - 30 * number))
        for azimuth, samples in zip(azimuths, simulate(room, places, rate_hz=RATE_HZ, seed=number), strict=True):
            file = f"{name}_{azimuth:+.0f}.wav"
            soundfile.write(folder / file, samples.T, RATE_HZ, subtype="FLOAT")
            rows.append(f"{file},{azimuth},{15.0 - 30 * number},1.3,{name}")
    (folder / "responses.csv").write_text("\n".join(rows), encoding="utf-8")
    return folder


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Two sounds that begin at once and last half a second."""
    folder = tmp_path / "sounds"
    folder.mkdir()
    for seed, name in enumerate(("dog", "rain")):
        soundfile.write(folder / f"{name}.wav", np.random.default_rng(seed).uniform(-1, 1, RATE_HZ // 2), RATE_HZ)
    (folder / "manifest.csv").write_text(
        "file,caption,split\ndog.wav,A dog barks.,train\nrain.wav,Rain falls.,train\n", encoding="utf-8"
    )
    return folder


@pytest.fixture
def drawn(corpus: Path, responses: Path, tmp_path: Path) -> Path:
    path = tmp_path / "scenes.jsonl"
    make_scenes(path, corpus=corpus, count=12, seed=4, measured=(ResponsesFrom(path=str(responses)), 0.5))
    return path


def tabled(responses: Path) -> dict[str, tuple[float, float]]:
    """Angles by file, read apart from the library."""
    with (responses / "responses.csv").open(newline="", encoding="utf-8") as file:
        return {row["file"]: (float(row["azimuth_deg"]), float(row["elevation_deg"])) for row in csv.DictReader(file)}


class Here:
    """Writes shards in this process."""

    def __call__(self, tasks: Sequence[ShardTask]) -> Iterator[dict[str, Any]]:
        yield from map(write_shard, tasks)


def recordings(out: Path) -> dict[int, np.ndarray]:
    found = {}
    for path in sorted(out.glob("*.tar")):
        with tarfile.open(path) as tar:
            for member in tar.getmembers():
                if member.name.endswith(".flac"):
                    samples, rate_hz = soundfile.read(io.BytesIO(tar.extractfile(member).read()))
                    assert rate_hz == RATE_HZ
                    found[int(member.name.removesuffix(".flac"))] = samples.T
    return found


def heard(recording: np.ndarray) -> np.ndarray:
    """Active intensity of the first three milliseconds of sound, x, y, z."""
    start = int(np.argmax(np.abs(recording[0]) > 0.1 * np.abs(recording[0]).max()))
    w, y, z, x = recording[:, start : start + 72]
    return np.array([w @ x, w @ y, w @ z])


def test_the_share_of_measured_scenes_is_the_one_asked_for(corpus: Path, responses: Path, tmp_path: Path) -> None:
    named = ResponsesFrom(path=str(responses))
    for share in (0.0, 0.3, 1.0):
        path = tmp_path / f"{share}.jsonl"
        make_scenes(path, corpus=corpus, count=400, measured=(named, share))
        measured = np.mean([scene.responses == "house" for scene in SceneTable(path)])
        assert abs(measured - share) <= 4 * np.sqrt(share * (1 - share) / 400)
        assert all((scene.room is None) == (scene.responses is not None) for scene in SceneTable(path))


def test_places_and_captions_are_those_of_the_responses(drawn: Path, responses: Path) -> None:
    angles = tabled(responses)
    sources = [scene.sources[0] for scene in SceneTable(drawn) if scene.responses]
    assert len(sources) >= 3
    for source in sources:
        azimuth_deg, elevation_deg = angles[source.response_id]
        assert angle_between_deg(
            unit_vector(source.azimuth_deg, source.elevation_deg), unit_vector(azimuth_deg, elevation_deg)
        ) == pytest.approx(0, abs=1e-6)
        assert source.distance_m == 1.3
        said = parse_direction(spatial_caption(source.caption, source.sector, phrasing=HELD_OUT_PHRASINGS[0]))
        assert said is not None
        assert said.sector == SECTORS[sector_index(azimuth_deg)]


def test_the_head_says_how_the_responses_are_opened(drawn: Path, responses: Path, monkeypatch: Any) -> None:
    table = SceneTable(drawn)
    assert table.head["responses"] == {"path": str(responses), "layout": "folder"}
    assert table.head["responses_share"] == 0.5
    monkeypatch.chdir("/")
    opened = table.open_responses()
    assert opened is not None
    table.check_responses(opened)
    assert {item.id for item in opened.items} == set(tabled(responses))


def test_relative_paths_are_found_again_from_elsewhere(corpus: Path, responses: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(responses.parent)
    make_scenes(corpus / "s.jsonl", corpus=corpus, count=1, measured=(ResponsesFrom(path="house"), 1.0))
    monkeypatch.chdir("/")
    assert SceneTable(corpus / "s.jsonl").open_responses() is not None


def test_only_the_rooms_asked_for_are_drawn(corpus: Path, responses: Path, tmp_path: Path) -> None:
    named = ResponsesFrom(path=str(responses), rooms=("hall",))
    make_scenes(tmp_path / "s.jsonl", corpus=corpus, count=30, measured=(named, 1.0))
    table = SceneTable(tmp_path / "s.jsonl")
    assert {scene.sources[0].response_id.split("_")[0] for scene in table} == {"hall"}
    assert len(table.open_responses().items) == 8


def test_files_without_measured_scenes_name_no_responses(corpus: Path, tmp_path: Path) -> None:
    make_scenes(tmp_path / "s.jsonl", corpus=corpus, count=2)
    table = SceneTable(tmp_path / "s.jsonl")
    assert "responses" not in table.head
    assert table.open_responses() is None
    table.check_responses(None)


def test_exported_scenes_are_heard_from_where_the_table_says(drawn: Path, responses: Path, tmp_path: Path) -> None:
    angles, out = tabled(responses), tmp_path / "out"
    done = export_scenes(drawn, out, shard_scenes=5, workers=Here())
    assert (done.recordings, done.skipped) == (12, ())
    found = recordings(out)
    rows = parquet.read_table(out / "manifest.parquet").to_pylist()
    for row, scene in zip(rows, SceneTable(drawn), strict=True):
        assert (row["responses"], row["response_id"]) == (scene.responses, scene.sources[0].response_id)
        assert (row["room_size_m"] is None) == (scene.responses is not None)
        if scene.responses:
            off_deg = angle_between_deg(heard(found[row["row"]]), unit_vector(*angles[row["response_id"]]))
            # Onsets hold the first reflections too.
            assert off_deg < 10


def test_workers_write_the_bytes_of_this_process(drawn: Path, tmp_path: Path) -> None:
    export_scenes(drawn, tmp_path / "here", shard_scenes=6, workers=Here())
    export_scenes(drawn, tmp_path / "two", shard_scenes=6, workers=ProcessPool(2))
    here, two = (
        {path.name: path.read_bytes() for path in sorted((tmp_path / name).iterdir())} for name in ("here", "two")
    )
    assert here == two


def test_a_damaged_response_is_named_and_rendered_once_it_is_mended(
    corpus: Path, response_folder: Callable[..., Path], tmp_path: Path
) -> None:
    folder = response_folder("pair", [("left.wav", 90.0, 0.0, ""), ("right.wav", -90.0, 0.0, "")])
    path, out = tmp_path / "s.jsonl", tmp_path / "out"
    make_scenes(path, corpus=corpus, count=10, measured=(ResponsesFrom(path=str(folder)), 1.0))
    rows = tuple(row for row, scene in enumerate(SceneTable(path)) if scene.sources[0].response_id == "left.wav")
    assert 0 < len(rows) < 10
    whole = (folder / "left.wav").read_bytes()
    (folder / "left.wav").write_bytes(b"RIFF" + b"\xff" * 40)
    done = export_scenes(path, out, workers=Here())
    (item,) = done.skipped
    assert (item.sound_id, item.response_id, item.rows) == (None, "left.wav", rows)
    assert "left.wav is no audio file" in item.reason
    assert export_scenes(path, out, workers=Here()).skipped == done.skipped
    (folder / "left.wav").write_bytes(whole)
    assert export_scenes(path, out, workers=Here()).recordings == 10
    export_scenes(path, tmp_path / "anew", workers=Here())
    assert (out / "000000.tar").read_bytes() == (tmp_path / "anew" / "000000.tar").read_bytes()


def test_responses_that_moved_are_one_line(
    corpus: Path, response_folder: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = response_folder("hall", [("left.wav", 90.0, 0.0, "")])
    path = tmp_path / "s.jsonl"
    make_scenes(path, corpus=corpus, count=2, measured=(ResponsesFrom(path=str(folder)), 1.0))
    folder.rename(tmp_path / "elsewhere")
    assert main(["scenes", "export", str(path), "-o", str(tmp_path / "out"), "--workers", "1"]) == 2
    err = capsys.readouterr().err.splitlines()[-1]
    assert err == (
        f"salm: the measured responses of {path}: {folder} is not there; "
        "expected measured responses of the layout folder."
    )
    # Looking at the scenes needs none of them.
    assert main(["scenes", "show", str(path)]) == 0


@pytest.fixture
def measured_scene() -> Callable[..., Scene]:
    def build(response_id: str, responses: str = "house") -> Scene:
        source = Source(
            sound_id="dog",
            caption='Says "responses": "x".',
            azimuth_deg=0.0,
            elevation_deg=0.0,
            distance_m=None,
            response_id=response_id,
        )
        return Scene(seed=0, sources=(source,), responses=responses)

    return build


def test_every_response_is_looked_for(
    scene_file: Callable[..., Path], measured_scene: Callable[..., Scene], responses: Path
) -> None:
    opened = ResponsesFrom(path=str(responses)).open()
    known = opened.items[0].id
    SceneTable(scene_file("good.jsonl", {"train": [measured_scene(known)]})).check_responses(opened)
    gone = SceneTable(scene_file("gone.jsonl", {"train": [measured_scene(known), measured_scene('a"b.wav')]}))
    with pytest.raises(InputError, match=r"gone\.jsonl, line 3: the responses house have no 'a\"b\.wav'; make"):
        gone.check_responses(opened)
    other = SceneTable(scene_file("other.jsonl", {"train": [measured_scene(known, "barn")]}))
    with pytest.raises(InputError, match=r"line 2: .* the responses 'barn' but those of 'house' are given"):
        other.check_responses(opened)
    with pytest.raises(InputError, match=r"line 2: .* the responses 'barn' but none are given"):
        other.check_responses(None)


def test_a_head_with_odd_responses_is_one_line(scene_file: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match=r"line 1: the responses are 'hall' but must be a table or null"):
        SceneTable(scene_file("s.jsonl", {"train": []}, responses="hall"))


def test_the_commands_make_and_show_them(
    corpus: Path, responses: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "s.jsonl"
    words = ["scenes", "make", "-o", str(out), "--corpus", str(corpus), "--count", "30", "--responses", str(responses)]
    assert main([*words, "--responses-share", "0.8", "--responses-rooms", "studio"]) == 0
    capsys.readouterr()
    measured = sum(scene.responses is not None for scene in SceneTable(out))
    assert 15 < measured < 30
    assert main(["scenes", "show", str(out), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["summary"]["measured"], document["summary"]["responses"]) == (measured, {"house": measured})
    assert document["head"]["responses"]["rooms"] == ["studio"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--responses GONE", "GONE is not there; expected measured responses of the layout folder."),
        ("--responses HOUSE --responses-share 1.5", "--responses-share is 1.5 but must be from 0 to 1."),
        ("--responses HOUSE --responses-share nan", "--responses-share is nan but must be from 0 to 1."),
        ("--responses HOUSE --responses-rooms attic", "house has no room 'attic'; it has hall, studio."),
        ("--responses HOUSE --responses-split train", "the layout folder has no splits"),
        ("--responses HOUSE --responses-layout tau-srir", "HOUSE has no rirdata.mat"),
        ("--responses-share 0.2", "--responses-share needs --responses, where they are."),
        ("--responses-rooms hall", "--responses-rooms needs --responses, where they are."),
        ("sclotho --root HOUSE --responses HOUSE", "--responses does not go with sclotho"),
    ],
)
def test_wrong_options_are_one_line(
    responses: Path, tmp_path: Path, words: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def filled(text: str) -> str:
        return text.replace("HOUSE", str(responses)).replace("GONE", str(tmp_path / "gone"))

    assert main(["scenes", "make", *filled(words).split(), "-o", str(tmp_path / "s")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"salm: {filled(message)}")
    assert err.count("\n") == 1
    assert not (tmp_path / "s").exists()
