"""TUT Sound Events 2018 and TAU Spatial Sound Events 2019; what has tripped others bears the name trap."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from salm.audio.intensity import intensity_direction
from salm.errors import InputError
from salm.frame import angle_between_deg, unit_vector
from salm.scenes.recordings import open_recordings
from salm.scenes.recordings.events import open_events, read_events

Write = Callable[[str, str], None]
Foa = Callable[..., Path]
HEAD = "sound_event_recording,start_time,end_time,ele,azi,dist\n"
# The last name is lost, and with it the place of every column that is read by name.
LOST = "sound_event_recording,start_time,end_time,ele,azi\n"


@pytest.mark.parametrize("head", [HEAD, LOST, ""], ids=["published", "mirror", "none"])
def test_trap_columns_are_read_by_position_and_elevation_is_before_azimuth(
    write: Write, tmp_path: Path, head: str
) -> None:
    write("a.csv", f"{head}164312-3-1-0.wav,0.5,1.25,-30,110,2.0\n")
    (label,) = read_events(tmp_path / "a.csv")
    assert (label.start_s, label.end_s, label.category) == (0.5, 1.25, "dog bark")
    assert (label.elevation_deg, label.azimuth_deg, label.distance_m) == (-30.0, 110.0, 2.0)


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("164312-3-1-0.wav", "dog bark"),
        ("7061-6-0-0.wav", "gun shot"),
        ("speech007.wav", "speech"),
        ("keysDrop012.wav", "keysDrop"),
        ("knock", "knock"),
    ],
)
def test_trap_classes_are_in_the_names_of_the_sounds(write: Write, tmp_path: Path, name: str, category: str) -> None:
    write("a.csv", f"{HEAD}{name},0,1,0,0,1\n")
    assert read_events(tmp_path / "a.csv")[0].category == category


def test_labels_are_by_start_and_may_overlap(write: Write, tmp_path: Path) -> None:
    write("a.csv", f"{HEAD}a,2,3,0,0,1\nb,0.5,2.5,0,90,1\n")
    assert [label.category for label in read_events(tmp_path / "a.csv")] == ["b", "a"]


def test_a_moving_source_turns_with_its_angular_velocity(write: Write, tmp_path: Path) -> None:
    write("a.csv", f"{LOST.strip()},ang_vel,dist\nspeech001.wav,0,2,10,170,20,3\nspeech002.wav,3,4,0,5,0,3\n")
    moving, still = read_events(tmp_path / "a.csv")
    assert moving.path[0].azimuth_deg == 170.0
    # At 19 places further, 1.9 s later, 38 degrees on, across the back.
    assert moving.path[-1].azimuth_deg == pytest.approx(-152.0)
    assert {place.elevation_deg for place in moving.path} == {10.0}
    assert moving.distance_m == pytest.approx(3.0)
    assert not still.moves


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a,0,1,0,0", "line 2: there are 5 columns but must be 6: name, start, end, elevation, azimuth and distance"),
        ("a,0,1,0,0,1,2,3,4", "line 2: there are 9 columns"),
        ("a,0,1,110,-30,2", "line 2: the elevation is 110 but must be -90 to 90; it stands before the azimuth"),
        ("a,0,soon,0,0,2", "line 2: the end is 'soon' but must be a number"),
        ("a,2,1,0,0,2", "line 2: a label from 2 s to 1 s cannot be"),
    ],
)
def test_bad_rows_are_named(write: Write, tmp_path: Path, row: str, message: str) -> None:
    write("a.csv", f"{HEAD}{row}\n")
    with pytest.raises(InputError, match=message):
        read_events(tmp_path / "a.csv")


@pytest.fixture
def tut(write: Write, foa: Foa, tmp_path: Path) -> Path:
    """Two parts that number their recordings alike, at 44.1 kHz."""
    for part, place in (("ov1_split1", (110, -30)), ("ov2_split1", (-60, 20))):
        for name in ("train_0_desc_30_100", "test_0_desc_30_100"):
            write(f"desc_{part}/{name}.csv", f"{HEAD}1-3-0-0.wav,0,0.5,{place[1]},{place[0]},2\n")
            foa(f"wav_{part}_30db/{name}.wav", place, rate_hz=44_100)
    return tmp_path


def test_trap_parts_number_their_recordings_alike(tut: Path) -> None:
    recordings = open_recordings(tut, layout="tut-2018")
    assert [(item.id, item.split, item.group) for item in recordings.items] == [
        ("desc_ov1_split1/test_0_desc_30_100", "test", "ov1 split1"),
        ("desc_ov1_split1/train_0_desc_30_100", "train", "ov1 split1"),
        ("desc_ov2_split1/test_0_desc_30_100", "test", "ov2 split1"),
        ("desc_ov2_split1/train_0_desc_30_100", "train", "ov2 split1"),
    ]
    for item in recordings.items:
        heard = intensity_direction(recordings.read(item.id).samples, 44_100)
        (label,) = item.labels
        assert label.elevation_deg is not None
        labelled = unit_vector(label.azimuth_deg, label.elevation_deg)
        assert angle_between_deg(np.asarray(heard.vector, np.float64), labelled) < 1


def test_trap_the_rate_is_44100(tut: Path) -> None:
    recordings = open_recordings(tut, layout="tut-2018", split="test")
    item = recordings.items[0]
    assert recordings.read(item.id).rate_hz == 44_100
    resampled = recordings.read(item.id, rate_hz=24_000)
    assert (resampled.rate_hz, resampled.samples.shape) == (24_000, (4, 12_000))


def test_a_part_of_the_audio_is_welcome(tut: Path) -> None:
    (tut / "wav_ov2_split1_30db").rename(tut / "wav_ov3_split1_30db")
    recordings = open_recordings(tut, layout="tut-2018")
    assert (len(recordings.items), recordings.missing, recordings.unlabelled) == (2, 2, 2)


def test_trap_the_channels_of_2019_are_n3d_at_48000(write: Write, foa: Foa, tmp_path: Path) -> None:
    root3 = 3**0.5
    for folder, name in (("dev", "split1_ir0_ov1_1"), ("eval", "split0_1")):
        write(f"metadata_{folder}/{name}.csv", f"{HEAD}speech,0,0.5,30,-120,1\n")
        foa(f"foa_{folder}/{name}.wav", (-120, 30), rate_hz=48_000, gains=(1, root3, root3, root3))
        foa(f"mic_{folder}/{name}.wav", (0, 0), rate_hz=48_000)
    recordings = open_recordings(tmp_path, layout="tau-2019")
    assert [(item.id, item.split, item.group) for item in recordings.items] == [
        ("split1_ir0_ov1_1", "split1", "ir0"),
        ("split0_1", "eval", ""),
    ]
    w, y, _, _ = recordings.read("split1_ir0_ov1_1").samples
    assert recordings.read("split1_ir0_ov1_1").rate_hz == 48_000
    # A plane wave in SN3D: Y is W times y.
    assert np.dot(y, w) / np.dot(w, w) == pytest.approx(unit_vector(-120.0, 30.0)[1], abs=1e-3)


def test_channels_may_be_said(tut: Path) -> None:
    assert open_recordings(tut, layout="tut-2018", channels="fuma").channels == "fuma"
    assert open_recordings(tut, layout="tut-2018").channels == "ambix"


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no labels; of TUT Sound Events 2018 is expected: folders such as wav_"):
        open_recordings(tmp_path, layout="tut-2018")
    with pytest.raises(InputError, match="the data set is 'tut-2017' but must be one of tut-2018, tau-2019"):
        open_events(tmp_path, release="tut-2017")
