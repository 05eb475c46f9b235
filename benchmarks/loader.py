"""How long training waits for its scenes, which are simulated while it trains.

Trains for some steps after a few that do not count, and says how many clips it learns from in a second, which share of
the wall time it waited for data, and how many hours the whole run would take at that rate. On a GPU it also says how
busy that was. The default is what `small` was trained with, on synthesised sounds and with one loader process. The last
line is one JSON object.
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from rounds import processor
from salm.training.config import CorpusConfig, TrainConfig, read_train_config
from salm.training.corpora import open_corpora
from salm.training.devices import OneProcess
from salm.training.loading import open_batches
from salm.training.start import initial
from salm.training.trainer import Trainer

WARM_UP = 20
CONFIG = Path(__file__).parents[1] / "configs" / "small.yaml"


def read(options: argparse.Namespace) -> TrainConfig:
    config = read_train_config(options.config, data=options.data)
    if options.config == CONFIG and options.data is None:
        config = replace(config, corpora=(CorpusConfig(per_kind=10),))
    return replace(config, workers=options.workers)


def measure(config: TrainConfig, *, steps: int, device: str, init: str | None) -> dict[str, Any]:
    network, model = initial(config, init=init)
    config = replace(config, model=model)
    corpora = open_corpora(config)
    schedule = config.schedule(len(corpora.source))
    trainer = Trainer(network, config, schedule=schedule, devices=OneProcess(device))
    batches = open_batches(trainer, corpora, 0)
    busy: list[float] = []
    waited_s = trained_s = 0.0
    for step in range(WARM_UP + steps):
        begun = time.perf_counter()
        batch = next(batches)
        got = time.perf_counter()
        trainer.step(batch, step)
        if step >= WARM_UP:
            waited_s, trained_s = waited_s + got - begun, trained_s + time.perf_counter() - got
            busy += [float(torch.cuda.utilization())] if device == "cuda" else []
    wall_s = waited_s + trained_s
    return {
        "model": model.name,
        "clips_per_s": round(steps * config.batch_size / wall_s, 2),
        "waited_share": round(waited_s / wall_s, 3),
        "hours_of_the_run": round(schedule.steps * wall_s / steps / 3600, 2),
        "utilisation_percent": round(sum(busy) / len(busy), 1) if busy else None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--data", type=Path, default=None, help="folder of a corpus, in place of the configuration's")
    parser.add_argument("--init", default=None, help="model to start from")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    figures = measure(read(options), steps=options.steps, device=options.device, init=options.init)
    name = torch.cuda.get_device_name() if options.device == "cuda" else processor()
    print(json.dumps({"device": name, "workers": options.workers, "steps": options.steps, **figures}))


if __name__ == "__main__":
    main()
