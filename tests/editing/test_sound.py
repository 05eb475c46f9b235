"""Edits of sound: measured in the files that are written, by the intensity summed sample for sample."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from hypothesis import example, given, settings
from hypothesis import strategies as st

from salm.audio.formats import encode_plane_wave
from salm.audio.recording import Recording
from salm.editing.files import edit_file
from salm.editing.operations import MoveTo
from salm.editing.sound import MONO_NOTE, STEREO_NOTE, Edited, edit
from salm.errors import InputError

RATE_HZ = 24_000
LEVEL = 0.2


def noise(samples: int = 2400, *, seed: int = 1) -> np.ndarray:
    return (LEVEL * np.random.default_rng(seed).uniform(-1, 1, samples)).astype(np.float32)


def wave(azimuth_deg: float, elevation_deg: float = 0.0) -> Recording:
    return Recording(samples=encode_plane_wave(noise(), azimuth_deg, elevation_deg), rate_hz=RATE_HZ)


def measured_deg(samples: np.ndarray) -> tuple[float, float]:
    """Azimuth and elevation of the sum over all samples of W (X, Y, Z)."""
    w, y, z, x = samples.astype(np.float64)
    return float(np.rad2deg(np.arctan2(w @ y, w @ x))), float(np.rad2deg(np.arctan2(w @ z, np.hypot(w @ y, w @ x))))


def off_deg(azimuth_deg: float, goal_deg: float) -> float:
    return abs((azimuth_deg - goal_deg + 180) % 360 - 180)


def place(done: Edited) -> tuple[float, float]:
    return measured_deg(done.recording.samples)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("edit")


@settings(deadline=None, max_examples=40)
@given(st.floats(-180, 180), st.floats(-90, 90))
@example(0.0, 0.0)
@example(180.0, 0.0)
@example(-180.0, 0.0)
@example(90.0, 0.0)
@example(-90.0, 0.0)
@example(22.5, 20.0)
@example(-22.5, -20.0)
@example(67.5, 45.0)
@example(-157.5, -45.0)
@example(-90.0, 88.9)
@example(-90.0, 89.0)
@example(-90.0, 89.1)
@example(150.0, -89.9)
@example(0.0, 90.0)
@example(0.0, -90.0)
def test_a_wave_from_anywhere_moves_to_the_left(folder: Path, azimuth_deg: float, elevation_deg: float) -> None:
    path, out = folder / "clip.wav", folder / "out.wav"
    soundfile.write(path, wave(azimuth_deg, elevation_deg).samples.T, RATE_HZ, subtype="FLOAT")
    before = path.read_bytes()
    edit_file(path, "move it to the left", out)
    written, rate_hz = soundfile.read(out, dtype="float32")
    assert (written.shape, rate_hz) == ((2400, 4), RATE_HZ)
    assert off_deg(measured_deg(written.T)[0], 90.0) < 3.0
    assert path.read_bytes() == before


@pytest.mark.parametrize("elevation_deg", [-70.0, -20.0, 0.0, 45.0, 88.0])
def test_moving_to_a_side_leaves_height_alone(elevation_deg: float) -> None:
    before = wave(-130, elevation_deg)
    after = edit(before, "move it to the left").recording.samples
    np.testing.assert_array_equal(after[0], before.samples[0])
    np.testing.assert_allclose(after[2], before.samples[2], atol=1e-7)


@pytest.mark.parametrize("elevation_deg", [90.0, -90.0, 89.5])
def test_what_is_straight_above_or_below_comes_to_the_horizon(elevation_deg: float) -> None:
    assert place(edit(wave(0, elevation_deg), "move it to the right")) == pytest.approx((-90.0, 0.0), abs=0.01)


@pytest.mark.parametrize(
    ("sentence", "azimuth_deg", "elevation_deg"),
    [
        ("put it above", -60, 45),
        ("put it below", -60, -45),
        ("move the sound to elevation 90", None, 90),
        ("put it in front of me and above", 0, 45),
        ("move it behind me", 180, 10),
        ("put it at 3 o'clock", -90, 10),
        ("turn it to azimuth 45", 45, 10),
    ],
)
def test_goals_keep_the_angle_that_is_not_said(sentence: str, azimuth_deg: float | None, elevation_deg: float) -> None:
    azimuth, elevation = place(edit(wave(-60, 10), sentence))
    assert azimuth_deg is None or off_deg(azimuth, azimuth_deg) < 0.01
    assert elevation == pytest.approx(elevation_deg, abs=0.05)


@pytest.mark.parametrize(
    ("sentence", "azimuth_deg"),
    [
        ("rotate 30 degrees to the left", 50),
        ("rotate 30 degrees to the right", -10),
        ("turn it around", -160),
        ("turn it by 170 degrees", -170),
        ("mirror it left to right", -20),
    ],
)
def test_turns_and_the_mirror_go_by_what_was_there(sentence: str, azimuth_deg: float) -> None:
    done = edit(wave(20, 35), sentence)
    assert place(done) == pytest.approx((azimuth_deg, 35.0), abs=0.01)
    assert (done.moved_to.azimuth_deg, done.moved_to.elevation_deg) == pytest.approx((azimuth_deg, 35.0), abs=0.01)


def test_the_mirror_exchanges_left_and_right_and_nothing_else() -> None:
    before = Recording(samples=np.stack([noise(seed=seed) for seed in range(4)]), rate_hz=RATE_HZ)
    after = edit(before, "swap left and right").recording.samples
    np.testing.assert_array_equal(after, before.samples * np.array([[1], [-1], [1], [1]], np.float32))


def test_compass_goals_mean_what_the_listener_faces() -> None:
    assert place(edit(wave(10), "move it to the west", facing="north"))[0] == pytest.approx(90, abs=0.01)
    assert place(edit(wave(10), "move it to the west", facing="south"))[0] == pytest.approx(-90, abs=0.01)


@pytest.mark.parametrize("sentence", ["move it to the left", "put it below", "rotate by 100 degrees", "mirror it"])
def test_energy_is_kept_in_every_sample(sentence: str) -> None:
    before = Recording(samples=wave(-20, 30).samples + wave(140, -50).samples[:, ::-1], rate_hz=RATE_HZ)
    after = edit(before, sentence).recording.samples
    np.testing.assert_array_equal(after[0], before.samples[0])
    np.testing.assert_allclose((after[1:] ** 2).sum(0), (before.samples[1:] ** 2).sum(0), rtol=1e-4, atol=1e-9)


def test_everything_else_turns_along() -> None:
    """A loud sound and then a soft one 70 degrees to its left: it is still 70 degrees to the left of it."""
    loud, soft = wave(-30).samples, wave(40).samples * np.float32(1e-3)
    before = Recording(samples=np.concatenate([loud, soft], axis=1), rate_hz=RATE_HZ)
    after = edit(before, MoveTo(azimuth_deg=150.0)).recording.samples
    first, second = measured_deg(after[:, :2400]), measured_deg(after[:, 2400:])
    assert off_deg(second[0], first[0] + 70) < 0.01


def test_the_input_is_left_alone_in_memory_too() -> None:
    before = wave(10, 10)
    kept = before.samples.copy()
    edit(before, "move it behind me")
    np.testing.assert_array_equal(before.samples, kept)


def test_it_says_where_the_sound_was_and_is() -> None:
    done = edit(wave(-0.2, -0.3), "turn it around")
    assert (done.moved_from.azimuth_deg, done.moved_from.elevation_deg) == pytest.approx((-0.2, -0.3), abs=0.01)
    assert (done.moved_to.azimuth_deg, done.moved_to.elevation_deg) == pytest.approx((179.8, -0.3), abs=0.01)
    assert done.description == (
        "Turned everything by 180 degrees to the left: "
        "from front (azimuth +0, elevation +0) to back (azimuth +180, elevation +0)."
    )


def test_what_is_behind_is_never_called_minus_180() -> None:
    done = edit(wave(0.2), "rotate 179.9 degrees to the right")
    assert done.moved_to.azimuth_deg == pytest.approx(-179.7, abs=0.01)
    assert "to back (azimuth +180, elevation +0)" in done.description


def test_a_model_may_locate_the_sound_instead() -> None:
    model = SimpleNamespace(locate=lambda _: SimpleNamespace(azimuth_deg=-90.0, elevation_deg=None))
    done = edit(wave(0), "move it to the left", model=model)
    assert off_deg(place(done)[0], 180) < 0.01
    assert done.moved_from.azimuth_deg == -90


def write_channels(path: Path, *gains: float) -> Path:
    soundfile.write(path, np.stack([noise() * np.float32(gain) for gain in gains]).T, RATE_HZ, subtype="FLOAT")
    return path


def test_mono_is_placed_as_a_plane_wave(tmp_path: Path) -> None:
    done = edit_file(write_channels(tmp_path / "mono.wav", 1.0), "put it on the left and above", tmp_path / "out.wav")
    written, _ = soundfile.read(tmp_path / "out.wav", dtype="float32")
    root = np.sqrt(0.5)
    expected = np.array([1.0, root, root, 0.0])[:, None] * noise()
    np.testing.assert_allclose(written.T, expected, atol=1e-7)
    assert (done["moved_from"], done["moved_to"]) == (None, {"azimuth_deg": 90.0, "elevation_deg": 45.0})
    assert done["notes"] == [MONO_NOTE]
    assert done["description"] == "Placed at left, above (azimuth +90, elevation +45)."


@pytest.mark.parametrize("sentence", ["turn it around", "mirror it"])
def test_mono_cannot_be_turned(tmp_path: Path, sentence: str) -> None:
    path = write_channels(tmp_path / "mono.wav", 1.0)
    with pytest.raises(InputError, match=r"mono\.wav is mono and has no direction to turn or mirror; say where"):
        edit_file(path, sentence, tmp_path / "out.wav")
    assert not (tmp_path / "out.wav").exists()


def test_stereo_is_turned_from_the_front_and_says_so(tmp_path: Path) -> None:
    """Left alone three times as loud as right: Y / W = (3 - 1) / (3 + 1), which is 30 degrees to the left."""
    path = write_channels(tmp_path / "stereo.wav", 0.9, 0.3)
    done = edit_file(path, "rotate 90 degrees to the left", tmp_path / "out.wav")
    written, _ = soundfile.read(tmp_path / "out.wav", dtype="float32")
    assert done["moved_from"]["azimuth_deg"] == pytest.approx(30, abs=0.01)
    assert measured_deg(written.T) == pytest.approx((120, 0), abs=0.01)
    assert done["notes"] == [STEREO_NOTE]


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_silence_has_nothing_to_move(tmp_path: Path, channels: int) -> None:
    path = write_channels(tmp_path / "silent.wav", *[0.0] * channels)
    with pytest.raises(InputError, match=r"silent\.wav is silent, so there is nothing to move"):
        edit_file(path, "move it to the left", tmp_path / "out.wav")


@pytest.mark.parametrize(
    ("gains", "reason"), [((1.0, -1.0), "left and right cancel"), ((1.0, 0.0, 0.0, 0.0), "Y, Z and X hold nothing")]
)
def test_no_direction_to_move_from(tmp_path: Path, gains: tuple[float, ...], reason: str) -> None:
    path = write_channels(tmp_path / "nowhere.wav", *gains)
    with pytest.raises(InputError, match=rf"nowhere\.wav has no direction to move from: {reason}"):
        edit_file(path, "move it to the left", tmp_path / "out.wav")


def test_the_input_is_never_an_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_channels(tmp_path / "clip.wav", 1.0, 0.5, 0.0, 0.5)
    before = path.read_bytes()
    same = tmp_path / "deeper" / ".." / "clip.wav"
    for outputs in ({"out": path}, {"out": same}, {"out": tmp_path / "out.wav", "binaural": path}):
        with pytest.raises(InputError, match="is the input, which is never altered"):
            edit_file(path, "move it to the left", **outputs)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="is the input, which is never altered"):
        edit_file("clip.wav", "move it to the left", path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["clip.wav"]
    record = path.rename("out.wav.edit.json")
    with pytest.raises(InputError, match=r"out\.wav\.edit\.json is the input"):
        edit_file(record, "mirror it", tmp_path / "out.wav")
    assert record.read_bytes() == before


def test_the_preview_is_not_written_over_the_edit(tmp_path: Path) -> None:
    path = write_channels(tmp_path / "clip.wav", 1.0, 0.5, 0.0, 0.5)
    with pytest.raises(InputError, match="cannot be two outputs at once"):
        edit_file(path, "mirror it", tmp_path / "out.wav", binaural=tmp_path / "out.wav")


def test_the_preview_is_louder_on_the_side_of_the_sound(tmp_path: Path) -> None:
    path = write_channels(tmp_path / "clip.wav", 1.0, -1.0, 0.0, 0.0)
    edit_file(path, "move it to the left", tmp_path / "out.wav", binaural=tmp_path / "ears.wav")
    ears, rate_hz = soundfile.read(tmp_path / "ears.wav")
    left, right = (ears**2).sum(0)
    assert (ears.shape, rate_hz) == ((2400, 2), RATE_HZ)
    assert left > 2 * right


@pytest.mark.parametrize(("rate_hz", "samples"), [(8_000, 1001), (44_100, 777), (96_000, 5000)])
def test_rate_and_length_stay(tmp_path: Path, rate_hz: int, samples: int) -> None:
    path, out = tmp_path / "clip.wav", tmp_path / "out.wav"
    soundfile.write(path, encode_plane_wave(noise(samples), -40, 5).T, rate_hz, subtype="FLOAT")
    edit_file(path, "move it to the left", out)
    written, written_hz = soundfile.read(out)
    assert (written.shape, written_hz) == ((samples, 4), rate_hz)
    assert measured_deg(written.T) == pytest.approx((90, 5), abs=0.01)


def test_flac_that_would_clip_is_written_lower_and_says_so(tmp_path: Path) -> None:
    signal = noise() * np.float32(2 / np.abs(noise()).max())
    soundfile.write(tmp_path / "loud.wav", encode_plane_wave(signal, 0).T, RATE_HZ, subtype="FLOAT")
    lowered = edit_file(tmp_path / "loud.wav", "move it to the left", tmp_path / "out.flac")
    kept = edit_file(tmp_path / "loud.wav", "move it to the left", tmp_path / "out.wav")
    flac, wav = (soundfile.read(tmp_path / f"out.{suffix}", dtype="float32")[0] for suffix in ("flac", "wav"))
    np.testing.assert_allclose(flac, wav / 2, atol=1e-6)
    assert np.abs(wav).max() == pytest.approx(2)
    assert lowered["notes"] == ["Written 6.02 dB lower, because FLAC would clip."]
    assert kept["notes"] == []


def test_what_was_converted_stays_among_the_notes(tmp_path: Path) -> None:
    second = np.concatenate([wave(30).samples, np.stack([noise(seed=seed) for seed in range(5)])])
    soundfile.write(tmp_path / "second.wav", second.T, RATE_HZ, subtype="FLOAT")
    done = edit_file(tmp_path / "second.wav", "mirror it", tmp_path / "out.wav")
    assert done["notes"] == ["Only the first order of 9 channels is used."]


@pytest.mark.parametrize(
    ("sentence", "azimuth_deg", "elevation_deg"),
    [
        ("raise it by 20 degrees", -60, 30),
        ("lower it by 30 degrees", -60, -20),
        ("raise it by 100 degrees", 120, 70),
        ("swap front and back", -120, 10),
        ("swap up and down", -60, -10),
        ("roll it 180 degrees to the left", 60, -10),
    ],
)
def test_tilts_and_mirrors_take_the_sound_along(sentence: str, azimuth_deg: float, elevation_deg: float) -> None:
    done = edit(wave(-60, 10), sentence)
    assert place(done) == pytest.approx((azimuth_deg, elevation_deg), abs=0.01)
    assert (done.moved_to.azimuth_deg, done.moved_to.elevation_deg) == pytest.approx(place(done), abs=0.01)


@pytest.mark.parametrize(
    ("sentence", "before", "after"),
    [
        ("tilt it 30 degrees forward", (0, 0), (0, -30)),
        ("tilt it 30 degrees back", (0, 0), (0, 30)),
        ("tilt it 30 degrees to the left", (90, 0), (90, -30)),
        ("tilt it 30 degrees to the right", (90, 0), (90, 30)),
    ],
)
def test_which_way_a_tilt_goes(sentence: str, before: tuple[float, float], after: tuple[float, float]) -> None:
    assert place(edit(wave(*before), sentence)) == pytest.approx(after, abs=0.01)


def level_db(samples: np.ndarray, reference: np.ndarray) -> float:
    return float(
        10 * np.log10(np.square(samples, dtype=np.float64).sum() / np.square(reference, dtype=np.float64).sum())
    )


@pytest.mark.parametrize("gain_db", [-12.0, -3.0, 6.0])
@pytest.mark.parametrize("number", range(5))
def test_the_leakage_that_is_told_is_what_a_wave_from_there_gets(gain_db: float, number: int) -> None:
    """A wave at each of the angles in the table, edited by the beam, against what the table says of it."""
    verb = "boost" if gain_db > 0 else "duck"
    away_deg = 45.0 * number
    before = wave(90 - away_deg)
    done = edit(before, f"{verb} the left by {abs(gain_db)} dB", guard=False)
    leak = done.leakage[number]
    assert leak.away_deg == away_deg
    assert level_db(done.recording.samples[0], before.samples[0]) == pytest.approx(leak.gain_db, abs=0.01)
    assert abs(90 - place(done)[0]) == pytest.approx(away_deg + leak.moved_deg, abs=0.06)
    # Still one plane wave: Y, Z and X together are as strong as W.
    assert level_db(done.recording.samples[1:], done.recording.samples[0]) == pytest.approx(0, abs=0.001)


def test_what_a_beam_did_is_said() -> None:
    assert edit(wave(30), "make the left louder by 6 dB", guard=False).description == (
        "Made left (azimuth +90, elevation +0) 6 dB louder: what is 90 degrees from there gains +3.5 dB and moves 19 "
        "degrees towards it, what is opposite stays."
    )
    everything = edit(wave(30), "make it 3 dB quieter")
    assert (everything.description, everything.leakage) == ("Made everything 3 dB quieter.", ())
    assert level_db(everything.recording.samples, wave(30).samples) == pytest.approx(-3, abs=1e-4)


def test_the_matrix_is_what_was_done() -> None:
    before = Recording(samples=np.stack([noise(seed=seed) for seed in range(4)]), rate_hz=RATE_HZ)
    for sentence in ("turn it by 100 degrees", "tilt it 20 degrees forward", "duck what is behind", "mirror it"):
        done = edit(before, sentence, guard=False)
        np.testing.assert_allclose(done.recording.samples, done.matrix @ before.samples, atol=1e-6)


def test_what_has_no_direction_can_be_turned_all_the_same() -> None:
    nowhere = Recording(samples=np.stack([noise(), *np.zeros((3, 2400), np.float32)]), rate_hz=RATE_HZ)
    done = edit(nowhere, "turn it by 90 degrees")
    assert (done.moved_from, done.moved_to, done.description) == (
        None,
        None,
        "Turned everything by 90 degrees to the left.",
    )


def test_the_guard_keeps_the_true_peak_and_says_so() -> None:
    """A tone at a quarter of the rate, sampled at 45 degrees of its cycle: its peak lies 3 dB above its samples."""
    tone = (0.7 * np.sin(np.pi / 2 * np.arange(2400) + np.pi / 4)).astype(np.float32)
    loud = Recording(samples=encode_plane_wave(tone, 20), rate_hz=RATE_HZ)
    kept = edit(loud, "boost the front by 6 dB", guard=False)
    lowered = edit(loud, "boost the front by 6 dB")
    assert kept.true_peak_db > 1
    assert lowered.true_peak_db == pytest.approx(-1, abs=1e-6)
    assert lowered.gain_db == pytest.approx(-1 - kept.true_peak_db, abs=1e-6)
    assert level_db(lowered.recording.samples, kept.recording.samples) == pytest.approx(lowered.gain_db, abs=1e-3)
    assert lowered.recording.notes == (
        f"Lowered by {-lowered.gain_db:.2f} dB, so that the true peak stays at -1.00 dB.",
    )
    assert kept.recording.notes == ()


def test_the_guard_lets_a_peak_be_that_was_there_before() -> None:
    loud = Recording(samples=wave(20).samples * np.float32(6), rate_hz=RATE_HZ)
    done = edit(loud, "turn it by 90 degrees")
    assert done.gain_db == 0.0
    assert done.true_peak_db > 1


def test_several_sounds_are_said_to_move_along() -> None:
    apart = np.concatenate([wave(-30).samples, wave(100).samples], axis=1)
    done = edit(Recording(samples=apart, rate_hz=RATE_HZ), "move it to the left")
    (note,) = done.recording.notes
    assert note.endswith("the rest is other sounds or echoes: the whole field turns, so that all of it moves along.")
    assert edit(wave(-30), "move it to the left").recording.notes == ()


def test_a_refused_sentence_leaves_no_file(tmp_path: Path) -> None:
    path = write_channels(tmp_path / "clip.wav", 1.0, 0.5, 0.0, 0.5)
    with pytest.raises(InputError, match="is not understood"):
        edit_file(path, "make it nicer", tmp_path / "out.wav")
    assert [file.name for file in tmp_path.iterdir()] == ["clip.wav"]
