"""Training runs of a second: three kinds of sounds, the smallest model, a text tower of one layer."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from salm.model import hub
from salm.model.presets import preset
from salm.model.text import SentenceTower
from salm.scenes.corpora import procedural
from salm.scenes.sample import SceneRanges
from salm.training.config import CorpusConfig, TrainConfig


@pytest.fixture(scope="session")
def tower() -> SentenceTower:
    """The shipped tower's words, with random weights and a tenth of the work."""
    torch.manual_seed(0)
    size = {"hidden_size": 64, "intermediate_size": 64, "num_attention_heads": 2, "num_hidden_layers": 1}
    size |= {"vocab_size": 30522, "max_position_embeddings": 512}
    return SentenceTower(config=size, tokenizer=hub.WEIGHTS / "minilm-l6-v2" / "tokenizer.json")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tower: SentenceTower) -> Callable[..., TrainConfig]:
    """Builder of short runs; settings that are given take the place of its own."""
    monkeypatch.setattr(hub, "text_tower", lambda name: tower)
    monkeypatch.setattr(procedural, "KINDS", ("horn", "knock", "whistle"))

    def build(**settings: Any) -> TrainConfig:
        return TrainConfig(
            **{
                "model": replace(preset("tiny"), dropout=0.2),
                "corpora": (CorpusConfig(per_kind=1),),
                "scenes": SceneRanges(anechoic=0.8),
                "batch_size": 4,
                "steps": 6,
                "warmup_steps": 2,
                "learning_rate": 1e-3,
                "weight_decay": 0.05,
                "rivals": 2,
                "bfloat16": False,
                "workers": 0,
                "log_steps": 1,
                "checkpoint_steps": 3,
                "validation_steps": 2,
                "validation_scenes": 3,
                **settings,
            }
        )

    return build
