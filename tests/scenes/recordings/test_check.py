"""The audio tells which frame its labels are in."""

from collections.abc import Callable
from pathlib import Path

import pytest

from salm.errors import InputError
from salm.scenes.recordings import open_recordings
from salm.scenes.recordings.check import FRAMES, frame_errors

Write = Callable[[str, str], None]
Foa = Callable[..., Path]
PLACES = ((20, 5), (75, 35), (-110, -25), (160, 10), (-50, 40))


@pytest.fixture
def labelled(write: Write, foa: Foa, tmp_path: Path) -> Callable[..., Path]:
    """Recordings from five places whose labels, or channels, may be in another frame."""

    def build(turn: Callable[[float], float] = lambda azimuth_deg: azimuth_deg, **how: object) -> Path:
        rows = ["file,azimuth_deg,elevation_deg"]
        for number, (azimuth_deg, elevation_deg) in enumerate(PLACES):
            foa(f"{number}.wav", (azimuth_deg, elevation_deg), **how)
            rows.append(f"{number}.wav,{turn(azimuth_deg)},{elevation_deg}")
        write("labels.csv", "\n".join(rows))
        return tmp_path

    return build


@pytest.mark.parametrize(
    ("frame", "turn"),
    [
        ("as read", lambda azimuth_deg: azimuth_deg),
        ("left and right swapped", lambda azimuth_deg: -azimuth_deg),
        ("front and back swapped", lambda azimuth_deg: 180 - azimuth_deg),
        ("turned by 180 degrees", lambda azimuth_deg: azimuth_deg + 180),
        ("azimuth from the right", lambda azimuth_deg: azimuth_deg + 90),
    ],
)
def test_labels_of_another_frame_are_found_out(
    labelled: Callable[..., Path], frame: str, turn: Callable[[float], float]
) -> None:
    errors = frame_errors(open_recordings(labelled(turn)), min_s=0.5)
    assert errors.keys() == FRAMES.keys()
    assert errors.pop(frame) < 1
    assert min(errors.values()) > 20


def test_channels_in_another_order_are_found_out(labelled: Callable[..., Path]) -> None:
    folder = labelled(order=(0, 3, 1, 2))
    errors = frame_errors(open_recordings(folder), min_s=0.5)
    assert errors.pop("channels are W, X, Y, Z") < 1
    assert min(errors.values()) > 20
    # Said so, they are as they are read.
    assert frame_errors(open_recordings(folder, channels="fuma"), min_s=0.5)["as read"] < 1


def test_only_so_many_stretches_are_listened_to(labelled: Callable[..., Path]) -> None:
    folder = labelled()
    (folder / "1.wav").write_text("damaged", encoding="utf-8")
    table = folder / "labels.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("azimuth_deg", "start_s,end_s,azimuth_deg", 1))
    rows = table.read_text(encoding="utf-8").replace(".wav,", ".wav,0,0.5,")
    table.write_text(rows, encoding="utf-8")
    assert frame_errors(open_recordings(folder), min_s=0.5, limit=3)["as read"] < 1
    with pytest.raises(InputError, match=r"1\.wav is no audio file"):
        frame_errors(open_recordings(folder), min_s=0.5)


def test_what_cannot_be_checked_is_said(labelled: Callable[..., Path]) -> None:
    folder = labelled()
    with pytest.raises(InputError, match="has no stretch of 9 s with a single source"):
        frame_errors(open_recordings(folder), min_s=9.0)
    with pytest.raises(InputError, match="limit is 0 but must be at least 1"):
        frame_errors(open_recordings(folder), limit=0)
    (folder / "labels.csv").write_text("file,start_s,end_s,azimuth_deg\n0.wav,5,6,0\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"0\.wav is over at 0\.5 s but has a label at 5 s"):
        frame_errors(open_recordings(folder))
