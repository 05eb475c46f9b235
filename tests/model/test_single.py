"""One encoder for what and where: what it hears, and what it cannot."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from salm.audio.recording import Recording
from salm.errors import InputError
from salm.model.edit import edit_embeddings
from salm.model.inference import Model
from salm.model.presets import build, preset
from salm.model.single import SingleBranch
from salm.model.text import SentenceTower


@pytest.fixture(params=["single_htsat", "mono_htsat"])
def network(request: pytest.FixtureRequest, tower: SentenceTower) -> SingleBranch:
    torch.manual_seed(0)
    built = build(replace(preset("tiny"), pair=request.param), text=tower).eval()
    assert isinstance(built, SingleBranch)
    return built


@torch.no_grad()
def test_one_embedding_serves_as_all_three(network: SingleBranch, windows: torch.Tensor) -> None:
    heard = network(network.observe(windows))
    assert torch.equal(heard.joint, heard.semantic)
    assert torch.equal(heard.joint, heard.spatial)
    assert heard.joint.shape == (3, 32)
    assert not torch.allclose(heard.joint[0], heard.joint[1])


@torch.no_grad()
def test_only_all_channels_know_of_direction(network: SingleBranch, windows: torch.Tensor) -> None:
    silenced = windows.clone()
    silenced[:, 1:] = 0.0
    whole, omni = (network(network.observe(part)) for part in (windows, silenced))
    assert torch.equal(whole.joint, omni.joint) == (network.encoder.channels == 1)
    assert whole.direction.any() == network.has_direction == (network.encoder.channels == 7)


@torch.no_grad()
def test_the_encoder_is_the_mean_of_an_htsats_tokens(network: SingleBranch, windows: torch.Tensor) -> None:
    observation, encoder = network.observe(windows), network.encoder
    norm, channels = encoder.norm.norm, encoder.channels
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2.0)
    by_band = [
        (observation.features[:, c, :, m] - norm.running_mean[64 * c + m])
        / (norm.running_var[64 * c + m] + norm.eps).sqrt()
        for c in range(channels)
        for m in range(64)
    ]
    features = torch.stack(by_band, -1).unflatten(-1, (channels, 64)).transpose(1, 2)
    expected = network.audio_projection(encoder.htsat(features).mean(1))
    torch.testing.assert_close(network(observation).joint, expected, atol=1e-5, rtol=1e-4)


def test_a_model_of_one_channel_says_that_it_cannot_locate(tower: SentenceTower, rng: np.random.Generator) -> None:
    config = replace(preset("tiny"), pair="mono_htsat")
    model = Model(build(config, text=tower), config)
    recording = Recording(samples=rng.standard_normal((4, 60_000)).astype(np.float32), rate_hz=24_000)
    place = model.locate(recording)
    assert (place.azimuth_deg, place.sector, place.ambiguity) == (None, None, "all")
    assert place.reason == "the model hears one channel, which holds no direction"
    assert (place.start_s, place.end_s) == (0.0, 2.5)
    assert len(model.locate_windows(recording)) == 3


def test_nothing_can_be_edited_apart(network: SingleBranch, rng: np.random.Generator) -> None:
    model = Model(network, replace(preset("tiny"), name="salm_s"))
    recording = Recording(samples=rng.standard_normal((4, 24_000)).astype(np.float32), rate_hz=24_000)
    with pytest.raises(InputError, match="salm_s has one embedding for what and where"):
        edit_embeddings(model, model.embed_audio([recording]), "It is behind.")
