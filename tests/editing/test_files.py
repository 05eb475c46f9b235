"""Records of edits, dry runs, and the way back."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from salm.audio.formats import encode_plane_wave
from salm.editing.files import edit_file, undo_file
from salm.errors import InputError

RATE_HZ = 24_000


def noise(scale: float = 0.2) -> np.ndarray:
    return (scale * np.random.default_rng(1).uniform(-1, 1, 4800)).astype(np.float32)


@pytest.fixture
def take(tmp_path: Path) -> Path:
    """A recording of 16 bits with a text in its header, which no rewriting would keep."""
    path = tmp_path / "take.wav"
    with soundfile.SoundFile(path, "w", RATE_HZ, 4, "PCM_16") as file:
        file.title = "a take"
        file.write(encode_plane_wave(noise(), -40, 10).T)
    return path


def test_the_record_says_what_was_said_understood_and_done(take: Path, tmp_path: Path) -> None:
    done = edit_file(take, "move it to the left", tmp_path / "moved.wav")
    record = json.loads((tmp_path / "moved.wav.edit.json").read_text(encoding="utf-8"))
    assert record == done
    assert record["operation"] == {"kind": "move to", "azimuth_deg": 90.0, "elevation_deg": None}
    assert (record["said"], record["facing"], record["gain_db"]) == ("move it to the left", "north", 0.0)
    assert record["input"]["sha256"] == hashlib.sha256(take.read_bytes()).hexdigest()
    assert record["output"]["sha256"] == hashlib.sha256((tmp_path / "moved.wav").read_bytes()).hexdigest()
    before, after = soundfile.read(take)[0].T, soundfile.read(tmp_path / "moved.wav")[0].T
    np.testing.assert_allclose(after, np.array(record["matrix"]) @ before, atol=1e-6)


def test_a_dry_run_writes_nothing_and_tells_the_same(take: Path, tmp_path: Path) -> None:
    told = edit_file(take, "duck what is behind", tmp_path / "out.wav", dry_run=True)
    assert [path.name for path in tmp_path.iterdir()] == ["take.wav"]
    done = edit_file(take, "duck what is behind", tmp_path / "out.wav")
    assert told["output"] is None
    assert done | {"output": None} == told
    assert len(told["leakage"]) == 5


@pytest.mark.parametrize("sentence", ["move it behind me", "make the left louder by 6 dB", "swap up and down"])
def test_undoing_gives_the_original_byte_for_byte(take: Path, tmp_path: Path, sentence: str) -> None:
    before = take.read_bytes()
    edit_file(take, sentence, tmp_path / "moved.wav")
    undone = undo_file(tmp_path / "moved.wav.edit.json", tmp_path / "back.wav")
    assert undone.exact
    assert (tmp_path / "back.wav").read_bytes() == before == take.read_bytes()


def test_undoing_without_an_output_says_where_the_original_is(take: Path, tmp_path: Path) -> None:
    edit_file(take, "mirror it", tmp_path / "moved.wav")
    undone = undo_file(tmp_path / "moved.wav")
    assert (undone.original, undone.out) == (take, None)
    assert undone.description.startswith(f"The original is {take}, unaltered")


def test_original_and_result_may_move_together(take: Path, tmp_path: Path) -> None:
    edit_file(take, "mirror it", tmp_path / "moved.wav")
    before = take.read_bytes()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("take.wav", "moved.wav", "moved.wav.edit.json"):
        (tmp_path / name).rename(elsewhere / name)
    assert undo_file(elsewhere / "moved.wav.edit.json", tmp_path / "back.wav").exact
    assert (tmp_path / "back.wav").read_bytes() == before


@pytest.mark.parametrize("out", ["moved.wav", "moved.flac"])
@pytest.mark.parametrize("sentence", ["move it behind me", "boost the left by 12 dB", "tilt it 20 degrees forward"])
def test_the_field_is_rebuilt_where_the_original_is_gone(tmp_path: Path, out: str, sentence: str) -> None:
    """Loud enough for the guard to lower it."""
    take = tmp_path / "take.wav"
    field = encode_plane_wave(noise(0.85), 70, 10)
    soundfile.write(take, field.T, RATE_HZ, subtype="FLOAT")
    done = edit_file(take, sentence, tmp_path / out)
    assert (done["gain_db"] < 0) == (sentence == "boost the left by 12 dB")
    take.unlink()
    undone = undo_file(tmp_path / out, tmp_path / "back.wav")
    assert (undone.exact, undone.original) == (False, None)
    assert "the same within rounding" in undone.description
    np.testing.assert_allclose(soundfile.read(tmp_path / "back.wav")[0].T, field, atol=2e-6)


def test_a_changed_original_is_not_taken_for_the_original(take: Path, tmp_path: Path) -> None:
    edit_file(take, "mirror it", tmp_path / "moved.wav")
    take.write_bytes(take.read_bytes()[:-1] + b"\x55")
    assert not undo_file(tmp_path / "moved.wav.edit.json", tmp_path / "back.wav").exact


def test_an_edit_that_was_killed_before_its_record_is_not_undone_to_another_original(
    take: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.wav"
    soundfile.write(other, encode_plane_wave(noise(0.1), 70, 0).T, RATE_HZ)
    edit_file(take, "mirror it", tmp_path / "moved.wav")
    record = (tmp_path / "moved.wav.edit.json").read_bytes()
    edit_file(other, "mirror it", tmp_path / "moved.wav")
    (tmp_path / "moved.wav.edit.json").write_bytes(record)
    with pytest.raises(InputError, match=r"moved\.wav is not what moved\.wav\.edit\.json tells of.*take\.wav"):
        undo_file(tmp_path / "moved.wav", tmp_path / "back.wav")
    assert undo_file(tmp_path / "moved.wav.edit.json").original == take


def test_mono_is_rebuilt_from_its_plane_wave(tmp_path: Path) -> None:
    take = tmp_path / "mono.wav"
    soundfile.write(take, noise(), RATE_HZ, subtype="FLOAT")
    edit_file(take, "put it on the left and above", tmp_path / "moved.wav")
    take.unlink()
    undo_file(tmp_path / "moved.wav.edit.json", tmp_path / "back.wav")
    w, *others = soundfile.read(tmp_path / "back.wav", dtype="float32")[0].T
    np.testing.assert_allclose(w, noise(), atol=1e-7)
    np.testing.assert_allclose(others, 0, atol=1e-7)


def test_what_cannot_be_undone_is_one_line(take: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.wav\.edit\.json does not exist; an edit is undone by the record"):
        undo_file(tmp_path / "nothing.wav")
    (tmp_path / "other.edit.json").write_text('{"salm": 1}', encoding="utf-8")
    with pytest.raises(InputError, match="is no record of an edit"):
        undo_file(tmp_path / "other.edit.json")
    (tmp_path / "text.edit.json").write_text("no JSON", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be read as the record"):
        undo_file(tmp_path / "text.edit.json")
    edit_file(take, "mirror it", tmp_path / "moved.wav")
    record = tmp_path / "moved.wav.edit.json"
    whole = record.read_text(encoding="utf-8")
    stamp = json.loads(whole)["input"]
    for name, value in (
        ("input", None),
        ("input", {}),
        ("output", stamp | {"path": 5}),
        ("output", stamp | {"path": "\0"}),
        ("out", None),
        ("gain_db", 1e9),
        ("written_gain_db", 10**400),
        ("matrix", [[float("nan")] * 4] * 4),
        ("matrix", [[0.0] * 4] * 3),
        ("matrix", [["a"] * 4] * 4),
    ):
        record.write_text(json.dumps(json.loads(whole) | {name: value}), encoding="utf-8")
        with pytest.raises(InputError, match=r"moved\.wav\.edit\.json is damaged"):
            undo_file(tmp_path / "moved.wav")
    record.write_text(whole, encoding="utf-8")
    for over in ("take.wav", "moved.wav", "moved.wav.edit.json"):
        with pytest.raises(InputError, match="is there already and is not overwritten"):
            undo_file(tmp_path / "moved.wav.edit.json", tmp_path / over)
    take.unlink()
    with pytest.raises(InputError, match="is gone or has changed; give --out to rebuild"):
        undo_file(tmp_path / "moved.wav.edit.json")
    (tmp_path / "moved.wav").unlink()
    with pytest.raises(InputError, match="nothing can be undone"):
        undo_file(tmp_path / "moved.wav.edit.json", tmp_path / "back.wav")
