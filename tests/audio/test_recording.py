"""Reading whatever people have, writing without loss, and one clear line for what cannot be read."""

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from salm.audio.formats import ambix_to_fuma, ambix_to_n3d, encode_plane_wave
from salm.audio.recording import WRITABLE, Recording, flac_bytes, read, resample, write
from salm.errors import InputError

RATE_HZ = 24_000


@pytest.fixture
def field(rng: np.random.Generator) -> np.ndarray:
    return encode_plane_wave((0.2 * rng.standard_normal(3000)).astype(np.float32), 40, 10)


@pytest.mark.parametrize(
    ("suffix", "container", "subtype", "tolerance"),
    [
        ("wav", "WAV", "PCM_16", 1e-4),
        ("wav", "WAV", "PCM_24", 1e-6),
        ("wav", "WAV", "FLOAT", 0),
        ("wav", "WAVEX", "FLOAT", 0),
        ("wav", "RF64", "FLOAT", 0),
        ("w64", "W64", "PCM_24", 1e-6),
        ("flac", "FLAC", "PCM_24", 1e-6),
        ("caf", "CAF", "FLOAT", 0),
        ("aiff", "AIFF", "PCM_24", 1e-6),
    ],
)
def test_every_container_reads_back(
    tmp_path: Path, field: np.ndarray, suffix: str, container: str, subtype: str, tolerance: float
) -> None:
    path = tmp_path / f"field.{suffix}"
    soundfile.write(path, field.T, RATE_HZ, format=container, subtype=subtype)
    recording = read(path)
    assert (recording.layout, recording.rate_hz, recording.path, recording.notes) == ("foa", RATE_HZ, str(path), ())
    assert recording.samples.dtype == np.float32
    assert recording.samples.flags.c_contiguous
    np.testing.assert_allclose(recording.samples, field, atol=tolerance)


def test_ogg_reads_in_its_four_channels(tmp_path: Path, field: np.ndarray) -> None:
    soundfile.write(tmp_path / "field.ogg", field.T, RATE_HZ)
    samples = read(tmp_path / "field.ogg").samples
    assert samples.shape == field.shape
    assert np.corrcoef(samples[1], field[1])[0, 1] > 0.9


@pytest.mark.parametrize("suffix", WRITABLE)
def test_what_is_written_reads_back(tmp_path: Path, field: np.ndarray, suffix: str) -> None:
    path = tmp_path / "new" / f"out{suffix}"
    assert write(path, field, RATE_HZ) == 0.0
    np.testing.assert_allclose(read(path).samples, field, atol=1e-6 if suffix == ".flac" else 0)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_only_flac_is_written_lower_and_says_by_how_much(tmp_path: Path, field: np.ndarray) -> None:
    loud = field * np.float32(2 / np.abs(field).max())
    assert write(tmp_path / "loud.wav", loud, RATE_HZ) == 0.0
    assert write(tmp_path / "loud.flac", loud, RATE_HZ) == pytest.approx(-6.02, abs=0.01)
    np.testing.assert_allclose(read(tmp_path / "loud.flac").samples, loud / 2, atol=1e-6)


@pytest.mark.parametrize("loudness", [1, 10])
def test_flac_in_memory_is_the_file(tmp_path: Path, field: np.ndarray, loudness: float) -> None:
    encoded, gain_db = flac_bytes(loudness * field, RATE_HZ)
    assert gain_db == write(tmp_path / "field.flac", loudness * field, RATE_HZ)
    assert (gain_db < 0) == (loudness > 1)
    assert encoded == (tmp_path / "field.flac").read_bytes()


def test_flac_in_memory_holds_only_numbers(field: np.ndarray) -> None:
    field[1, 7] = np.nan
    with pytest.raises(InputError, match="samples that are no numbers"):
        flac_bytes(field, RATE_HZ)


@pytest.mark.parametrize("name", ["out.mp3", "out.ogg", "out", "out.xyz"])
def test_other_endings_are_not_written(tmp_path: Path, field: np.ndarray, name: str) -> None:
    with pytest.raises(InputError, match=r"must end in one of \.wav, \.flac"):
        write(tmp_path / name, field, RATE_HZ)
    assert not list(tmp_path.iterdir())


def test_a_target_that_cannot_be_written_leaves_nothing(tmp_path: Path, field: np.ndarray) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        write(tmp_path / "file" / "out.wav", field, RATE_HZ)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_fuma_and_n3d_become_ambix(tmp_path: Path, field: np.ndarray) -> None:
    for name, converted in (("fuma", ambix_to_fuma(field)), ("n3d", ambix_to_n3d(field))):
        write(tmp_path / f"{name}.wav", converted, RATE_HZ)
        recording = read(tmp_path / f"{name}.wav", layout=name)
        np.testing.assert_allclose(recording.samples, field, rtol=1e-5)
        assert "to AmbiX" in recording.notes[0]


def test_amb_files_are_fuma_unless_said_otherwise(tmp_path: Path, field: np.ndarray) -> None:
    soundfile.write(tmp_path / "field.amb", ambix_to_fuma(field).T, RATE_HZ, format="WAVEX", subtype="FLOAT")
    np.testing.assert_allclose(read(tmp_path / "field.amb").samples, field, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(read(tmp_path / "field.amb", layout="ambix").samples, ambix_to_fuma(field))


def test_higher_orders_say_what_was_left_out(tmp_path: Path, rng: np.random.Generator) -> None:
    soundfile.write(tmp_path / "third.wav", rng.uniform(-1, 1, (100, 16)), RATE_HZ, subtype="FLOAT")
    recording = read(tmp_path / "third.wav")
    assert recording.notes == ("Only the first order of 16 channels is used.",)
    assert recording.ambiguity is None


def test_mono_and_stereo_keep_what_they_were(tmp_path: Path, rng: np.random.Generator) -> None:
    pair = rng.uniform(-1, 1, (2, 100)).astype(np.float32)
    write(tmp_path / "mono.wav", pair[:1], RATE_HZ)
    write(tmp_path / "stereo.wav", pair, RATE_HZ)
    mono, stereo = read(tmp_path / "mono.wav"), read(tmp_path / "stereo.wav")
    assert (mono.layout, mono.ambiguity) == ("mono", "all")
    assert (stereo.layout, stereo.ambiguity) == ("stereo", "front-back")
    np.testing.assert_array_equal(mono.samples[0], pair[0])
    np.testing.assert_allclose(stereo.samples[:2], [(pair[0] + pair[1]) / 2, (pair[0] - pair[1]) / 2])


@pytest.mark.parametrize(("container", "suffix"), [("WAV", "wav"), ("RF64", "wav"), ("W64", "w64"), ("FLAC", "flac")])
def test_a_file_cut_short_is_read_as_far_as_it_goes(
    tmp_path: Path, rng: np.random.Generator, container: str, suffix: str
) -> None:
    path = tmp_path / f"cut.{suffix}"
    # A diffuse field, as AmbiX has it.
    field = rng.uniform(-0.5, 0.5, (4, 600_000)).astype(np.float32) / np.sqrt([[1], [3], [3], [3]], dtype=np.float32)
    soundfile.write(path, field.T, RATE_HZ, format=container, subtype="PCM_24" if suffix == "flac" else "FLOAT")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    recording = read(path)
    assert 200_000 < recording.samples.shape[1] <= 300_000
    np.testing.assert_allclose(recording.samples, field[:, : recording.samples.shape[1]], atol=1e-6)
    assert [note for note in recording.notes if "cut short" in note] == list(recording.notes)
    assert len(recording.notes) == 1


def empty(path: Path) -> None:
    path.touch()


def no_samples(path: Path) -> None:
    soundfile.write(path, np.zeros((0, 4)), RATE_HZ)


def broken_header(path: Path) -> None:
    soundfile.write(path, np.zeros((100, 4)), RATE_HZ)
    path.write_bytes(b"RIFX" + b"\xff" * 16 + path.read_bytes()[20:])


def only_a_header(path: Path) -> None:
    soundfile.write(path, np.zeros((100, 4)), RATE_HZ)
    path.write_bytes(path.read_bytes()[:30])


def a_sentence(path: Path) -> None:
    path.write_text("this is no audio, it is a sentence\n" * 20, encoding="utf-8")


def not_a_number(path: Path) -> None:
    samples = np.zeros((RATE_HZ, 4), np.float32)
    samples[RATE_HZ // 2, 2] = np.nan
    soundfile.write(path, samples, RATE_HZ, subtype="FLOAT")


def infinite(path: Path) -> None:
    soundfile.write(path, np.full((10, 1), np.inf, np.float32), RATE_HZ, subtype="FLOAT")


def beyond_all_measure(path: Path) -> None:
    soundfile.write(path, np.full((10, 4), 3e38, np.float32), RATE_HZ, subtype="FLOAT")


def a_rate_of_two_gigahertz(path: Path) -> None:
    soundfile.write(path, np.zeros((100, 4)), RATE_HZ, subtype="PCM_16")
    data = bytearray(path.read_bytes())
    data[24:28] = struct.pack("<I", 2**31 - 1)
    path.write_bytes(bytes(data))


def three_channels(path: Path) -> None:
    soundfile.write(path, np.zeros((100, 3)), RATE_HZ)


def no_channels(path: Path) -> None:
    soundfile.write(path, np.zeros((100, 1)), RATE_HZ, subtype="PCM_16")
    data = bytearray(path.read_bytes())
    data[22:24] = struct.pack("<H", 0)
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (empty, "is empty"),
        (no_samples, "holds no samples"),
        (broken_header, "is no audio file that can be read, or is damaged"),
        (only_a_header, "is no audio file that can be read, or is damaged"),
        (a_sentence, "is no audio file that can be read"),
        (not_a_number, r"no numbers, the first at 0\.500 s"),
        (infinite, r"no numbers, the first at 0\.000 s"),
        (beyond_all_measure, "samples of 3e\\+38 times full scale"),
        (a_rate_of_two_gigahertz, "says that its rate is 2147483647 Hz, above 1000000"),
        (three_channels, "has 3 channels; recordings are mono, stereo or Ambisonics"),
        (no_channels, "is no audio file that can be read"),
        (Path.mkdir, "is a folder"),
        (lambda path: None, "does not exist"),
    ],
)
def test_what_cannot_be_read_gets_one_clear_line(tmp_path: Path, spoil: object, said: str) -> None:
    path = tmp_path / "bad.wav"
    spoil(path)
    with pytest.raises(InputError, match=said) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_layout_must_be_known_and_fit(tmp_path: Path) -> None:
    write(tmp_path / "mono.wav", np.ones((1, 10), np.float32), RATE_HZ)
    with pytest.raises(InputError, match="has 1 channel, which cannot be fuma"):
        read(tmp_path / "mono.wav", layout="fuma")
    with pytest.raises(InputError, match="must be one of ambix, n3d, fuma, a-format, dcase-mic, em32"):
        read(tmp_path / "mono.wav", layout="wxyz")


@pytest.mark.parametrize("shape", [(3, 10), (4, 0), (4,)])
def test_recordings_have_four_channels_of_samples(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"must be float32|holds no samples"):
        Recording(samples=np.zeros(shape, np.float32), rate_hz=RATE_HZ)
    with pytest.raises(InputError, match="float64"):
        Recording(samples=np.zeros((4, 10)), rate_hz=RATE_HZ)


@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 48_000])
def test_resampling_keeps_a_tone_and_says_so(rate_hz: int) -> None:
    time_s = np.arange(rate_hz) / rate_hz
    recording = Recording(
        samples=encode_plane_wave(np.sin(2 * np.pi * 440 * time_s), 60).astype(np.float32), rate_hz=rate_hz
    )
    changed = resample(recording, RATE_HZ)
    expected = encode_plane_wave(np.sin(2 * np.pi * 440 * np.arange(RATE_HZ) / RATE_HZ), 60)
    assert changed.samples.shape == (4, RATE_HZ)
    np.testing.assert_allclose(changed.samples[:, 500:-500], expected[:, 500:-500], atol=1e-3)
    assert changed.notes == (f"Resampled from {rate_hz} to 24000 Hz.",)
    assert resample(changed, RATE_HZ) is changed


def test_one_sample_survives_resampling() -> None:
    recording = Recording(samples=np.ones((4, 1), np.float32), rate_hz=192_000)
    assert resample(recording, RATE_HZ).samples.shape == (4, 1)
