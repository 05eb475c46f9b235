"""Models of the smallest size with random weights, and public checkpoints as they are documented."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
import torch
from transformers import ClapConfig, ClapModel

from salm.audio.formats import encode_plane_wave
from salm.model import hub
from salm.model.config import ModelConfig, RobertaSize
from salm.model.htsat import HTSAT
from salm.model.inference import Model
from salm.model.presets import preset
from salm.model.text import SentenceTower


@pytest.fixture(scope="session")
def token_map() -> Callable[[HTSAT, torch.Tensor], torch.Tensor]:
    """Final tokens as transformers has them, a map of frequency rows over time columns: chunk after chunk."""

    def build(encoder: HTSAT, tokens: torch.Tensor) -> torch.Tensor:
        chunks, side = encoder.grid // encoder.mel_bins, round(tokens.shape[1] ** 0.5)
        return tokens.unflatten(1, (chunks, side // chunks, side)).permute(0, 4, 2, 1, 3).flatten(3)

    return build


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


Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Layouts:
    """Public checkpoints as their names and shapes are documented; every tensor has numbers of its own.

    Written down without our model: what it is compared with.
    """

    embed: int = 96
    depths: tuple[int, ...] = (2, 2, 6, 2)
    heads: tuple[int, ...] = (4, 8, 16, 32)
    text: RobertaSize = field(default_factory=RobertaSize)
    width: int = 512

    def config(self, name: str) -> ModelConfig:
        """The preset in these sizes."""
        htsat = replace(preset(name).htsat, embed_dim=self.embed, depths=self.depths, heads=self.heads)
        return replace(preset(name), htsat=htsat, roberta=self.text, width=self.width)

    def clap(self) -> ClapModel:
        """The model of transformers in these sizes, with random weights."""
        text = {
            "vocab_size": self.text.vocabulary,
            "hidden_size": self.text.dim,
            "num_hidden_layers": self.text.layers,
            "num_attention_heads": self.text.heads,
            "intermediate_size": self.text.hidden,
            "max_position_embeddings": self.text.positions,
        }
        audio = {
            "patch_embeds_hidden_size": self.embed,
            "depths": list(self.depths),
            "num_attention_heads": list(self.heads),
            "hidden_size": 8 * self.embed,
        }
        torch.manual_seed(0)
        return ClapModel(ClapConfig(text_config=text, audio_config=audio, projection_dim=self.width))

    def htsat(self, channels: int) -> Iterator[tuple[str, tuple[int, ...] | torch.Tensor]]:
        yield from linear("patch_embed.proj", self.embed, channels, 4, 4)
        yield from linear("patch_embed.norm", self.embed)
        for s, (depth, heads) in enumerate(zip(self.depths, self.heads, strict=True)):
            width = self.embed * 2**s
            for b in range(depth):
                block = f"layers.{s}.blocks.{b}"
                if b % 2 and s < 3:
                    yield f"{block}.attn_mask", shift_mask(64 // 2**s)
                yield from linear(f"{block}.norm1", width)
                yield f"{block}.attn.relative_position_bias_table", (225, heads)
                yield f"{block}.attn.relative_position_index", RELATIVE
                yield from linear(f"{block}.attn.qkv", 3 * width, width)
                yield from linear(f"{block}.attn.proj", width, width)
                yield from linear(f"{block}.norm2", width)
                yield from linear(f"{block}.mlp.fc1", 4 * width, width)
                yield from linear(f"{block}.mlp.fc2", width, 4 * width)
            if s < 3:
                yield f"layers.{s}.downsample.reduction.weight", (2 * width, 4 * width)
                yield from linear(f"layers.{s}.downsample.norm", 4 * width)
        yield from linear("norm", 8 * self.embed)

    def roberta(self) -> Iterator[tuple[str, tuple[int, ...] | torch.Tensor]]:
        size = self.text
        yield "embeddings.position_ids", torch.arange(size.positions)[None]
        yield "embeddings.word_embeddings.weight", (size.vocabulary, size.dim)
        yield "embeddings.position_embeddings.weight", (size.positions, size.dim)
        yield "embeddings.token_type_embeddings.weight", (1, size.dim)
        yield from linear("embeddings.LayerNorm", size.dim)
        for n in range(size.layers):
            for part in (
                "attention.self.query",
                "attention.self.key",
                "attention.self.value",
                "attention.output.dense",
            ):
                yield from linear(f"encoder.layer.{n}.{part}", size.dim, size.dim)
            yield from linear(f"encoder.layer.{n}.attention.output.LayerNorm", size.dim)
            yield from linear(f"encoder.layer.{n}.intermediate.dense", size.hidden, size.dim)
            yield from linear(f"encoder.layer.{n}.output.dense", size.dim, size.hidden)
            yield from linear(f"encoder.layer.{n}.output.LayerNorm", size.dim)
        yield from linear("pooler.dense", size.dim, size.dim)

    def laion_clap(self, *, fusion: bool = False) -> Tensors:
        last, width = 8 * self.embed, self.width
        layout: dict[str, Any] = {"logit_scale_a": (), "logit_scale_t": ()}
        audio = dict(batch_norm("bn0"))
        audio |= {f"spectrogram_extractor.stft.conv_{part}.weight": (513, 1, 1024) for part in ("real", "imag")}
        audio |= {"logmel_extractor.melW": (513, 64), **dict(self.htsat(1))}
        audio |= dict(linear("tscam_conv", 527, last, 2, 3)) | dict(linear("head", 527, 527))
        if fusion:
            audio |= dict(linear("patch_embed.mel_conv2d", self.embed, 1, 4, 12))
            audio |= dict(linear("patch_embed.fusion_model.local_att.0", self.embed // 4, self.embed, 1, 1))
            audio |= dict(batch_norm("patch_embed.fusion_model.global_att.2", self.embed // 4))
        layout |= {f"audio_branch.{name}": shape for name, shape in audio.items()}
        layout |= {f"text_branch.{name}": shape for name, shape in self.roberta()}
        for tower, dim in (("text", self.text.dim), ("audio", last)):
            layout |= dict(linear(f"{tower}_transform.sequential.0", width, width))
            layout |= dict(linear(f"{tower}_transform.sequential.3", width, width))
            layout |= dict(linear(f"{tower}_projection.0", width, dim))
            layout |= dict(linear(f"{tower}_projection.2", width, width))
        return numbered({f"module.{name}": shape for name, shape in layout.items()})

    def einv2(self, *, compiled: bool = False) -> Tensors:
        net = "net._orig_mod." if compiled else "net."
        layout: dict[str, Any] = {"af_extractor.stft_extractor.window": (1024,), "af_extractor.mel_scale.fb": (513, 64)}
        layout |= self.scalars(net)
        for encoder, channels in (("sed", 4), ("doa", 7)):
            layout |= {f"{net}{encoder}_encoder.{name}": shape for name, shape in self.htsat(channels)}
        layout |= {f"{net}stitch1.{s}.weight": (self.embed * 2**s, 2, 2) for s in range(4)}
        layout |= dict(linear(f"{net}sed_tscam_conv", 510, 8 * self.embed, 2, 3))
        layout |= dict(linear(f"{net}doa_tscam_conv", 9, 8 * self.embed, 2, 3))
        return numbered(layout)

    def accdoa(self) -> Tensors:
        layout: dict[str, Any] = self.scalars("net.")
        layout |= {f"net.encoder.{name}": shape for name, shape in self.htsat(7)}
        return numbered(layout | dict(linear("net.tscam_conv", 510, 8 * self.embed, 2, 3)))

    @staticmethod
    def scalars(net: str) -> dict[str, Any]:
        return {name: shape for c in range(7) for name, shape in batch_norm(f"{net}scalar.{c}")}


def linear(name: str, *weight: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield from ((f"{name}.weight", weight), (f"{name}.bias", weight[:1]))


def batch_norm(name: str, width: int = 64) -> Iterator[tuple[str, tuple[int, ...] | torch.Tensor]]:
    yield from ((f"{name}.{part}", (width,)) for part in ("weight", "bias", "running_mean", "running_var"))
    yield f"{name}.num_batches_tracked", torch.tensor(1000 + len(name))


def numbered(layout: Mapping[str, tuple[int, ...] | torch.Tensor]) -> Tensors:
    """Whole numbers that single precision holds exactly, other ones in every tensor."""
    state = {}
    for index, (name, shape) in enumerate(layout.items()):
        if isinstance(shape, tuple):
            count = torch.Size(shape).numel()
            state[name] = ((torch.arange(count) % 9973) + 10_000 * index).float().reshape(shape)
        else:
            state[name] = shape.clone()
    return state


CELLS = [(row, column) for row in range(8) for column in range(8)]
RELATIVE = torch.tensor([[(r - s + 7) * 15 + c - d + 7 for s, d in CELLS] for r, c in CELLS])
"""Swin's index of the table of 15 x 15 biases, written out."""


def shift_mask(side: int) -> torch.Tensor:
    """Swin's mask of windows of 8 x 8 that were shifted by 4, by its own recipe of nine numbered regions."""
    image, spans = torch.zeros(side, side), (slice(0, -8), slice(-8, -4), slice(-4, None))
    for number, (rows, columns) in enumerate((rows, columns) for rows in spans for columns in spans):
        image[rows, columns] = number
    tiles = [image[r : r + 8, c : c + 8].flatten() for r in range(0, side, 8) for c in range(0, side, 8)]
    return torch.stack([torch.where(tile[:, None] == tile[None, :], 0.0, -100.0) for tile in tiles])


@pytest.fixture(scope="session")
def published() -> Layouts:
    """Checkpoints of the published size."""
    return Layouts()


@pytest.fixture(scope="session")
def little() -> Layouts:
    """The same in a size that costs nothing."""
    text = RobertaSize(vocabulary=300, dim=16, layers=2, heads=2, hidden=24, positions=80)
    return Layouts(embed=8, depths=(2, 2, 2, 2), heads=(1, 2, 4, 8), text=text, width=12)
