"""How often `salm doctor` names the right format: simulated scenes in all formats, and with one defect each.

A scene is one dry sound, one sound in a room, one of few tones there, two sounds in a room, or a diffuse field. Every
channel has noise 60 dB down and a gain that is off by up to 0.3 dB, as microphones have. In front of capsules on a
sphere a room is the direct sound and forty reflections from anywhere. The last line is one JSON object; rows of
`confusion` are what files were.
"""

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterator

import numpy as np
import scipy.fft
from scipy.special import eval_legendre

from salm.acoustics.diffuse import diffuse_sound
from salm.acoustics.render import convolve
from salm.acoustics.room import sample_position, sample_room
from salm.acoustics.srir import simulate
from salm.audio.arrays import DCASE_MIC, EM32, MicrophoneArray, a_format
from salm.audio.doctor import diagnose
from salm.audio.formats import ambix_to_fuma, ambix_to_n3d, encode_plane_wave
from salm.frame import unit_vector

RATE_HZ = 24_000
TIME = 4 * RATE_HZ
SCENES = ("dry", "room", "tones", "two", "diffuse")


def sound(rng: np.random.Generator) -> np.ndarray:
    """Bursts of noise of a colour of their own."""
    level = np.repeat(np.square(rng.exponential(1, 40)), TIME // 40) + 0.01
    spectrum = scipy.fft.rfft(rng.standard_normal(TIME) * level)
    hertz = np.maximum(scipy.fft.rfftfreq(TIME, 1 / RATE_HZ), 50)
    return (scipy.fft.irfft(spectrum * hertz ** -rng.uniform(0, 1)) * 0.1).astype(np.float32)


def tones(rng: np.random.Generator) -> np.ndarray:
    """Two or three steady tones in bursts, as of a telephone or a bell."""
    seconds = np.arange(TIME) / RATE_HZ
    hertz = rng.uniform(400, 2200, (int(rng.integers(2, 4)), 1))
    rings = np.repeat(rng.integers(0, 2, 20) + 0.01, TIME // 20)
    return (np.sin(2 * np.pi * hertz * seconds).sum(axis=0) * rings * 0.1).astype(np.float32)


def foa_scene(kind: str, rng: np.random.Generator) -> np.ndarray:
    """AmbiX of a scene."""
    if kind == "dry":
        return encode_plane_wave(sound(rng), rng.uniform(-180, 180), rng.uniform(-45, 45))
    if kind == "diffuse":
        return diffuse_sound(sound(rng), rng, TIME, rate_hz=RATE_HZ)
    room = sample_room(rng)
    count = 2 if kind == "two" else 1
    places = np.array([sample_position(rng, room).in_room(room) for _ in range(count)])
    responses = simulate(room, places, rate_hz=RATE_HZ, seed=int(rng.integers(1 << 30)))
    source = tones if kind == "tones" else sound
    return np.sum([convolve(source(rng), response[None])[0] for response in responses], axis=0)


def plane_waves(kind: str, rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Directions and signals of the waves that a scene is made of."""
    if kind == "diffuse":
        whole = sound(rng)
        for direction in rng.standard_normal((40, 3)):
            yield direction / np.linalg.norm(direction), np.roll(whole, int(rng.integers(TIME)))
        return
    for _ in range(2 if kind == "two" else 1):
        direct = tones(rng) if kind == "tones" else sound(rng)
        yield unit_vector(rng.uniform(-180, 180), rng.uniform(-45, 45)), direct
        if kind != "dry":
            for direction, delay_s in zip(rng.standard_normal((40, 3)), rng.exponential(0.1, 40), strict=True):
                echo = np.roll(direct, round((0.005 + delay_s) * RATE_HZ)) * np.float32(0.5 * np.exp(-delay_s / 0.1))
                yield direction / np.linalg.norm(direction), echo


def capsules(array: MicrophoneArray, kind: str, rng: np.random.Generator) -> np.ndarray:
    """What an array records, by the series of a sphere."""
    radial = array.radial(scipy.fft.rfftfreq(TIME, 1 / RATE_HZ))
    orders = np.arange(len(radial))[:, None]
    heard = np.zeros((len(array), TIME), np.float32)
    for direction, signal in plane_waves(kind, rng):
        legendre = eval_legendre(orders, (array.directions @ direction)[None]) * (2 * orders + 1)
        heard += scipy.fft.irfft((legendre.T @ radial) * scipy.fft.rfft(signal), TIME).astype(np.float32)
    return heard


def tetrahedron(foa: np.ndarray) -> np.ndarray:
    """Four coincident cardioids."""
    w, y, z, x = foa
    return ((w + a_format().directions @ np.stack([x, y, z])) / 2).astype(np.float32)


def loudspeakers(foa: np.ndarray, rng: np.random.Generator, count: int) -> np.ndarray:
    """A pan between two neighbours, and something of its own in every loudspeaker."""
    turn = rng.uniform(0, np.pi / 2)
    mix = np.zeros((count, 1), np.float32)
    mix[rng.choice(count, 2, replace=False), 0] = np.cos(turn), np.sin(turn)
    own = np.stack([sound(rng) for _ in range(count)]) * np.float32(0.3 * np.std(foa[0]) / 0.1)
    return (mix * foa[0] + own).astype(np.float32)


def made(kind: str, rng: np.random.Generator) -> Iterator[tuple[str, str, np.ndarray]]:
    """What a file is, the layout that has to be said, and its channels."""
    foa = foa_scene(kind, rng)
    pair = np.stack([foa[0] + foa[1], foa[0] - foa[1]])
    yield "ambix", "ambix", foa
    yield "n3d", "n3d", ambix_to_n3d(foa)
    yield "fuma", "fuma", ambix_to_fuma(foa)
    yield "a-format", "a-format", tetrahedron(foa)
    yield "dcase-mic", "dcase-mic", capsules(DCASE_MIC, kind, rng)
    yield "em32", "em32", capsules(EM32, kind, rng)
    # Channels above the first order are not looked at: any will do.
    higher = (rng.standard_normal((12, 4)) * 0.3).astype(np.float32) @ foa
    yield "ambix, 9 channels", "ambix", np.concatenate([foa, higher[:5]])
    yield "n3d, 16 channels", "n3d", np.concatenate([ambix_to_n3d(foa), higher])
    yield "ambix and head-locked", "ambix", np.concatenate([foa, np.stack([sound(rng), sound(rng)])])
    yield "quad", "unknown", loudspeakers(foa, rng, 4)
    yield "5.1", "unknown", loudspeakers(foa, rng, 6)
    yield "stereo", "stereo", pair
    yield "mono", "mono", foa[:1]


def worn(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """With noise and gains of its own in each channel, at a peak of one half."""
    gains = 10 ** (rng.uniform(-0.3, 0.3, (len(samples), 1)) / 20)
    samples = samples * gains / np.abs(samples).max() / 2
    return (samples + 1e-3 * np.std(samples) * rng.standard_normal(samples.shape)).astype(np.float32)


def copies(foa: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Mono in disguise."""
    nothing = np.zeros_like(foa[0])
    yield "mono in 4 equal channels", np.stack([foa[0]] * 4)
    yield "mono in W alone", np.stack([foa[0], nothing, nothing, nothing])
    yield "mono in 2 equal channels", np.stack([foa[0]] * 2)


def spoilt(foa: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """One defect each."""
    dead, same = foa.copy(), foa.copy()
    dead[2] = 0
    same[3] = same[1]
    yield "dead", dead
    yield "identical", same
    yield "clipped", np.clip(foa * 6, -1, 1)
    yield "offset", foa + np.float32(0.03)
    yield "faint", foa * np.float32(1e-3)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10, help="of four scenes each")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    confusion: dict[str, Counter[str]] = defaultdict(Counter)
    by_scene: dict[str, list[bool]] = defaultdict(list)
    believed: list[tuple[float, bool]] = []
    defects: dict[str, list[bool]] = defaultdict(list)
    for number in range(arguments.rounds):
        for index, kind in enumerate(SCENES):
            rng = np.random.default_rng([arguments.seed, number, index])
            for name, layout, samples in made(kind, rng):
                said = diagnose(worn(samples, rng), RATE_HZ)
                confusion[name][said.layout] += 1
                by_scene[kind].append(said.layout == layout)
                believed.append((said.confidence, said.layout == layout))
                defects["none (false alarms)"].append(bool(said.defects))
            foa = worn(foa_scene(kind, rng), rng)
            for name, samples in copies(foa):
                confusion[name][diagnose(samples, RATE_HZ).layout] += 1
            for name, samples in spoilt(foa):
                defects[name].append(name in {defect.kind for defect in diagnose(samples, RATE_HZ).defects})
    bands = {}
    for low, high in ((0.0, 0.7), (0.7, 0.9), (0.9, 0.97), (0.97, 1.01)):
        inside = [(sure, right) for sure, right in believed if low <= sure < high]
        if inside:
            sure, right = np.mean(inside, axis=0)
            bands[f"{low}-{min(high, 1.0)}"] = {"files": len(inside), "said": float(sure), "right": float(right)}
    document = {
        "confusion": confusion,
        "right_by_scene": {kind: float(np.mean(right)) for kind, right in by_scene.items()},
        "confidence": bands,
        "defects": {name: float(np.mean(found)) for name, found in defects.items()},
    }
    print(json.dumps(document))


if __name__ == "__main__":
    main()
