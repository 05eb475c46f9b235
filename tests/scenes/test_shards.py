"""A shard: the samples of its scenes, read by WebDataset, in bytes that only the scenes decide."""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from salm.acoustics.room import Room
from salm.errors import InputError
from salm.scenes.corpora import open_corpus
from salm.scenes.corpora.base import Corpus
from salm.scenes.rendering import render_scene
from salm.scenes.scene import Ambience, Scene, Source, Waypoint
from salm.scenes.shards import RATE_HZ, ShardTask, file_digest, read_record, sample_facts, write_shard

WHISTLE = Source(
    sound_id="whistle-test-0000",
    caption="Ein Pfiff, très loin.",
    azimuth_deg=60.0,
    elevation_deg=0.0,
    distance_m=1.0,
    gain_db=-20.0,
)
ROOM = Room(size_m=(4.0, 3.0, 2.5), absorption=[[0.5] * 8] * 6, microphone_m=(2.0, 1.5, 1.2))
QUIET = Scene(seed=0, sources=(WHISTLE,), duration_s=0.2)
ROOMY = Scene(seed=1, sources=(WHISTLE, replace(WHISTLE, azimuth_deg=-90.0)), room=ROOM, duration_s=0.2)
LOUD = Scene(seed=0, sources=(replace(WHISTLE, gain_db=20.0),), duration_s=0.2)

Task = Callable[..., ShardTask]


@pytest.fixture
def corpus() -> Corpus:
    return open_corpus(None, split="test", per_kind=1)


@pytest.fixture
def task(scene_file: Callable[..., Path], tmp_path: Path) -> Task:
    def build(*scenes: Scene, start: int = 0, out: str = "out") -> ShardTask:
        path = scene_file("scenes.jsonl", {"test": scenes}, split="test")
        (tmp_path / out).mkdir(exist_ok=True)
        return ShardTask(
            scenes=path,
            digest=file_digest(path),
            out=tmp_path / out,
            number=7,
            start=start,
            stop=len(scenes),
            run=out,
        )

    return build


def members(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}


def test_recordings_are_the_rendered_scenes(task: Task, corpus: Corpus) -> None:
    write_shard(given := task(QUIET, ROOMY))
    for row, scene in enumerate((QUIET, ROOMY)):
        data = members(given.tar)[f"{row:08d}.flac"]
        samples, rate_hz = soundfile.read(io.BytesIO(data), dtype="float32")
        assert rate_hz == RATE_HZ
        # FLAC holds 24 bits.
        np.testing.assert_allclose(samples.T, render_scene(scene, corpus), atol=2**-23)


def test_facts_say_where_the_sound_is_and_hold_the_whole_scene(task: Task) -> None:
    write_shard(given := task(QUIET, ROOMY, start=1))
    facts = json.loads(members(given.tar)["00000001.json"])
    assert Scene.from_dict(facts["scene"]) == ROOMY
    assert facts["caption"] == WHISTLE.caption
    assert (facts["row"], facts["split"], facts["sources"]) == (1, "test", 2)
    assert (facts["azimuth_deg"], facts["elevation_deg"], facts["distance_m"]) == (60.0, 0.0, 1.0)
    assert (facts["sector"], facts["sound_id"]) == ("front left", "whistle-test-0000")
    assert (facts["room_size_m"], facts["rt60_s"]) == ([4.0, 3.0, 2.5], ROOM.mid_rt60_s)
    assert (facts["duration_s"], facts["gain_db"]) == (0.2, 0.0)


def test_facts_say_what_goes_beyond_direction() -> None:
    path = [Waypoint(0.0, 0.0, 50.0, 3.0), Waypoint(1.0, 20.0, 50.0, 3.0)]
    owl = Source.along(path, sound_id="owl", caption="An owl.", gain_db=-20.0)
    scene = Scene(seed=0, sources=(owl,), ambience=Ambience(snr_db=12.0, sound_id="rain"))
    facts = sample_facts(scene, row=0, split="")
    assert facts["attributes"] == ["above", "far", "dry", "quiet"]
    assert (facts["moving"], facts["ambience_snr_db"]) == (True, 12.0)
    assert scene.sound_ids == ("owl", "rain")
    assert (sample_facts(QUIET, row=0, split="")["moving"], QUIET.sound_ids) == (False, ("whistle-test-0000",))


def test_the_free_field_has_no_room() -> None:
    facts = sample_facts(QUIET, row=0, split="")
    assert (facts["room_size_m"], facts["rt60_s"]) == (None, None)


def test_a_recording_beyond_full_scale_keeps_its_direction_and_says_its_gain(task: Task, corpus: Corpus) -> None:
    record = write_shard(given := task(LOUD))
    w, y, _, x = soundfile.read(io.BytesIO(members(given.tar)["00000000.flac"]))[0].T
    assert np.abs(w).max() > 0.99
    assert np.rad2deg(np.arctan2(w @ y, w @ x)) == pytest.approx(60.0, abs=0.01)
    peak = np.abs(render_scene(LOUD, corpus)).max()
    assert record["rows"][0]["gain_db"] == pytest.approx(-20 * np.log10(peak))


def test_members_are_sorted_and_say_nothing_of_when_or_who(task: Task) -> None:
    write_shard(given := task(QUIET, QUIET))
    with tarfile.open(given.tar) as tar:
        listed = tar.getmembers()
    assert [member.name for member in listed] == [f"0000000{n}.{suffix}" for n in (0, 1) for suffix in ("flac", "json")]
    assert {(member.mtime, member.uid, member.gid, member.uname, member.gname) for member in listed} == {
        (0, 0, 0, "", "")
    }
    assert {member.mode for member in listed} == {0o644}


def test_the_record_knows_the_bytes(task: Task) -> None:
    record = write_shard(given := task(QUIET))
    content = given.tar.read_bytes()
    assert (record["bytes"], record["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert read_record(given) == record == json.loads(given.record.read_bytes())


def test_the_same_scenes_give_the_same_bytes(task: Task) -> None:
    write_shard(one := task(QUIET, ROOMY, out="one"))
    write_shard(other := task(QUIET, ROOMY, out="other"))
    assert one.tar.read_bytes() == other.tar.read_bytes()
    assert one.record.read_bytes() == other.record.read_bytes()


@pytest.mark.parametrize("number", [np.inf, np.nan])
def test_what_is_no_number_is_left_out(task: Task, monkeypatch: pytest.MonkeyPatch, number: float) -> None:
    odd = np.full((4, 10), number, np.float32)
    monkeypatch.setattr("salm.scenes.shards.render_scene", lambda *_, **__: odd)
    record = write_shard(task(QUIET))
    assert record["skipped"] == [
        {
            "row": 0,
            "sound_id": None,
            "response_id": None,
            "reason": "the recording holds samples that are no numbers.",
        }
    ]


def test_a_file_that_was_altered_meanwhile_is_refused(task: Task) -> None:
    given = task(QUIET)
    task(ROOMY)
    with pytest.raises(InputError, match=r"scenes\.jsonl was altered while it was exported"):
        write_shard(given)
    assert list(given.out.iterdir()) == []


# It leaves files to the garbage collector to close.
@pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_webdataset_reads_shards(task: Task) -> None:
    webdataset = pytest.importorskip("webdataset")
    write_shard(given := task(QUIET, ROOMY))
    dataset = webdataset.WebDataset(str(given.tar), shardshuffle=False).decode(
        webdataset.handle_extension("flac", lambda data: soundfile.read(io.BytesIO(data))[0].T)
    )
    samples = list(dataset)
    assert [sample["__key__"] for sample in samples] == ["00000000", "00000001"]
    assert all(sample["flac"].shape == (4, RATE_HZ // 5) for sample in samples)
    assert [sample["json"]["caption"] for sample in samples] == [WHISTLE.caption] * 2
