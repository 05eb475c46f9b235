"""A run that is there to be killed; started by `test_kill.py`.

It has all that a run can be random in: loader processes, masks, dropout, stochastic depth, two threads, the shipped
text tower, and a validation by which the best weights are kept.
"""

import sys
from dataclasses import replace
from pathlib import Path

from salm.model.presets import preset
from salm.scenes.corpora import procedural
from salm.scenes.sample import SceneRanges
from salm.training import run
from salm.training.config import CorpusConfig, TrainConfig
from salm.training.losses import LossWeights

STEPS = 13


def main(out: str) -> None:
    procedural.KINDS = ("horn", "knock", "whistle", "bell")
    # Too few to calibrate with, which is said: these runs are about the weights.
    run.CALIBRATION_SCENES = 2
    model = preset("tiny")
    config = TrainConfig(
        model=replace(model, dropout=0.2, htsat=replace(model.htsat, drop_path=0.2)),
        corpora=(CorpusConfig(per_kind=3, share=0.7), CorpusConfig(per_kind=1, share=0.3)),
        scenes=SceneRanges(anechoic=1.0),
        losses=LossWeights(sentence=0.25),
        batch_size=6,
        steps=STEPS,
        warmup_steps=4,
        learning_rate=1e-3,
        weight_decay=0.05,
        rivals=3,
        bfloat16=False,
        workers=1,
        log_steps=1,
        checkpoint_steps=4,
        validation_steps=5,
        validation_scenes=3,
    )
    run.train(config, Path(out), threads=2)


if __name__ == "__main__":
    main(sys.argv[1])
