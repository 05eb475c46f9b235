"""Where the processor time of training, rendering and locating goes.

    OMP_NUM_THREADS=1 python benchmarks/hot_spots.py

One process and one thread under cProfile with processor time, each part after it has run once:

- *render*: a room and three places drawn, three responses, three ten-second clips;
- *locate*: a file of ten seconds at 48 kHz from reading to its location, the model loaded before;
- *train*: steps of `configs/small.yaml` on synthesised sounds, batch and step in one process.

Functions are those with the most time of their own; what they call is counted there. The profiler makes short
functions look longer than they are. The last line is one JSON object: shares of the time of each part.
"""

import argparse
import cProfile
import json
import os
import pstats
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile
import torch

import salm
from loader import CONFIG
from render import Clips, responses
from rounds import processor
from salm.acoustics.render import convolve
from salm.scenes.dataset import SceneBatches
from salm.scenes.sample import draw_variants
from salm.training.config import CorpusConfig, read_train_config
from salm.training.corpora import open_corpora
from salm.training.devices import OneProcess
from salm.training.loading import Lessons
from salm.training.start import initial
from salm.training.trainer import Trainer

TOP = 10


def render() -> Callable[[int], None]:
    clips, rng = Clips(), np.random.default_rng(0)

    def run(count: int) -> None:
        for number in range(count):
            sound = clips.sounds[number % len(clips.sounds)]
            convolve(clips.audio(sound.id), responses(draw_variants(rng, sound)))

    return run


def locate(folder: Path) -> Callable[[int], None]:
    noise = 0.1 * np.random.default_rng(0).standard_normal(480_000)
    samples = np.stack([noise, noise * 0.6, 0 * noise, noise * 0.8], axis=1)
    soundfile.write(folder / "clip.wav", samples, 48_000)
    model = salm.load("small")

    def run(count: int) -> None:
        for _ in range(count):
            model.locate(salm.read(folder / "clip.wav"))

    return run


def train() -> Callable[[int], None]:
    config = replace(read_train_config(CONFIG), corpora=(CorpusConfig(per_kind=2),), workers=0)
    network, model = initial(config)
    config = replace(config, model=model)
    corpora = open_corpora(config)
    schedule = config.schedule(len(corpora.source))
    trainer = Trainer(network, config, schedule=schedule, devices=OneProcess("cpu"))
    batches = SceneBatches(**corpora.batch_arguments(config), observe=trainer.observe, batches=schedule.steps)
    lessons = Lessons(batches, sentences=trainer.sentences, read=trainer.read.ahead)
    done = [0]

    def run(count: int) -> None:
        for step in range(done[0], done[0] + count):
            lesson = lessons[step]
            trainer.step(lesson.batch, step, ahead=lesson.ahead)
        done[0] += count

    return run


def profiled(run: Callable[[int], None], count: int) -> dict[str, object]:
    run(1)
    profile = cProfile.Profile(time.process_time)
    profile.runcall(run, count)
    functions = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    own_s = {_name(*where): figures[2] for where, figures in functions.items()}
    total_s = sum(own_s.values())
    longest = sorted(own_s, key=lambda name: -own_s[name])[:TOP]
    return {
        "cpu_ms": round(1000 * total_s / count, 1),
        "own_share": {name: round(own_s[name] / total_s, 3) for name in longest},
    }


def _name(file: str, line: int, function: str) -> str:
    return function if file == "~" else f"{Path(file).parent.name}/{Path(file).name}:{line} {function}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--renders", type=int, default=100)
    parser.add_argument("--locates", type=int, default=20)
    parser.add_argument("--steps", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    result: dict[str, object] = {"processor": processor()}
    with tempfile.TemporaryDirectory() as folder:
        result["render"] = profiled(render(), options.renders)
        result["locate"] = profiled(locate(Path(folder)), options.locates)
        result["train"] = profiled(train(), options.steps)
    for part in ("render", "locate", "train"):
        print(part, json.dumps(result[part], indent=1))
    print(json.dumps({**result, "load_average": round(os.getloadavg()[0], 1)}))


if __name__ == "__main__":
    main()
