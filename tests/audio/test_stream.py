"""A stream is the file that `read` reads, whatever the blocks: bit for bit, with the same words for what is wrong."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from salm.audio.decoding import BLOCK
from salm.audio.formats import ambix_to_fuma, encode_plane_wave
from salm.audio.recording import read, resample
from salm.audio.stream import Stream
from salm.errors import InputError

RATE_HZ = 24_000


@pytest.fixture
def field(rng: np.random.Generator) -> np.ndarray:
    return encode_plane_wave((0.2 * rng.standard_normal(30_000)).astype(np.float32), 40, 10)


def streamed(path: Path, **options: object) -> tuple[np.ndarray, Stream]:
    with Stream(path, rate_hz=RATE_HZ, **options) as stream:
        return np.concatenate(list(stream), axis=1), stream


@pytest.mark.parametrize("rate_hz", [16_000, 24_000, 44_100, 96_000])
@pytest.mark.parametrize("block_samples", [997, 8192, 1 << 20])
def test_it_is_what_read_reads(tmp_path: Path, field: np.ndarray, rate_hz: int, block_samples: int) -> None:
    path = tmp_path / "field.wav"
    soundfile.write(path, field.T, rate_hz, subtype="FLOAT")
    expected = resample(read(path), RATE_HZ)
    samples, stream = streamed(path, block_samples=block_samples)
    np.testing.assert_array_equal(samples, expected.samples)
    assert (stream.layout, stream.notes) == (expected.layout, expected.notes)
    assert stream.read_s == stream.promised_s == pytest.approx(field.shape[1] / rate_hz)


def test_layouts_come_through_the_same_door(tmp_path: Path, field: np.ndarray) -> None:
    for name, channels in (("a.amb", ambix_to_fuma(field)), ("b.wav", field[:1]), ("c.wav", field[:2])):
        soundfile.write(tmp_path / name, channels.T, RATE_HZ, subtype="FLOAT", format="WAV")
        samples, stream = streamed(tmp_path / name, block_samples=1000)
        expected = read(tmp_path / name)
        np.testing.assert_array_equal(samples, expected.samples)
        assert (stream.layout, stream.ambiguity, stream.notes) == (
            expected.layout,
            expected.ambiguity,
            expected.notes,
        )


def test_what_is_there_of_a_file_that_is_cut_short_is_read_and_noted(tmp_path: Path, field: np.ndarray) -> None:
    path = tmp_path / "field.wav"
    soundfile.write(path, field.T, RATE_HZ, subtype="PCM_16")
    path.write_bytes(path.read_bytes()[: -20_000 * 8])
    samples, stream = streamed(path, block_samples=999)
    expected = read(path)
    np.testing.assert_array_equal(samples, expected.samples)
    assert stream.notes == expected.notes != ()


def test_what_cannot_be_read_is_said_as_read_says_it(tmp_path: Path, field: np.ndarray) -> None:
    (tmp_path / "text.wav").write_text("no audio at all")
    (tmp_path / "empty.wav").touch()
    soundfile.write(tmp_path / "three.wav", field[:3].T, RATE_HZ)
    soundfile.write(tmp_path / "nothing.wav", field[:, :0].T, RATE_HZ)
    for name in ("text.wav", "empty.wav", "three.wav", "nothing.wav", "none.wav"):
        with pytest.raises(InputError) as said:
            read(tmp_path / name)
        with pytest.raises(InputError) as streaming:
            streamed(tmp_path / name)
        assert str(streaming.value) == str(said.value)


def test_what_is_no_number_is_said_with_its_time(tmp_path: Path, field: np.ndarray) -> None:
    field[2, 12_000] = np.nan
    soundfile.write(tmp_path / "nan.wav", field.T, RATE_HZ, subtype="FLOAT")
    with pytest.raises(InputError, match=r"no numbers, the first at 0\.500 s"):
        streamed(tmp_path / "nan.wav", block_samples=1000)


def test_capsules_have_to_be_converted_as_a_whole(tmp_path: Path, field: np.ndarray) -> None:
    path = tmp_path / "capsules.wav"
    soundfile.write(path, field.T, RATE_HZ, subtype="FLOAT")
    assert read(path, layout="a-format").samples.shape == field.shape
    with pytest.raises(InputError, match="is a-format, which is converted as a whole: write it as AmbiX first"):
        streamed(path, layout="a-format")


def test_a_low_rate_makes_no_large_blocks(tmp_path: Path) -> None:
    for rate_hz in (1, 23, 30):
        soundfile.write(tmp_path / f"{rate_hz}.wav", np.full((2_000, 4), 0.1), rate_hz)
    for rate_hz in (1, 23):
        with pytest.raises(InputError, match=f"is at {rate_hz} Hz, too low to be scanned"):
            Stream(tmp_path / f"{rate_hz}.wav", rate_hz=24_000)
    with Stream(tmp_path / "30.wav", rate_hz=24_000, layout="ambix") as stream:
        assert max(block.shape[1] for block in stream) < 4 * BLOCK


def test_a_small_file_of_many_hours_is_refused_where_it_would_be_held_at_once(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "slow.wav", np.full((20_000, 4), 0.1), 1)
    with pytest.raises(InputError, match=r"slow\.wav is 5\.6 h long, more than fits into memory at 24000 Hz"):
        resample(read(tmp_path / "slow.wav"), 24_000)
