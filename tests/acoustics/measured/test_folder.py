"""A folder of audio files with a table of directions."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from salm.acoustics.measured import open_responses
from salm.acoustics.measured.folder import open_folder
from salm.audio.formats import encode_plane_wave
from salm.errors import InputError

HEADER = "file,azimuth_deg,elevation_deg,distance_m,room"


def table(folder: Path, *rows: str, header: str = HEADER) -> Path:
    (folder / "responses.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8-sig")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    click = np.zeros(4800, np.float32)
    click[100] = 0.5
    n3d = encode_plane_wave(click, 90.0) * np.sqrt([1, 3, 3, 3])[:, None]
    soundfile.write(tmp_path / "left.wav", n3d.T, 48_000, subtype="FLOAT")
    soundfile.write(tmp_path / "two.wav", np.zeros((100, 2)), 48_000)
    return tmp_path


def test_what_is_there_is_read_and_the_rest_counted(folder: Path) -> None:
    responses = open_responses(
        table(folder, "left.wav,450,0,1.5,hall", "gone.wav,0,0,,"), layout="folder", channels="n3d"
    )
    (item,) = responses.items
    assert (item.azimuth_deg, item.elevation_deg, item.distance_m, item.room) == (90.0, 0.0, 1.5, "hall")
    assert responses.missing == 1
    np.testing.assert_allclose(responses.read("left.wav")[:, 100], [0.5, 0.5, 0, 0], atol=1e-6)


def test_room_and_distance_may_be_left_out(folder: Path) -> None:
    (item,) = open_folder(table(folder, "left.wav,1,2", header="file,azimuth_deg,elevation_deg")).items
    assert (item.distance_m, item.room) == (None, "")


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        (["left.wav,0"], "file,azimuth_deg", "no column elevation_deg"),
        ([], HEADER, "lists no responses"),
        (["gone.wav,0,0,,"], HEADER, "none of them is in"),
        ([",0,0,,"], HEADER, "line 2: the file is empty"),
        (["left.wav,left,0,,"], HEADER, "line 2: could not convert"),
        (["left.wav,0,95,,"], HEADER, "line 2: azimuth 0.0, elevation 95.0 is no direction"),
        (["left.wav,0,0,-1,"], HEADER, "line 2: the distance is -1 m"),
        (["left.wav,0,0,1,hall,more"], HEADER, "line 2: there are more cells"),
        (["left.wav,0,0,,"] * 2, HEADER, "has the response left.wav twice"),
    ],
)
def test_tables_that_cannot_be_are_refused(folder: Path, rows: list[str], header: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        open_folder(table(folder, *rows, header=header))


def test_files_that_cannot_be_are_refused_when_read(folder: Path) -> None:
    responses = open_folder(table(folder, "two.wav,0,0,,"))
    with pytest.raises(InputError, match=r"two\.wav: 2 channels are no Ambisonics"):
        responses.read("two.wav")
    with pytest.raises(InputError, match="does not exist"):
        open_folder(folder / "nowhere")


def test_layouts_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must be sofa, tau-srir or folder"):
        open_responses(tmp_path, layout="zip")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="has no splits"):
        open_responses(tmp_path, layout="folder", split="train")
