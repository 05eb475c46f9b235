"""What the importer makes of transformers' ClapModel, against that model itself, at the published size."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from safetensors.torch import load_file
from transformers import ClapConfig, ClapModel
from transformers.initialization import no_init_weights

from salm.model import hub, mapping
from salm.model.config import ModelConfig
from salm.model.encoders import DualHTSAT
from salm.model.htsat import HTSAT
from salm.model.network import Network
from salm.model.presets import base
from salm.model.pretrained import import_hugging_face
from salm.model.single import SingleBranch

WITHIN = 1e-5

TokenMap = Callable[[HTSAT, torch.Tensor], torch.Tensor]


class Peers(NamedTuple):
    """The same weights twice."""

    theirs: ClapModel
    ours: SingleBranch
    config: ModelConfig
    folder: Path


@pytest.fixture(scope="module")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Peers:
    """A ClapModel with lively random weights and what the importer makes of its folder."""
    folder = tmp_path_factory.mktemp("clap")
    with no_init_weights():
        theirs = ClapModel(ClapConfig()).eval()
    enliven(theirs)
    theirs.save_pretrained(folder / "theirs")
    import_hugging_face(folder / "theirs", folder / "ours", preset_name="laion_clap")
    with no_init_weights():
        ours, config = hub.load(folder / "ours")
    assert isinstance(ours, SingleBranch)
    return Peers(theirs, ours, config, folder / "theirs")


def enliven(model: torch.nn.Module) -> None:
    """Weights with which no part has nothing to say: strong biases, uneven norms, statistics of their own.

    Matrices keep the size of their input, so that differences are of rounding and are not blown up layer by layer.
    """
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in (*model.named_parameters(), *model.named_buffers()):
            if weight.is_floating_point():
                weight.normal_(generator=generator).mul_(spread(name, weight)).add_(centre(name))
                weight.abs_() if name.endswith("running_var") else None


def spread(name: str, weight: torch.Tensor) -> float:
    if "embeddings" in name or name.endswith("bias_table"):
        return 0.5
    return 0.7 * weight[0].numel() ** -0.5 if weight.ndim > 1 else 0.2


def centre(name: str) -> float:
    norms = ("norm.weight", "norm1.weight", "norm2.weight", "LayerNorm.weight", "before.weight", "after.weight")
    return 1.0 if name.endswith((*norms, "running_var")) else 0.0


@pytest.fixture(scope="module")
def features() -> torch.Tensor:
    """Log-mel of as many frames as the image holds: neither model resizes or pads it."""
    return torch.randn(2, 1, 1024, 64, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def tokens() -> tuple[torch.Tensor, torch.Tensor]:
    """Two sentences of 77 and of 9 tokens."""
    ids = torch.randint(4, 50_000, (2, 77), generator=torch.Generator().manual_seed(2))
    mask = torch.ones_like(ids)
    ids[:, 0], ids[0, -1], ids[1, 8], ids[1, 9:], mask[1, 9:] = 0, 2, 2, 1, 0
    return ids, mask


def difference(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """The largest one; of numbers that vary."""
    assert ours.shape == theirs.shape
    assert theirs.std() > 0.05
    assert (theirs[0] - theirs[1]).abs().max() > 0.05
    return float((ours - theirs).abs().max())


@torch.no_grad()
def test_the_audio_tower(peers: Peers, features: torch.Tensor, token_map: TokenMap) -> None:
    encoder = peers.ours.encoder
    tokens = encoder.htsat(encoder.norm(features))
    theirs = peers.theirs.audio_model(input_features=features)
    assert difference(token_map(encoder.htsat, tokens), theirs.last_hidden_state) < WITHIN
    assert difference(tokens.mean(1), theirs.pooler_output) < WITHIN
    projected = peers.theirs.audio_projection(theirs.pooler_output)
    assert difference(peers.ours.audio_projection(tokens.mean(1)), projected) < WITHIN
    # What transformers calls the features of audio are these, scaled to length one.
    unit = peers.theirs.get_audio_features(input_features=features).pooler_output
    torch.testing.assert_close(torch.nn.functional.normalize(projected, dim=-1), unit, atol=1e-7, rtol=0)


@torch.no_grad()
def test_the_text_tower(peers: Peers, tokens: tuple[torch.Tensor, torch.Tensor]) -> None:
    ids, mask = tokens
    pooled = peers.ours.text.encode(ids, mask)
    theirs = peers.theirs.text_model(input_ids=ids, attention_mask=mask)
    assert difference(pooled, theirs.pooler_output) < WITHIN
    projected = peers.theirs.text_projection(theirs.pooler_output)
    assert difference(peers.ours.text_projection(pooled), projected) < WITHIN
    unit = peers.theirs.get_text_features(input_ids=ids, attention_mask=mask).pooler_output
    torch.testing.assert_close(torch.nn.functional.normalize(projected, dim=-1), unit, atol=1e-7, rtol=0)


def test_the_temperature_and_the_layer_norms_are_theirs(peers: Peers) -> None:
    assert peers.ours.logit_scale.item() == peers.theirs.logit_scale_a.item()
    # transformers writes its own default down, so that is what these weights were computed with.
    assert peers.config.roberta.layer_norm_eps == peers.theirs.config.text_config.layer_norm_eps == 1e-12


@torch.no_grad()
def test_the_what_encoder_of_base_has_the_same_tokens(
    peers: Peers, features: torch.Tensor, token_map: TokenMap
) -> None:
    with no_init_weights():
        network: Network = base().eval()
    values, _ = mapping.hugging_face(load_file(peers.folder / "model.safetensors"), network.state_dict())
    network.load_state_dict(values)
    pair = network.pair
    assert isinstance(pair, DualHTSAT)
    normalised = pair.norm(features.expand(-1, 7, -1, -1))[:, :1]
    theirs = peers.theirs.audio_model(input_features=features)
    assert difference(token_map(pair.what, pair.what(normalised)), theirs.last_hidden_state) < WITHIN
