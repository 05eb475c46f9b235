"""The door: what files are read as when nobody says what they are, and what is said about it."""

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from salm.audio.door import identify
from salm.audio.formats import ambix_to_fuma, ambix_to_n3d, encode_plane_wave
from salm.audio.recording import read
from salm.errors import InputError

RATE_HZ = 24_000


def noise(seed: int, count: int = 1, *, lasts_s: float = 2) -> np.ndarray:
    return (0.05 * np.random.default_rng(seed).standard_normal((count, round(lasts_s * RATE_HZ)))).astype(np.float32)


@pytest.fixture(scope="module")
def field() -> np.ndarray:
    """Three plane waves, not in one octant."""
    places = ((40.0, 10.0), (-100.0, -20.0), (170.0, 30.0))
    return sum(encode_plane_wave(noise(seed)[0], *place) for seed, place in enumerate(places))


def written(path: Path, samples: np.ndarray) -> Path:
    soundfile.write(path, samples.T, RATE_HZ, subtype="FLOAT")
    return path


def test_ambix_is_read_as_it_stands_without_a_word(tmp_path: Path, field: np.ndarray) -> None:
    path = written(tmp_path / "a.wav", field)
    recording, known = read(path), identify(path)
    np.testing.assert_array_equal(recording.samples, field)
    assert recording.notes == ()
    assert (known.layout, known.source, known.order_from) == ("ambix", "sound", "assumed")
    assert known.confidence > 0.9


def test_fuma_is_heard_converted_and_told(tmp_path: Path, field: np.ndarray) -> None:
    recording = read(written(tmp_path / "f.wav", ambix_to_fuma(field)))
    np.testing.assert_allclose(recording.samples, field, atol=1e-6)
    (note,) = recording.notes
    assert re.search(r"FuMa B-format \(9\d% sure\), in the order W X Y Z \(level\)", note)
    assert note.endswith("and was converted to AmbiX; --format states what it is.")


def test_what_is_likely_but_not_sure_is_told_and_left(tmp_path: Path, field: np.ndarray) -> None:
    samples = ambix_to_n3d(field)
    recording = read(written(tmp_path / "n.wav", samples))
    np.testing.assert_array_equal(recording.samples, samples)
    (note,) = recording.notes
    assert re.search(r"it may be Ambisonics in N3D \(9\d% sure\), but it was read as AmbiX", note)
    np.testing.assert_allclose(read(tmp_path / "n.wav", layout="n3d").samples, field, atol=1e-6)


def test_what_is_stated_is_so_whatever_it_sounds_like(tmp_path: Path, field: np.ndarray) -> None:
    path = written(tmp_path / "f.wav", ambix_to_fuma(field))
    recording = read(path, layout="ambix")
    np.testing.assert_array_equal(recording.samples, ambix_to_fuma(field))
    assert recording.notes == ()
    assert identify(path, layout="fuma").order_from == "stated"


def test_what_the_header_says_is_believed(tmp_path: Path, field: np.ndarray) -> None:
    path = tmp_path / "marked.amb"
    soundfile.write(path, field.T, RATE_HZ, format="WAVEX", subtype="FLOAT")
    known = identify(path)
    assert (known.layout, known.source, known.confidence) == ("fuma", "header", None)
    assert read(path).notes == ("Converted from FuMa to AmbiX.",)


def test_the_name_counts_but_the_sound_may_overrule_it(tmp_path: Path, field: np.ndarray) -> None:
    assert identify(written(tmp_path / "fuma.wav", ambix_to_fuma(field))).source == "name"
    wrong = identify(written(tmp_path / "fuma-not.wav", field))
    assert (wrong.layout, wrong.source) == ("ambix", "sound")


def quad() -> np.ndarray:
    """A pan between the two loudspeakers behind, of four, and something of its own in each."""
    return np.array([[0.0], [0.0], [0.8], [0.6]], np.float32) * noise(1) + np.float32(0.3) * noise(2, 4)


def test_loudspeakers_are_not_silently_taken_for_ambisonics(tmp_path: Path) -> None:
    recording = read(written(tmp_path / "quad.wav", quad()))
    np.testing.assert_array_equal(recording.samples, quad())
    (note,) = recording.notes
    assert note.startswith("By its sound it is no Ambisonics (")
    assert note.endswith("directions in it may mean nothing: state with --format what it is, or ask salm doctor.")
    assert read(tmp_path / "quad.wav", layout="ambix").notes == ()


def test_a_tetrahedron_is_heard_or_at_least_told(tmp_path: Path, field: np.ndarray) -> None:
    w, y, z, x = field
    capsules = np.stack([w + (sx * x + sy * y + sz * z) / np.sqrt(3) for sx, sy, sz in _TETRAHEDRON]) / 2
    path = written(tmp_path / "a.wav", capsules.astype(np.float32))
    assert "A-format" in read(path).notes[0]
    np.testing.assert_allclose(read(path, layout="a-format").samples, field, atol=1e-5)


# Front left up, front right down, back left down, back right up.
_TETRAHEDRON = ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1))


def test_six_channels_are_a_field_and_a_head_locked_pair_or_refused(tmp_path: Path, field: np.ndarray) -> None:
    recording = read(written(tmp_path / "six.wav", np.concatenate([field, noise(9, 2)])))
    np.testing.assert_array_equal(recording.samples, field)
    assert recording.notes == ("The head-locked pair after the first four channels is left out.",)
    speakers = np.concatenate([quad(), noise(3, 2)])
    with pytest.raises(InputError, match=r"has 6 channels; recordings are mono, stereo or Ambisonics"):
        read(written(tmp_path / "surround.wav", speakers))


def test_mono_in_disguise_is_mono(tmp_path: Path) -> None:
    recording = read(written(tmp_path / "copies.wav", np.repeat(noise(1), 4, axis=0)))
    assert (recording.layout, recording.ambiguity) == ("mono", "all")
    assert "mono in disguise" in recording.notes[0]


@pytest.mark.parametrize("channels", [4, 9])
def test_silence_and_a_few_samples_are_ambix(tmp_path: Path, channels: int) -> None:
    for samples in (np.zeros((channels, 100)), noise(1, channels, lasts_s=0.01)):
        assert identify(written(tmp_path / "little.wav", samples)).layout == "ambix"


def test_a_long_file_is_listened_to_all_over_and_a_silent_beginning_hides_nothing(tmp_path: Path) -> None:
    places = ((40.0, 10.0), (-100.0, -20.0), (170.0, 30.0))
    tail = sum(encode_plane_wave(noise(seed, lasts_s=6)[0], *place) for seed, place in enumerate(places))
    silence = np.zeros((4, 15 * RATE_HZ), np.float32)
    assert identify(written(tmp_path / "late.wav", ambix_to_fuma(np.concatenate([silence, tail], 1)))).layout == "fuma"


def test_a_stated_layout_must_fit_the_channels(tmp_path: Path) -> None:
    path = written(tmp_path / "four.wav", noise(1, 4))
    with pytest.raises(InputError, match="has 4 channels, which cannot be em32; leave the layout out"):
        read(path, layout="em32")
