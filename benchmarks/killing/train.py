"""`salm train`, killed."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from killing.case import Wrong
from killing.digests import digest
from salm.errors import InputError
from salm.model.config import to_mapping
from salm.model.presets import preset
from salm.scenes.corpora import procedural
from salm.scenes.sample import SceneRanges
from salm.training import run
from salm.training.checkpoint import read_state
from salm.training.config import CorpusConfig, TrainConfig
from salm.training.losses import LossWeights


class Train:
    """A run with all that one can be random in: a loader process, masks, dropout, stochastic depth, two threads, the
    shipped text tower, and a validation by which the best weights are kept.
    """

    STEPS = 8
    KEPT = ("model.safetensors", "checkpoint.safetensors", "best.safetensors", "config.json", "train.json")
    CLOCK = ("time_s", "clips_s", "waiting")

    def __init__(self, home: Path) -> None:
        self.config = home / "train.yaml"
        model = preset("tiny")
        config = TrainConfig(
            model=replace(model, dropout=0.2, htsat=replace(model.htsat, drop_path=0.2)),
            corpora=(CorpusConfig(per_kind=2, share=0.7), CorpusConfig(per_kind=1, share=0.3)),
            scenes=SceneRanges(anechoic=1.0),
            losses=LossWeights(sentence=0.25),
            batch_size=4,
            steps=self.STEPS,
            warmup_steps=2,
            learning_rate=1e-3,
            weight_decay=0.05,
            rivals=1,
            bfloat16=False,
            workers=1,
            log_steps=1,
            checkpoint_steps=3,
            validation_steps=4,
            validation_scenes=3,
            tensorboard=False,
        )
        plain = json.loads(json.dumps(to_mapping(config)))
        self.config.write_text(yaml.safe_dump(plain), encoding="utf-8")

    def words(self, out: Path) -> list[str]:
        return ["train", str(self.config), "-o", str(out), "--threads", "2", "--json"]

    def prepare(self) -> None:
        procedural.KINDS = ("horn", "knock", "whistle", "bell")
        # Too few to calibrate with, which is said: this is about the weights.
        run.CALIBRATION_SCENES = 2

    def begin(self, out: Path) -> None:
        pass

    def learn(self, out: Path) -> None:
        self.whole = digest(out / "model.safetensors")

    def look(self, out: Path) -> int:
        """The step of the checkpoint."""
        try:
            checkpoint, _ = (read_state(out / f"{name}.safetensors") for name in ("checkpoint", "best"))
        except InputError as error:
            raise Wrong(str(error)) from error
        for path in out.glob("*.json"):
            json.loads(path.read_text(encoding="utf-8"))
        model = out / "model.safetensors"
        if model.exists() and digest(model) != self.whole:
            raise Wrong("model.safetensors is there and is not that of the undisturbed run")
        log = self._logged(out)
        done = 0 if checkpoint is None else checkpoint.step
        if log and max(line["step"] for line in log) < done:
            raise Wrong("the checkpoint is of a step that the log has lost")
        return done

    def result(self, out: Path) -> dict[str, Any]:
        if left := list(out.glob("*.part")):
            raise Wrong(f"{left[0].name} stays")
        log = self._logged(out)
        if len([line for line in log if "loss" in line]) != self.STEPS:
            raise Wrong("the log has not every step once")
        return {name: digest(out / name) for name in self.KEPT} | {"log.jsonl": log}

    def _logged(self, out: Path) -> list[dict[str, Any]]:
        """The whole lines of the log, without what the clock says."""
        path = out / "log.jsonl"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        lines = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
        return [{name: value for name, value in line.items() if name not in self.CLOCK} for line in lines]
