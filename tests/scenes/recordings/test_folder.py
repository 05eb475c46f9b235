"""Recordings of one's own: a folder and a table."""

from collections.abc import Callable
from pathlib import Path

import pytest

from salm.errors import InputError
from salm.scenes.recordings import open_recordings

Write = Callable[[str, str], None]
Foa = Callable[..., Path]
HEAD = "file,start_s,end_s,azimuth_deg,elevation_deg,caption\n"


def test_rows_of_a_file_are_its_labels(write: Write, foa: Foa, tmp_path: Path) -> None:
    foa("yard/a.wav", (30, 0), (-90, 10))
    foa("b.wav", (180, 0))
    write(
        "labels.csv",
        f"{HEAD}yard/a.wav,0.5,1,-90,10,A gate creaks.\nyard/a.wav,0,0.5,30,,A dog barks.\n"
        "b.wav,,,180,0,\nc.wav,,,0,,\n",
    )
    recordings = open_recordings(tmp_path)
    assert (recordings.name, recordings.kind, recordings.missing) == (tmp_path.name, "own", 1)
    first, second = recordings.items
    assert [(label.start_s, label.end_s, label.category) for label in first.labels] == [
        (0.0, 0.5, "A dog barks."),
        (0.5, 1.0, "A gate creaks."),
    ]
    assert [(label.azimuth_deg, label.elevation_deg) for label in first.labels] == [(30.0, None), (-90.0, 10.0)]
    # Without times a label is the whole of the file.
    assert [(label.start_s, label.end_s) for label in second.labels] == [(0.0, 0.5)]
    assert (first.id, first.split, recordings.read(second.id).samples.shape) == ("yard/a.wav", "test", (4, 12_000))


def test_further_columns_are_known(write: Write, foa: Foa, tmp_path: Path) -> None:
    foa("a.wav")
    write("labels.csv", "file,azimuth_deg,distance_m,source,split,group\na.wav,5,2.5,7,train,hall\n")
    (item,) = open_recordings(tmp_path, split="train").items
    assert (item.group, item.labels[0].distance_m, item.labels[0].source) == ("hall", 2.5, "7")


def test_channels_may_be_said(write: Write, foa: Foa, tmp_path: Path) -> None:
    foa("a.wav", (90, 0), order=(0, 3, 1, 2), gains=(2**-0.5, 1, 1, 1))
    write("labels.csv", "file,azimuth_deg\na.wav,90\n")
    recording = open_recordings(tmp_path, channels="fuma").read("a.wav")
    assert abs(recording.samples[1] - recording.samples[0]).max() < 1e-3


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (",0,1,0,,", "line 2: the file is empty"),
        ("a.wav,0,1,,,", "line 2: the azimuth_deg is empty"),
        ("a.wav,0,1,left,,", "line 2: the azimuth_deg is 'left' but must be a number"),
        ("a.wav,1,0.5,0,,", "line 2: a label from 1 s to 0.5 s cannot be"),
        ("a.wav,0,1,0,100,", "line 2: azimuth 0.0, elevation 100.0 is no direction"),
        ("gone.wav,0,1,0,,", "lists 1 files and none of them is in"),
        ("text.wav,,,0,,", r"text\.wav is no audio file that can be read; give its end_s"),
    ],
)
def test_bad_rows_are_named(write: Write, foa: Foa, tmp_path: Path, row: str, message: str) -> None:
    foa("a.wav")
    write("text.wav", "text")
    write("labels.csv", f"{HEAD}{row}\n")
    with pytest.raises(InputError, match=message):
        open_recordings(tmp_path)


def test_a_folder_without_a_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"labels\.csv does not exist"):
        open_recordings(tmp_path)


def test_an_unknown_layout_lists_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="layout of recordings is 'l3das' but must be folder, starss22, starss23"):
        open_recordings(tmp_path, layout="l3das")  # type: ignore[arg-type]
