"""Labelled recordings: stretches with one source, heard in the order of their labels, intervals by file."""

import numpy as np
import pytest
import soundfile

from salm.audio.formats import encode_plane_wave
from salm.errors import InputError
from salm.evaluation.field import field_figures, hear_stretches
from salm.evaluation.intervals import intervals, plain
from salm.scenes.recordings import open_recordings

RATE_HZ = 8000
PLACES = {"a.wav": [(0.0, 40.0, 10.0), (1.0, -100.0, 0.0)], "b.wav": [(0.0, 170.0, -20.0), (1.5, 91.0, 5.0)]}


@pytest.fixture
def folder(tmp_path, toy_corpus):
    """Two recordings in which a sound of the stand-in's comes from one place and then from another, at 16 kHz."""
    rows = ["file,start_s,end_s,azimuth_deg,elevation_deg"]
    for number, (name, places) in enumerate(PLACES.items()):
        samples = np.zeros((4, 3 * RATE_HZ), np.float32)
        for part, (start_s, azimuth_deg, elevation_deg) in enumerate(places):
            sound = toy_corpus.audio(f"toy-{2 * number + part}")
            start = round(start_s * RATE_HZ)
            samples[:, start : start + 1500] = encode_plane_wave(0.1 * sound, azimuth_deg, elevation_deg)
            rows.append(f"{name},{start_s},{start_s + 0.1875},{azimuth_deg},{elevation_deg}")
        soundfile.write(tmp_path / name, samples.T, RATE_HZ, subtype="FLOAT")
    (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return tmp_path


def test_directions_of_stretches_are_found(folder, make_oracle) -> None:
    oracle = make_oracle()
    field = hear_stretches(oracle, open_recordings(folder), min_s=0.1, limit=9)
    assert [stretch.label.azimuth_deg for stretch in field.stretches] == [40.0, -100.0, 170.0, 91.0]
    assert field.files.tolist() == [0, 0, 1, 1]
    assert [samples.shape for samples in oracle.heard] == [(4, 1500)] * 4
    figures = plain(field_figures(field, oracle.direction_sentences))
    assert figures["localisation"]["mean_deg"] == pytest.approx(0, abs=1e-3)
    assert figures["baselines"]["intensity"]["mean_deg"] == pytest.approx(0, abs=0.1)
    assert figures["zero_shot"]["joint"] == figures["zero_shot"]["spatial"] == 1.0


def test_intervals_are_by_file(folder, make_oracle) -> None:
    field = hear_stretches(make_oracle(), open_recordings(folder), min_s=0.1, limit=9)
    field.heard.direction[:2] *= -1
    tree = field_figures(field, make_oracle().direction_sentences)
    assert plain(tree)["localisation"]["sector_accuracy"] == 0.5
    assert intervals(tree)["localisation"]["sector_accuracy"] == [0.0, 1.0]


def test_no_more_than_were_asked_for(folder, make_oracle) -> None:
    field = hear_stretches(make_oracle(), open_recordings(folder), min_s=0.1, limit=2)
    assert [stretch.label.azimuth_deg for stretch in field.stretches] == [40.0, 170.0]


def test_recordings_without_what_is_asked_for(folder, make_oracle) -> None:
    with pytest.raises(InputError, match="no stretch of 1 s with a single source; ask for shorter ones"):
        hear_stretches(make_oracle(), open_recordings(folder), min_s=1.0, limit=9)
    table = folder / "labels.csv"
    table.write_text(table.read_text(encoding="utf-8") + "b.wav,8,9,0,0\n", encoding="utf-8")
    with pytest.raises(InputError, match="is over at 3 s but has a label at 8 s"):
        hear_stretches(make_oracle(), open_recordings(folder), min_s=0.1, limit=9)
