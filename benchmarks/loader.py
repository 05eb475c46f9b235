"""How long training waits for its scenes, which are simulated while it trains.

Trains for some steps after a few that do not count, and says how many clips it learns from in a second, which share of
the wall time it waited for data, and how many hours the whole run would take at that rate. On a GPU it also says how
busy that was. The default is what `small` was trained with, with one loader process; where its corpus is not at hand,
on synthesised sounds.

How long a step takes hangs on how many of its sentences a frozen text tower has met before, which keeps training busy
while the loader works. So the steps in the middle of the run are measured, after the tower has met the sentences of all
steps before; `--met 0` measures the first steps, and `--met all` steps whose sentences were all met before, which is
the hardest for the loader and never quite comes. All sounds are in memory.

`waited_share` is of the wall clock and counts whatever else the machine does. `batch_cpu_ms` and `step_cpu_ms` are the
processor time of making a batch and of learning from it, and `waited_share_alone` what follows from them where nothing
else runs: a step waits for the rest of its batch's share of the loader processes. The last line is one JSON object.
"""

import argparse
import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rounds import cpu_ms, processor
from salm.scenes.dataset import SceneBatches
from salm.scenes.source import FreshScenes
from salm.training.config import CorpusConfig, TrainConfig, read_train_config
from salm.training.corpora import OpenCorpora, open_corpora
from salm.training.devices import OneProcess
from salm.training.loading import Lessons, open_lessons
from salm.training.start import initial
from salm.training.trainer import Trainer

WARM_UP, BATCHES = 20, 10
CONFIG = Path(__file__).parents[1] / "configs" / "small.yaml"


def read(options: argparse.Namespace) -> TrainConfig:
    config = read_train_config(options.config, data=options.data)
    if not all(corpus.folder is None or Path(corpus.folder).exists() for corpus in config.corpora):
        config = replace(config, corpora=(CorpusConfig(per_kind=10),))
    return replace(config, workers=options.workers)


def measure(config: TrainConfig, *, steps: int, device: str, init: str | None, met: str) -> dict[str, Any]:
    network, model = initial(config, init=init)
    config = replace(config, model=model)
    corpora = open_corpora(config)
    schedule = config.schedule(len(corpora.source))
    trainer = Trainer(network, config, schedule=schedule, devices=OneProcess(device))
    decode(corpora, rate_hz=config.model.features.rate_hz)
    first = schedule.steps // 2 if met == "all" else int(met or schedule.steps // 2)
    measured = range(first, first + WARM_UP + steps)
    new = meet(trainer, corpora, measured if met == "all" else range(first))
    batch_cpu_ms = making_ms(trainer, corpora, measured)
    lessons = open_lessons(trainer, corpora, first)
    busy: list[float] = []
    steps_cpu_ms: list[float] = []
    waited_s = trained_s = 0.0
    for step in measured:
        begun = time.perf_counter()
        lesson = next(lessons)
        got = time.perf_counter()
        step_cpu_ms, _ = cpu_ms(lambda at=lesson, step=step: trainer.step(at.batch, step, ahead=at.ahead))
        if step >= first + WARM_UP:
            waited_s, trained_s = waited_s + got - begun, trained_s + time.perf_counter() - got
            steps_cpu_ms.append(step_cpu_ms)
            busy += [float(torch.cuda.utilization())] if device == "cuda" else []
    wall_s, step_cpu_ms = waited_s + trained_s, float(np.median(steps_cpu_ms))
    return {
        "model": model.name,
        "steps_before": first,
        "sentences_met": new,
        "clips_per_s": round(steps * config.batch_size / wall_s, 2),
        "waited_share": round(waited_s / wall_s, 3),
        "hours_of_the_run": round(schedule.steps * wall_s / steps / 3600, 2),
        "utilisation_percent": round(sum(busy) / len(busy), 1) if busy else None,
        "step_cpu_ms": round(step_cpu_ms),
        **alone(batch_cpu_ms, step_cpu_ms, workers=config.workers),
    }


def alone(batch_cpu_ms: float, step_cpu_ms: float, *, workers: int) -> dict[str, float]:
    """What a step would wait if it and every loader process had a processor of its own."""
    each_ms = batch_cpu_ms / workers if workers else batch_cpu_ms + step_cpu_ms
    waited = max(0.0, 1 - step_cpu_ms / each_ms)
    return {"batch_cpu_ms": round(batch_cpu_ms), "waited_share_alone": round(waited, 3)}


def meet(trainer: Trainer, corpora: OpenCorpora, steps: range) -> int:
    """Let the text tower meet the sentences of some steps, without a sound of their scenes; how many those are."""
    config, known = trainer.config, set[str]()
    batches = Unheard(**corpora.batch_arguments(config), observe=lambda foa: (foa,), batches=steps.stop)
    for step in steps:
        said = trainer.sentences(batches[step], step).all
        trainer.read(said)
        known.update(said)
    return len(known)


class Unheard(SceneBatches[tuple[torch.Tensor]]):
    """Batches of silence, with everything that is said of their scenes."""

    def _window(self, item: object) -> np.ndarray:
        del item
        return np.zeros((4, 1), np.float32)


def making_ms(trainer: Trainer, corpora: OpenCorpora, steps: range) -> float:
    """The median processor time of making a batch, of a few."""
    batches = SceneBatches(**corpora.batch_arguments(trainer.config), observe=trainer.observe, batches=steps.stop)
    lessons = Lessons(batches, sentences=trainer.sentences, read=trainer.read.ahead)
    times_ms = [cpu_ms(lambda step=step: lessons[step])[0] for step in steps[:BATCHES]]
    return float(np.median(times_ms))


def decode(corpora: OpenCorpora, *, rate_hz: int) -> None:
    """Bring the sounds that are kept into memory, which loader processes then share; fixed scenes keep none."""
    for corpus in corpora.source.corpora if isinstance(corpora.source, FreshScenes) else ():
        for sound in corpus.sounds:
            corpus.audio(sound.id, rate_hz=rate_hz)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--data", type=Path, default=None, help="folder of a corpus, in place of the configuration's")
    parser.add_argument("--init", default=None, help="model to start from")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--met", default="", help="steps whose sentences were met before, or all; else half of the run")
    options = parser.parse_args()
    met = options.met
    figures = measure(read(options), steps=options.steps, device=options.device, init=options.init, met=met)
    result = {
        "device": torch.cuda.get_device_name() if options.device == "cuda" else processor(),
        "threads": torch.get_num_threads(),
        "workers": options.workers,
        "steps": options.steps,
        **figures,
        "load_average": round(os.getloadavg()[0], 1),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
