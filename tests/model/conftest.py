"""Models of the smallest size, with random weights: what is tested here needs no training."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from salm.audio.formats import encode_plane_wave
from salm.model import hub
from salm.model.config import ModelConfig
from salm.model.inference import Model
from salm.model.presets import preset
from salm.model.text import SentenceTower


@pytest.fixture(scope="session")
def tower() -> SentenceTower:
    """The frozen text tower that ships with the package."""
    return hub.text_tower("minilm-l6-v2")


@pytest.fixture(scope="session")
def tagger_config() -> ModelConfig:
    """The shipped model's pair of encoders at the size of `tiny`."""
    return replace(preset("tiny"), name="tiny_tagger", pair="tagger_htsat", intensity_maps=3)


@pytest.fixture(scope="session")
def models(tower: SentenceTower, tagger_config: ModelConfig) -> dict[str, Model]:
    """One model of each pair of encoders; not to be changed."""
    built = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hub, "text_tower", lambda name: tower)
        for config in (preset("tiny"), tagger_config):
            torch.manual_seed(0)
            built[config.pair] = Model(hub.build_frozen(config), config, digest=config.name)
    return built


@pytest.fixture(params=["dual_htsat", "tagger_htsat"])
def model(request: pytest.FixtureRequest, models: dict[str, Model]) -> Model:
    """Each of the models in turn."""
    return models[request.param]


@pytest.fixture
def windows(rng: np.random.Generator) -> torch.Tensor:
    """Three windows of one second: noise from left, front right and behind, with some noise of each channel's own."""
    sources = [(90.0, 0.0), (-45.0, 20.0), (170.0, -30.0)]
    waves = [encode_plane_wave(rng.standard_normal(24_000).astype(np.float32), *where) for where in sources]
    noise = rng.standard_normal((3, 4, 24_000)).astype(np.float32)
    return torch.from_numpy(0.05 * (np.stack(waves) + 0.1 * noise))
