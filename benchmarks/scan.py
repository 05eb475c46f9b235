"""How fast `salm scan` is and how much memory it takes, for recordings of different lengths.

A recording is the scene of two minutes below, again and again: single sounds, some of them at once, in
a simulated room with faint ambience and sensor noise, as `small` is trained on; a third of the time is silent. Speed is
processor time, all threads together, against the length of the recording: what others do on the machine is not in it,
except that they share its caches. Every recording is scanned in a process of its own, whose highest resident memory is
read at the end; so is what a process takes that only loads the model. `busy` is a recording without a pause, the worst
for speed. Onsets and directions of the scene are held against how it was made. The last line is one JSON object.
"""

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
import torch

import salm
from rounds import processor
from salm.acoustics.room import sample_position, sample_room
from salm.audio.formats import encode_plane_wave
from salm.frame import angle_between_deg, unit_vector
from salm.scanning.timeline import Timeline
from salm.scenes.corpora.procedural import ProceduralCorpus
from salm.scenes.rendering import render_scene
from salm.scenes.scene import Ambience, Scene, Source

RATE_HZ = 24_000
SCENE_S = 120
SLOT_S = 8.0
NEAR_DEG = 25.0


def made(seed: int, corpus: ProceduralCorpus) -> Scene:
    """Sounds of all kinds, each in a slot of eight seconds, and in every third slot a second one at the same time."""
    rng = np.random.default_rng(seed)
    room = sample_room(rng)
    sources = []
    for slot in range(round(SCENE_S / SLOT_S)):
        for _ in range(2 if slot % 3 == 2 else 1):
            sound = corpus.sounds[int(rng.integers(len(corpus.sounds)))]
            place = sample_position(rng, room)
            start_s = slot * SLOT_S + float(rng.uniform(0.5, 2.0))
            sources.append(Source(sound_id=sound.id, caption=sound.caption, **place._asdict(), start_s=start_s))
    ambience = Ambience(snr_db=25.0)
    return Scene(seed=seed, sources=tuple(sources), room=room, duration_s=SCENE_S, noise_db=-50.0, ambience=ambience)


def write_scene(path: Path, samples: np.ndarray, minutes: float) -> None:
    """The samples again and again, 24 bits."""
    with soundfile.SoundFile(path, "w", RATE_HZ, 4, "PCM_24") as file:
        for _ in range(round(minutes * 60 / SCENE_S)):
            file.write(samples.T)


def write_busy(path: Path, minutes: float, rng: np.random.Generator) -> None:
    """Noise without a pause that is elsewhere every two seconds."""
    with soundfile.SoundFile(path, "w", RATE_HZ, 4, "PCM_24") as file:
        for _ in range(round(minutes * 30)):
            sound = (0.05 * rng.standard_normal(2 * RATE_HZ)).astype(np.float32)
            file.write(encode_plane_wave(sound, float(rng.uniform(-180, 180)), float(rng.uniform(-40, 40))).T)


def measured(path: Path | None, name: str | None, sentences: list[str], threads: int) -> dict[str, object]:
    """Speed and memory of one scan; of none if there is no path. Runs in a process of its own."""
    torch.set_num_threads(threads)
    model = None if name is None else salm.load(name)
    if path is None:
        return {"peak_mb": peak_mb()}
    start_cpu_s, start_s = time.process_time(), time.perf_counter()
    timeline = salm.scan(path, model, sentences if model else ())
    cpu_s, wall_s = time.process_time() - start_cpu_s, time.perf_counter() - start_s
    return {
        "minutes": round(timeline.duration_s / 60, 2),
        "events": len(timeline.events),
        "cpu_s": round(cpu_s, 2),
        "times_real_time_a_core": round(timeline.duration_s / cpu_s, 1),
        "times_real_time_wall": round(timeline.duration_s / wall_s, 1),
        "peak_mb": peak_mb(),
        "timeline": timeline.to_dict(),
    }


def peak_mb() -> int:
    """Highest resident memory of this process so far."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def accuracy(scene: Scene, corpus: ProceduralCorpus, timeline: Timeline) -> dict[str, object]:
    """How sounds of the scene were found: by an event from within 25 degrees that overlaps them in time."""
    onsets_s, errors_deg, named, belongs = [], [], [], set()
    for source in scene.sources:
        heard = np.flatnonzero(np.abs(corpus.audio(source.sound_id)) > 0.05) / RATE_HZ + source.start_s
        there = unit_vector(source.azimuth_deg, source.elevation_deg)
        mine = [
            (index, event, angle)
            for index, event in enumerate(timeline.events)
            if event.onset_s < heard[-1] + 0.5 and event.offset_s > heard[0] - 0.5
            if (angle := float(angle_between_deg(unit_vector(event.azimuth_deg, event.elevation_deg), there)))
            < NEAR_DEG
        ]
        belongs |= {index for index, *_ in mine}
        if mine:
            onsets_s.append(abs(mine[0][1].onset_s - heard[0]))
            longest = max(mine, key=lambda item: item[1].offset_s - item[1].onset_s)
            errors_deg.append(longest[2])
            named.append(longest[1].name == source.caption)
    return {
        "sounds": len(scene.sources),
        "found": len(onsets_s),
        "onset_error_s": spread(onsets_s),
        "direction_error_deg": spread(errors_deg),
        "named_right_of_found": round(float(np.mean(named)), 3),
        "events_of_no_sound": len(timeline.events) - len(belongs),
    }


def spread(values: list[float]) -> dict[str, float]:
    """Median and 90 % quantile."""
    return {"median": round(float(np.median(values)), 3), "p90": round(float(np.quantile(values, 0.9)), 3)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, nargs="+", default=[2, 20])
    parser.add_argument("--scenes", type=int, default=5, help="of two minutes, to hold against how they were made")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--model", default="small")
    options = parser.parse_args()
    corpus = ProceduralCorpus(per_kind=2, split="test")
    sentences = sorted({sound.caption for sound in corpus.sounds})
    fresh = multiprocessing.get_context("spawn")

    def alone(path: Path | None, name: str | None = options.model) -> dict[str, object]:
        with fresh.Pool(1) as pool:
            return pool.apply(measured, (path, name, sentences, options.threads))

    results: dict[str, object] = {"processor": processor(), "threads": options.threads, "sentences": len(sentences)}
    results["model_alone_peak_mb"] = alone(None)["peak_mb"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recording.wav"
        found = []
        for seed in range(options.scenes):
            scene = made(seed, corpus)
            samples = render_scene(scene, corpus)
            samples *= np.float32(0.3 / np.abs(samples).max())
            write_scene(path, samples, SCENE_S / 60)
            found.append(accuracy(scene, corpus, Timeline.from_dict(alone(path)["timeline"])))
        results["scenes"] = found
        for minutes in options.minutes:
            write_scene(path, samples, minutes)
            results[f"{minutes:g} min"] = without_events(alone(path))
            results[f"{minutes:g} min, no model"] = without_events(alone(path, None))
        write_busy(path, 2, np.random.default_rng(0))
        results["busy, 2 min"] = without_events(alone(path))
    print(json.dumps(results))


def without_events(result: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in result.items() if key != "timeline"}


if __name__ == "__main__":
    main()
