import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

import salm
from salm.cli.main import main
from salm.frame import angle_between_deg, unit_vector
from salm.scan import Event, scan, write_events

RATE_HZ = 24_000


@pytest.fixture(scope="module")
def two_sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A free-field scene: noise bursts from +90 from 4 to 12 s, from -45 from 18 to 26 s, silence around them."""
    rng = np.random.default_rng(0)
    samples = np.zeros((4, 30 * RATE_HZ), np.float32)
    for start_s, azimuth_deg in ((4, 90.0), (18, -45.0)):
        x, y, z = unit_vector(azimuth_deg, 0.0)
        sound = 0.1 * rng.standard_normal(8 * RATE_HZ)
        samples[:, start_s * RATE_HZ : (start_s + 8) * RATE_HZ] = np.outer([1, y, z, x], sound)
    path = tmp_path_factory.mktemp("scan") / "two.wav"
    soundfile.write(path, samples.T, RATE_HZ, subtype="FLOAT")
    return path


def test_two_sounds_are_two_events(two_sounds: Path) -> None:
    events = scan(two_sounds, salm.load("small"), ["white noise", "a dog barks"])
    assert len(events) == 2
    for event, (onset_s, offset_s, azimuth_deg) in zip(events, ((4, 12, 90.0), (18, 26, -45.0)), strict=True):
        assert abs(event.onset_s - onset_s) <= 1
        assert abs(event.offset_s - offset_s) <= 1
        found = unit_vector(event.azimuth_deg, event.elevation_deg or 0.0)
        assert float(angle_between_deg(found, unit_vector(azimuth_deg, 0.0))) < 10


EVENT = Event(
    onset_s=1.0, offset_s=1.5, azimuth_deg=90.2, elevation_deg=-4.6, cone_deg=9.0, confidence=0.9, track=3, label=1,
    sentence="a dog, near",
)  # fmt: skip


def test_formats_read_back(tmp_path: Path) -> None:
    out = tmp_path / "events"
    write_events(out, [EVENT], "dcase")
    assert np.loadtxt(out, delimiter=",").tolist() == [[frame, 1, 3, 90, -5] for frame in range(10, 15)]
    write_events(out, [EVENT], "audacity")
    assert out.read_text().split("\t") == ["1.000", "1.500", "a dog, near az +90 el -5\n"]
    write_events(out, [EVENT], "reaper")
    with out.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["#"], row["Name"], row["Start"], row["End"]) == ("R1", "a dog, near az +90 el -5", "1.000", "1.500")
    write_events(out, [EVENT], "json")
    assert Event(**json.loads(out.read_text())["events"][0]) == EVENT


def test_a_missing_file_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", str(tmp_path / "none.wav"), "-o", str(tmp_path / "x.csv")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not list(tmp_path.iterdir())
