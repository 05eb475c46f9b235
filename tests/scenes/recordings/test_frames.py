"""STARSS, TAU-NIGENS and their kin as they are published; what has tripped others bears the name trap."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from salm.audio.intensity import intensity_direction
from salm.errors import InputError
from salm.frame import angle_between_deg, unit_vector
from salm.scenes.recordings import Label, open_recordings, single_source_stretches
from salm.scenes.recordings.frames import RELEASES, open_frames, read_frames

Write = Callable[[str, str], None]
Foa = Callable[..., Path]


def brief(labels: tuple[Label, ...]) -> list[tuple[float, float, str, str, float, float | None]]:
    return [
        (label.start_s, label.end_s, label.category, label.source, round(label.azimuth_deg, 1), label.elevation_deg)
        for label in labels
    ]


@pytest.fixture
def starss(write: Write, foa: Foa, tmp_path: Path) -> Path:
    """Two recordings of two sites and splits, with the microphone signals beside them, and one for evaluation."""
    for part, name, place in (
        ("dev-train-tau", "fold3_room4_mix001", (90, 0)),
        ("dev-test-sony", "fold4_room23_mix001", (-45, 30)),
    ):
        rows = "".join(f"{frame},0,1,{place[0]},{place[1]},180\n" for frame in range(5))
        write(f"metadata_dev/{part}/{name}.csv", rows)
        foa(f"foa_dev/{part}/{name}.wav", place)
        foa(f"mic_dev/{part}/{name}.wav", (180, 0))
    foa("foa_eval/mix001.wav")
    return tmp_path


def test_frames_of_one_source_are_one_label(write: Write, tmp_path: Path) -> None:
    write("a.csv", "10,1,1,-50,30\n11,1,1,-50,30\n11,1,2,10,-20\n12,1,2,10,-20\n13,1,2,10,-20\n13,8,0,-40,0\n")
    labels = read_frames(tmp_path / "a.csv", classes=RELEASES["starss23"].classes)
    assert brief(labels) == [
        (1.0, 1.2, "male speech", "1", -50.0, 30.0),
        (1.1, 1.4, "male speech", "2", 10.0, -20.0),
        (1.3, 1.4, "music", "0", -40.0, 0.0),
    ]


def test_a_pause_parts_labels(write: Write, tmp_path: Path) -> None:
    write("a.csv", "0,2,0,0,0\n1,2,0,0,0\n3,2,0,0,0\n")
    assert [(label.start_s, label.end_s) for label in read_frames(tmp_path / "a.csv")] == [(0.0, 0.2), (0.3, 0.4)]


def test_rows_may_be_in_any_order_and_numbers_beyond_the_classes_stay(write: Write, tmp_path: Path) -> None:
    write("a.csv", "2, 20, 0, 5, 0\n1, 20, 0, 5, 0\n\n")
    assert brief(read_frames(tmp_path / "a.csv", classes=("dog",))) == [(0.1, 0.3, "20", "0", 5.0, 0.0)]


def test_trap_moving_events_keep_their_path(write: Write, tmp_path: Path) -> None:
    write("a.csv", "".join(f"{frame},3,0,{10 * frame},{frame}\n" for frame in range(4)))
    (label,) = read_frames(tmp_path / "a.csv")
    assert [(place.start_s, place.azimuth_deg, place.elevation_deg) for place in label.path] == [
        (0.0, 0.0, 0.0),
        (0.1, 10.0, 1.0),
        (0.2, 20.0, 2.0),
        (0.3, 30.0, 3.0),
    ]
    assert label.azimuth_deg == pytest.approx(15.0, abs=0.1)


def test_trap_rows_overlap_even_of_one_class_and_source(write: Write, tmp_path: Path) -> None:
    # Two loudspeakers, both source 0; the rows swap their order, and one moves on towards the other.
    write("a.csv", "0,8,0,0,0\n0,8,0,90,0\n1,8,0,90,0\n1,8,0,0,0\n2,8,0,50,0\n2,8,0,88,0\n3,8,0,88,0\n")
    first, second = read_frames(tmp_path / "a.csv")
    assert [place.azimuth_deg for place in first.path] == [0.0, 50.0]
    assert [place.azimuth_deg for place in second.path] == [90.0, 88.0]
    assert (first.end_s, second.end_s) == (0.3, 0.4)


def test_trap_distances_are_centimetres_and_may_be_missing(write: Write, tmp_path: Path) -> None:
    write("a.csv", "0,0,1,0,0,243\n5,0,1,0,0\n9,0,1,0,0,0\n")
    assert [label.distance_m for label in read_frames(tmp_path / "a.csv")] == [2.43, None, None]


def test_trap_seven_columns_are_cartesian(write: Write, tmp_path: Path) -> None:
    x, y, z = unit_vector(-135.0, 30.0)
    write("a.csv", f"0,0,1,{x},{y},{z},0\n1,0,1,{x},{y},{z},0\n")
    (label,) = read_frames(tmp_path / "a.csv")
    assert (label.azimuth_deg, label.elevation_deg) == (pytest.approx(-135.0), pytest.approx(30.0))
    assert label.distance_m is None


def test_trap_the_stereo_set_of_2025_has_a_header_and_no_directions(write: Write, tmp_path: Path) -> None:
    write("a.csv", "frame,class,source,azimuth,distance,onscreen\n0,1,0,-30,150,1\n")
    with pytest.raises(InputError, match=r"a\.csv, line 1: there is a header, as in the stereo set of DCASE 2025"):
        read_frames(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("0,1,2,30", "line 1: there are 4 columns but must be 5, 6"),
        ("0,1,2,30,0,1,2,3", "line 1: there are 8 columns"),
        ("0,1,2,left,0", "line 1: the azimuth is 'left' but must be a number"),
        ("0,1,2,nan,0", "line 1: the azimuth is 'nan' but must be finite"),
        ("0,1,2,30,120", "line 1: azimuth 30, elevation 120 is no direction"),
        ("0,1,2,900,0", "line 1: azimuth 900, elevation 0 is no direction"),
        ("0.5,1,2,30,0", "line 1: the frame and the class must be whole numbers"),
        ("-1,1,2,30,0", "line 1: the frame and the class must be whole numbers"),
        ("0,1,2,0,0,0,0", "line 1: x, y and z are all zero"),
    ],
)
def test_bad_rows_are_named(write: Write, tmp_path: Path, row: str, message: str) -> None:
    write("a.csv", row + "\n")
    with pytest.raises(InputError, match=message) as error:
        read_frames(tmp_path / "a.csv")
    assert "\n" not in str(error.value)


def test_splits_are_those_of_the_folders(starss: Path) -> None:
    recordings = open_recordings(starss, layout="starss23")
    assert [(item.id, item.split, item.group) for item in recordings.items] == [
        ("fold4_room23_mix001", "test", "room23"),
        ("fold3_room4_mix001", "train", "room4"),
    ]
    assert (recordings.name, recordings.kind, recordings.missing) == ("STARSS23", "field", 0)
    assert [item.id for item in open_recordings(starss, layout="starss22", split="test").items] == [
        "fold4_room23_mix001"
    ]


def test_trap_labels_of_evaluation_sets_are_kept_back(starss: Path) -> None:
    assert open_recordings(starss, layout="starss23").unlabelled == 1


def test_trap_channels_are_w_y_z_x_and_microphone_signals_are_not_taken(starss: Path) -> None:
    recordings = open_recordings(starss, layout="starss23")
    for stretch in single_source_stretches(recordings, min_s=0.5):
        assert "foa_dev" in stretch.item.path.parts
        heard = intensity_direction(recordings.read(stretch.item.id).samples, 24_000)
        assert stretch.label.elevation_deg is not None
        labelled = unit_vector(stretch.label.azimuth_deg, stretch.label.elevation_deg)
        assert angle_between_deg(np.asarray(heard.vector, np.float64), labelled) < 1
        assert stretch.label.distance_m == 1.8


def test_only_microphone_signals_are_no_recordings(starss: Path) -> None:
    for part in ("foa_dev", "foa_eval"):
        (starss / part).rename(starss / part.replace("foa", "video"))
    with pytest.raises(InputError, match="has the audio of none of 2 tables; of STARSS23 is expected: foa_dev and"):
        open_recordings(starss, layout="starss23")


def test_a_part_of_the_audio_is_welcome(starss: Path) -> None:
    (starss / "foa_dev" / "dev-train-tau" / "fold3_room4_mix001.wav").unlink()
    recordings = open_recordings(starss, layout="starss23")
    assert ([item.id for item in recordings.items], recordings.missing) == (["fold4_room23_mix001"], 1)


@pytest.mark.parametrize(
    ("release", "splits"),
    [
        ("tau-nigens-2020", {1: "test", 2: "val", 3: "train", 6: "train", 7: "eval"}),
        ("tau-nigens-2021", {1: "train", 4: "train", 5: "val", 6: "test"}),
        ("dcase22-synth", {1: "train", 2: "test"}),
    ],
)
def test_without_folders_the_split_is_that_of_the_fold(
    write: Write, foa: Foa, tmp_path: Path, release: str, splits: dict[int, str]
) -> None:
    for fold in splits:
        write(f"metadata_dev/fold{fold}_room1_mix001_ov1.csv", "0,0,0,0,0\n")
        foa(f"foa_dev/fold{fold}_room1_mix001_ov1.wav")
    found = {int(item.id[4]): item.split for item in open_frames(tmp_path, release=release).items}
    assert found == splits


def test_labelled_evaluation_recordings_are_a_split_of_their_own(write: Write, foa: Foa, tmp_path: Path) -> None:
    write("metadata_eval/mix001.csv", "0,13,0,90,0\n")
    foa("foa_eval/mix001.wav")
    (item,) = open_recordings(tmp_path, layout="tau-nigens-2020").items
    assert (item.split, item.labels[0].category) == ("eval", "piano")


def test_a_recording_in_which_nothing_sounds_has_no_labels(write: Write, foa: Foa, tmp_path: Path) -> None:
    write("metadata_dev/fold1_room1_mix001.csv", "")
    foa("foa_dev/fold1_room1_mix001.wav")
    (item,) = open_recordings(tmp_path, layout="tau-nigens-2021").items
    assert item.labels == ()


def test_trap_classes_differ_between_years() -> None:
    assert len(RELEASES["starss22"].classes) == len(RELEASES["starss23"].classes) == 13
    assert (len(RELEASES["tau-nigens-2020"].classes), len(RELEASES["tau-nigens-2021"].classes)) == (14, 12)
    # Class 5 is an engine that is gone a year later.
    assert RELEASES["tau-nigens-2020"].classes[5:7] == ("female scream", "female speech")
    assert RELEASES["tau-nigens-2020"].classes[4] == "running engine"
    assert RELEASES["tau-nigens-2021"].classes[4:6] == ("female scream", "female speech")


def test_trap_measured_is_not_field_and_interferers_are_not_labelled() -> None:
    kinds = {name: release.kind for name, release in RELEASES.items()}
    assert [name for name, kind in kinds.items() if kind == "field"] == ["starss22", "starss23"]
    assert any("interferers" in note for note in RELEASES["tau-nigens-2021"].notes)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no labels; of TAU-NIGENS 2020 is expected: foa_dev and metadata_dev"):
        open_recordings(tmp_path, layout="tau-nigens-2020")
    with pytest.raises(InputError, match="is no folder"):
        open_recordings(tmp_path / "gone", layout="tau-nigens-2020")
    with pytest.raises(InputError, match="the release is 'starss24' but must be one of starss22"):
        open_frames(tmp_path, release="starss24")
