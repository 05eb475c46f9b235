"""Diagnoses of plane waves and diffuse fields that are written in each format, and of files."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from salm.audio.arrays import DCASE_MIC, EM32, MicrophoneArray, a_format
from salm.audio.doctor import Hint, converted, diagnose, diagnose_file, header_hint
from salm.audio.formats import ambix_to_fuma, ambix_to_n3d
from salm.errors import InputError
from salm.frame import unit_vector

RATE_HZ = 24_000
TIME = RATE_HZ * 2
PLACES = [(40.0, 10.0), (-100.0, -20.0), (170.0, 30.0)]


def noise(seed: int, count: int = 1) -> np.ndarray:
    return (0.05 * np.random.default_rng(seed).standard_normal((count, TIME))).astype(np.float32)


@pytest.fixture(scope="module", params=["waves", "diffuse"])
def foa(request: pytest.FixtureRequest) -> np.ndarray:
    """AmbiX by its definition: three plane waves, or independent channels, Y, Z and X with a third of W's energy."""
    if request.param == "diffuse":
        return (noise(1, 4) * np.sqrt([[1], [1 / 3], [1 / 3], [1 / 3]])).astype(np.float32)
    vectors = [unit_vector(*place)[[1, 2, 0]] for place in PLACES]
    gains = np.stack([np.concatenate([[1.0], vector]) for vector in vectors], axis=1)
    return (gains @ noise(2, 3)).astype(np.float32)


def sphere(array: MicrophoneArray) -> np.ndarray:
    """A wave in front of omnidirectional capsules, by the first orders of the sphere's series."""
    radial = array.radial(np.fft.rfftfreq(TIME, 1 / RATE_HZ))[:12]
    cosines = array.directions @ unit_vector(40.0, 10.0)
    legendre = np.stack([np.polynomial.legendre.legval(cosines, np.eye(12)[n]) * (2 * n + 1) for n in range(12)])
    spectrum = np.fft.rfft(noise(5)[0])
    return np.fft.irfft((legendre.T @ radial) * spectrum, TIME).astype(np.float32)


def tetrahedron(foa: np.ndarray) -> np.ndarray:
    w, y, z, x = foa
    return ((w + a_format().directions @ np.stack([x, y, z])) / 2).astype(np.float32)


@pytest.mark.parametrize(
    ("layout", "write", "least"),
    [
        ("ambix", np.asarray, 0.9),
        ("n3d", ambix_to_n3d, 0.9),
        ("fuma", ambix_to_fuma, 0.9),
        # Four capsules in a diffuse field balance as N3D with a source in front, left and above: one octant of eight.
        ("a-format", tetrahedron, 0.7),
    ],
)
def test_formats_are_told_apart_and_become_the_ambix_they_came_from(
    foa: np.ndarray, layout: str, write: Callable[[np.ndarray], np.ndarray], least: float
) -> None:
    samples = write(foa)
    found = diagnose(samples, RATE_HZ)
    assert found.layout == layout
    assert found.confidence > least
    assert found.defects == ()
    assert found.balance is not None
    assert abs(found.balance.gradients_db) < 0.4
    np.testing.assert_allclose(converted(found, samples), foa, atol=2e-4)


@pytest.mark.parametrize("write", [np.asarray, ambix_to_fuma])
def test_of_a_tone_in_a_room_nothing_is_sure_but_what_is_right(write: Callable[[np.ndarray], np.ndarray]) -> None:
    """Reflections of a tone stand still: its balance is one sample of what only many frequencies average out."""
    right = {np.asarray: "ambix", ambix_to_fuma: "fuma"}[write]
    seconds = np.arange(TIME) / RATE_HZ
    surely_wrong = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        directions = rng.standard_normal((12, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        gains = np.concatenate([np.ones((12, 1)), directions[:, [1, 2, 0]]], axis=1) * rng.exponential(size=(12, 1))
        hertz, phases = rng.uniform(400, 2000, (1, 2, 1)), rng.uniform(0, 2 * np.pi, (12, 2, 1))
        waves = np.sin(2 * np.pi * hertz * seconds + phases).sum(axis=1)
        found = diagnose(write((0.02 * gains.T @ waves).astype(np.float32)), RATE_HZ)
        surely_wrong += found.layout != right and found.confidence >= 0.97
    # Half of the twenty if each block of time counted as knowledge of its own.
    assert surely_wrong <= 1


@pytest.mark.parametrize(("layout", "array"), [("dcase-mic", DCASE_MIC), ("em32", EM32)])
def test_capsules_on_a_sphere(layout: str, array: MicrophoneArray) -> None:
    found = diagnose(sphere(array), RATE_HZ)
    assert found.layout == layout
    assert found.confidence > 0.9
    assert found.conversion is not None


def test_the_level_does_not_matter(foa: np.ndarray) -> None:
    assert diagnose(foa * np.float32(1e-3), RATE_HZ).alternatives == diagnose(foa, RATE_HZ).alternatives


def test_higher_orders_and_a_head_locked_pair(foa: np.ndarray) -> None:
    nine = diagnose(np.concatenate([ambix_to_n3d(foa), noise(6, 5)]), RATE_HZ)
    assert (nine.layout, nine.order, nine.head_locked) == ("n3d", 2, False)
    six = diagnose(np.concatenate([foa, noise(6, 2)]), RATE_HZ)
    assert (six.layout, six.order, six.head_locked) == ("ambix", 1, True)
    assert six.conversion == "the head-locked pair is left out"


def test_loudspeakers_are_no_sound_field() -> None:
    """A sound that is panned between two of them is in no other: no figure of eight is like that."""
    quad = noise(7, 4) * np.float32(0.05)
    quad[:2] += noise(8)[0] * np.array([[1.0], [0.4]], np.float32)
    for samples in (quad, np.concatenate([quad, noise(9, 2)])):
        found = diagnose(samples, RATE_HZ)
        assert found.layout == "unknown"
        with pytest.raises(InputError, match="cannot be converted"):
            converted(found, samples)


@pytest.mark.parametrize("channels", [2, 4, 9])
def test_mono_in_disguise(channels: int) -> None:
    copies = diagnose(np.repeat(noise(10), channels, axis=0), RATE_HZ)
    alone = diagnose(np.concatenate([noise(10), np.zeros((channels - 1, TIME), np.float32)]), RATE_HZ)
    assert copies.layout == alone.layout == "mono"
    assert copies.title == "mono in disguise"


def test_few_and_odd_channels() -> None:
    said = {count: diagnose(noise(11, count), RATE_HZ).layout for count in (1, 2, 3, 5, 8)}
    assert said == {1: "mono", 2: "stereo", 3: "unknown", 5: "unknown", 8: "unknown"}


def test_the_order_is_only_known_from_elsewhere(foa: np.ndarray) -> None:
    plain = diagnose(foa, RATE_HZ)
    assert plain.channel_order_from == "assumed"
    assert any("cannot be known from the sound" in line for line in plain.evidence)
    assert diagnose(ambix_to_fuma(foa), RATE_HZ).channel_order_from == "level"
    stated = Hint(layout="ambix", source="stated", reason="You say so.")
    assert diagnose(foa, RATE_HZ, hint=stated).channel_order_from == "stated"


def test_what_is_stated_stays_and_is_contradicted(foa: np.ndarray) -> None:
    found = diagnose(foa, RATE_HZ, hint=Hint(layout="fuma", source="stated", reason="You say so."))
    assert found.layout == "fuma"
    assert found.confidence < 0.1
    assert "The sound contradicts: by its physics it is AmbiX (SN3D)." in found.evidence


def test_silence_and_a_blink_are_not_known(foa: np.ndarray) -> None:
    assert diagnose(np.zeros((4, TIME), np.float32), RATE_HZ).layout == "unknown"
    assert diagnose(foa[:, :50], RATE_HZ).confidence < 0.7


def test_headers_and_names(tmp_path: Path, foa: np.ndarray) -> None:
    assert header_hint(Path("a.amb"), "").layout == "fuma"
    assert header_hint(Path("a.wav"), "File : /ambix/a.wav") is None
    assert header_hint(Path("forest_AmbiX.wav"), "").source == "name"
    assert header_hint(Path("a.wav"), "Encoded as SN3D").source == "header"
    assert header_hint(Path("a.wav"), "", b"RIFF") is None
    uuid = bytes.fromhex("1ad318c300e55576be2d0dca2460bc89")
    assert header_hint(Path("a.caf"), "", b"caff...." + uuid).layout == "ambix"
    path = tmp_path / "a.wav"
    soundfile.write(path, foa.T, RATE_HZ, format="WAVEX", subtype="PCM_16")
    content = bytearray(path.read_bytes())
    guid = content.index(b"fmt ") + 8 + 24
    content[guid : guid + 16] = struct.pack("<IHH", 1, 0x0721, 0x11D3) + bytes.fromhex("8644c8c1ca000000")
    path.write_bytes(content)
    diagnosis, _, integers = diagnose_file(path)
    assert integers
    assert any("B-format" in line for line in diagnosis.evidence)


def test_what_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--layout em32 cannot be: of 4 channels"):
        diagnose(noise(1, 4), RATE_HZ, hint=Hint(layout="em32", source="stated", reason=""))
    with pytest.raises(InputError, match="does not exist"):
        diagnose_file(tmp_path / "none.wav")
    with pytest.raises(InputError, match="layout is 'x' but must be one of"):
        diagnose_file(tmp_path / "none.wav", layout="x")
    bad = noise(1, 4)
    bad[0, RATE_HZ] = np.nan
    with pytest.raises(InputError, match=r"no numbers, the first at 1\.000 s"):
        diagnose(bad, RATE_HZ)
