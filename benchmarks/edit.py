"""What edits of whole files do: angles, energy, undoing, over simulated scenes with one sound each.

Every scene is rendered, written as a file, turned by a sentence with an angle of its own and undone. Measured are the
azimuth of the mean intensity and that of the model, before and after, against the angle asked for; the energy of W, Y,
Z, X with the guard of the true peak off; whether what is undone has the bytes of the original; and as what the door for
files took the scene. Plane waves of the same sounds are moved by a sentence to a sector and an elevation. The last line
is one JSON object; errors are in degrees.
"""

import argparse
import json
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import salm
from salm.audio.door import identify
from salm.audio.formats import encode_plane_wave
from salm.audio.intensity import intensity_direction
from salm.audio.recording import Recording, read, write
from salm.cli.telling import scene_bar
from salm.editing.files import edit_file, undo_file
from salm.editing.sound import edit
from salm.frame import SECTORS, angle_between_deg, sector_centre_deg, unit_vector, wrap_deg
from salm.model.inference import Model
from salm.scenes.corpora import open_corpus
from salm.scenes.rendering import render_scene
from salm.scenes.sample import draw_scene

RATE_HZ = 24_000


def azimuth_deg(recording: Recording) -> float:
    """By the mean intensity."""
    found = intensity_direction(recording.samples, recording.rate_hz, onset_weighted=False).azimuth_deg
    assert found is not None
    return found


def turned(folder: Path, samples: np.ndarray, rng: np.random.Generator, model: Model | None) -> dict[str, Any]:
    """One scene, turned by a sentence as a file and undone."""
    take, out, back = folder / "take.wav", folder / "turned.wav", folder / "back.wav"
    write(take, samples, RATE_HZ)
    original = take.read_bytes()
    degrees, side = int(rng.integers(1, 181)), ("left", "right")[int(rng.integers(2))]
    asked_deg = degrees if side == "left" else -degrees
    edit_file(take, f"rotate {degrees} degrees to the {side}", out, guard=False, layout="ambix")
    undo_file(out, back)
    before, after = read(take, layout="ambix"), read(out, layout="ambix")
    energies = [float(np.square(recording.samples, dtype=np.float64).sum()) for recording in (before, after)]
    row = {
        "intensity_off": abs(wrap_deg(azimuth_deg(after) - azimuth_deg(before) - asked_deg)),
        "energy_db": abs(10 * float(np.log10(energies[1] / energies[0]))),
        "read_as": identify(take).layout,
        "undone": back.read_bytes() == original == take.read_bytes(),
    }
    if model is not None:
        places = [model.locate(recording, widest_deg=180.0).azimuth_deg for recording in (before, after)]
        row["model_off"] = abs(wrap_deg(places[1] - places[0] - asked_deg))
    return row


def moved_off_deg(signal: np.ndarray, rng: np.random.Generator) -> float:
    """How far from its goal a plane wave ends that is moved by a sentence."""
    wave = encode_plane_wave(signal, float(rng.uniform(-180, 180)), float(rng.uniform(-80, 80)))
    sector, elevation_deg = int(rng.integers(8)), int(rng.integers(-8, 9)) * 10
    sentence = f"move it to the {SECTORS[sector]} at elevation {elevation_deg}"
    done = edit(Recording(samples=wave, rate_hz=RATE_HZ), sentence)
    w, y, z, x = done.recording.samples.astype(np.float64)
    goal = unit_vector(sector_centre_deg(sector), elevation_deg)
    return float(angle_between_deg(np.array([w @ x, w @ y, w @ z]), goal))


def spread(values: list[float]) -> dict[str, float]:
    """Median, 90th percentile and worst."""
    return {"median": float(np.median(values)), "p90": float(np.percentile(values, 90)), "worst": float(max(values))}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="small")
    parser.add_argument("--model-scenes", type=int, default=200, help="of the scenes, the first that the model hears")
    parser.add_argument("--corpus", type=Path, help="left out, the built-in procedural sounds")
    options = parser.parse_args()
    corpus = open_corpus(options.corpus, split="test")
    model = salm.load(options.model) if options.model_scenes else None
    rows, moved = [], []
    with TemporaryDirectory() as folder:
        for number in scene_bar(range(options.scenes), "editing"):
            rng = np.random.default_rng([options.seed, number])
            sound = corpus.sounds[int(rng.integers(len(corpus.sounds)))]
            samples = render_scene(draw_scene(rng, sound), corpus, rate_hz=RATE_HZ)
            samples = samples * np.float32(0.5 / np.abs(samples).max())
            rows.append(turned(Path(folder), samples, rng, model if number < options.model_scenes else None))
            moved.append(moved_off_deg(samples[0], rng))
    report: dict[str, Any] = {
        "scenes": options.scenes,
        "seed": options.seed,
        "corpus": corpus.name,
        "model": None if model is None else model.digest,
        "intensity_azimuth_off": spread([row["intensity_off"] for row in rows]),
        "energy_off_db": spread([row["energy_db"] for row in rows]),
        "read_as": Counter(row["read_as"] for row in rows),
        "undone_byte_for_byte": sum(row["undone"] for row in rows),
        "plane_wave_moved_off": spread(moved),
    }
    if model is not None:
        heard = [row["model_off"] for row in rows if "model_off" in row]
        report["model_azimuth_off"] = spread(heard) | {"scenes": len(heard)}
    print(json.dumps(report))


if __name__ == "__main__":
    main()
