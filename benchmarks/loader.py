"""How long training waits for its scenes, which are simulated while it trains.

Trains for some steps after a few that do not count, and says how many clips it learns from in a second, which share of
the wall time it waited for data, and how many hours the whole run would take at that rate. On a GPU it also says how
busy that was. The default is what `small` was trained with, on synthesised sounds and with one loader process.

A run's beginning says little of the run: a frozen text tower still meets most sentences for the first time, which keeps
training busy while the loader works, and the loader still reads every sound for the first time. So it is measured as
the end of the run would be, when training is fastest and the loader's part the hardest: all sentences of the measured
batches are embedded before, which takes as long as rendering them, and all sounds are in memory. `--begin` measures the
first steps instead, as they come.

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
from salm.training.loading import open_batches
from salm.training.start import initial
from salm.training.terms import told
from salm.training.trainer import Trainer

WARM_UP = 20
CONFIG = Path(__file__).parents[1] / "configs" / "small.yaml"


def read(options: argparse.Namespace) -> TrainConfig:
    config = read_train_config(options.config, data=options.data)
    if options.config == CONFIG and options.data is None:
        config = replace(config, corpora=(CorpusConfig(per_kind=10),))
    return replace(config, workers=options.workers)


def measure(config: TrainConfig, *, steps: int, device: str, init: str | None, begin: bool) -> dict[str, Any]:
    network, model = initial(config, init=init)
    config = replace(config, model=model)
    corpora = open_corpora(config)
    schedule = config.schedule(len(corpora.source))
    trainer = Trainer(network, config, schedule=schedule, devices=OneProcess(device))
    batch_cpu_ms = None if begin else prepared(trainer, corpora, steps=WARM_UP + steps)
    batches = open_batches(trainer, corpora, 0)
    busy: list[float] = []
    steps_cpu_ms: list[float] = []
    waited_s = trained_s = 0.0
    for step in range(WARM_UP + steps):
        begun = time.perf_counter()
        batch = next(batches)
        got = time.perf_counter()
        step_cpu_ms, _ = cpu_ms(lambda batch=batch, step=step: trainer.step(batch, step))
        if step >= WARM_UP:
            waited_s, trained_s = waited_s + got - begun, trained_s + time.perf_counter() - got
            steps_cpu_ms.append(step_cpu_ms)
            busy += [float(torch.cuda.utilization())] if device == "cuda" else []
    wall_s, step_cpu_ms = waited_s + trained_s, float(np.median(steps_cpu_ms))
    return {
        "model": model.name,
        "clips_per_s": round(steps * config.batch_size / wall_s, 2),
        "waited_share": round(waited_s / wall_s, 3),
        "hours_of_the_run": round(schedule.steps * wall_s / steps / 3600, 2),
        "utilisation_percent": round(sum(busy) / len(busy), 1) if busy else None,
        "step_cpu_ms": round(step_cpu_ms),
        **({} if batch_cpu_ms is None else alone(batch_cpu_ms, step_cpu_ms, workers=config.workers)),
    }


def alone(batch_cpu_ms: float, step_cpu_ms: float, *, workers: int) -> dict[str, float]:
    """What a step would wait if it and every loader process had a processor of its own."""
    each_ms = batch_cpu_ms / workers if workers else batch_cpu_ms + step_cpu_ms
    waited = max(0.0, 1 - step_cpu_ms / each_ms)
    return {"batch_cpu_ms": round(batch_cpu_ms), "waited_share_alone": round(waited, 3)}


def prepared(trainer: Trainer, corpora: OpenCorpora, *, steps: int) -> float:
    """Let the text tower meet the sentences of the first batches; the median processor time of making one of them."""
    config = trainer.config
    decode(corpora, rate_hz=config.model.features.rate_hz)
    batches = SceneBatches(**corpora.batch_arguments(config), observe=trainer.observe, batches=steps)
    times_ms = []
    for step in range(steps):
        made_ms, batch = cpu_ms(lambda step=step: batches[step])
        times_ms.append(made_ms)
        weights = trainer.schedule.weights(step, config.losses)
        trainer.read(told(batch, trainer.standing, weights=weights, rivals=config.rivals, step=step).all)
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
    parser.add_argument("--begin", action="store_true", help="measure the first steps of the run as they come")
    options = parser.parse_args()
    begin = options.begin
    figures = measure(read(options), steps=options.steps, device=options.device, init=options.init, begin=begin)
    result = {
        "device": torch.cuda.get_device_name() if options.device == "cuda" else processor(),
        "threads": torch.get_num_threads(),
        "workers": options.workers,
        "steps": options.steps,
        "measured": "the beginning" if begin else "all sentences and sounds known",
        **figures,
        "load_average": round(os.getloadavg()[0], 1),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
