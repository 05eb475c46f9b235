"""HTSAT against transformers' CLAP encoder, against attention written out token by token, and its published sizes."""

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from transformers import ClapAudioConfig, ClapAudioModel

from salm.model.htsat import HTSAT, SwinBlock

DEPTHS, HEADS = (2, 2, 6, 2), (4, 8, 16, 32)


def small(*, in_channels: int = 7, drop_path: float = 0.0) -> HTSAT:
    return HTSAT(
        in_channels=in_channels,
        grid=128,
        embed_dim=32,
        depths=(2, 2, 2, 2),
        heads=(2, 4, 8, 16),
        drop_path=drop_path,
    )


def shuffle_weights(module: torch.nn.Module, *, seed: int) -> None:
    """Weights that no test can pass by having nothing to say: strong biases, uneven norms."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            spread = 1.0 if name.endswith("bias_table") else 0.05
            parameter.add_(spread * torch.randn(parameter.shape, generator=generator))


def noise(rng: np.random.Generator, *shape: int) -> torch.Tensor:
    return torch.tensor(rng.standard_normal(shape), dtype=torch.float32)


@pytest.fixture(scope="module")
def base() -> HTSAT:
    """The paper's semantic encoder, with random weights."""
    encoder = HTSAT(in_channels=1).eval()
    shuffle_weights(encoder, seed=1)
    return encoder


class TestPublishedLayout:
    """Sizes and names of the encoders of LAION-CLAP (1 channel) and PSELDNets (7 channels)."""

    def test_parameter_counts(self, base: HTSAT) -> None:
        assert sum(parameter.numel() for parameter in base.parameters()) == 27_534_360
        assert sum(parameter.numel() for parameter in HTSAT(in_channels=7).parameters()) == 27_543_576

    def test_names_and_shapes_of_the_188_entries(self, base: HTSAT) -> None:
        state = {name: tuple(value.shape) for name, value in base.state_dict().items()}
        assert state == dict(self.published_entries())
        assert len(state) == 188

    def test_attention_buffers_have_the_published_types(self, base: HTSAT) -> None:
        block = base.layers[0].blocks[1]
        assert block.attn.relative_position_index.dtype == torch.int64
        assert block.attn_mask.dtype == torch.float32
        assert block.attn_mask.unique().tolist() == [-100.0, 0.0]

    @staticmethod
    def published_entries() -> Iterator[tuple[str, tuple[int, ...]]]:
        def pair(name: str, *weight: int) -> Iterator[tuple[str, tuple[int, ...]]]:
            yield from ((f"{name}.weight", weight), (f"{name}.bias", weight[:1]))

        yield from pair("patch_embed.proj", 96, 1, 4, 4)
        yield from pair("patch_embed.norm", 96)
        for s, (depth, heads) in enumerate(zip(DEPTHS, HEADS, strict=True)):
            width, windows = 96 * 2**s, (8 // 2**s) ** 2
            for b in range(depth):
                block = f"layers.{s}.blocks.{b}"
                yield from pair(f"{block}.norm1", width)
                yield from pair(f"{block}.attn.qkv", 3 * width, width)
                yield from pair(f"{block}.attn.proj", width, width)
                yield f"{block}.attn.relative_position_bias_table", (225, heads)
                yield f"{block}.attn.relative_position_index", (64, 64)
                yield from pair(f"{block}.norm2", width)
                yield from pair(f"{block}.mlp.fc1", 4 * width, width)
                yield from pair(f"{block}.mlp.fc2", width, 4 * width)
                if b % 2 and s < 3:
                    yield f"{block}.attn_mask", (windows, 64, 64)
            if s < 3:
                yield f"layers.{s}.downsample.reduction.weight", (2 * width, 4 * width)
                yield from pair(f"layers.{s}.downsample.norm", 4 * width)
        yield from pair("norm", 768)


class TestForward:
    def test_shapes_of_every_stage_and_split_equals_plain(self, rng: np.random.Generator) -> None:
        encoder = HTSAT(in_channels=7).eval()
        features = noise(rng, 1, 7, 1001, 64)
        with torch.no_grad():
            tokens = encoder.embed(features)
            shapes = [tokens.shape[1:]]
            for stage in encoder.layers:
                tokens = stage.merge(stage.attend(tokens))
                shapes.append(tokens.shape[1:])
            assert shapes == [(4096, 96), (1024, 192), (256, 384), (64, 768), (64, 768)]
            assert torch.equal(encoder.finish(tokens), encoder(features))
        assert encoder.stage_widths == (96, 192, 384, 768)
        assert encoder.out_dim == 768

    def test_equals_the_clap_encoder_of_transformers(
        self, base: HTSAT, token_map: Callable[[HTSAT, torch.Tensor], torch.Tensor], rng: np.random.Generator
    ) -> None:
        features = noise(rng, 2, 1, 1024, 64)
        with torch.no_grad():
            tokens = base(features)
            expected = clap_encoder(base)(input_features=features)
        torch.testing.assert_close(token_map(base, tokens), expected.last_hidden_state, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(tokens.mean(1), expected.pooler_output, atol=1e-5, rtol=1e-4)

    def test_training_and_inference_attend_alike(self, rng: np.random.Generator) -> None:
        encoder = small()
        shuffle_weights(encoder, seed=2)
        features = noise(rng, 2, 7, 251, 64)
        with_gradient = encoder(features)
        with torch.no_grad():
            torch.testing.assert_close(encoder(features), with_gradient.detach(), atol=1e-4, rtol=1e-4)
        with_gradient.square().sum().backward()
        assert [name for name, weight in encoder.named_parameters() if weight.grad is None] == []

    def test_windows_shrink_to_small_grids(self, rng: np.random.Generator) -> None:
        encoder = small()
        assert [(block.window, block.shift) for stage in encoder.layers for block in stage.blocks] == [
            (8, 0), (8, 4), (8, 0), (8, 4), (8, 0), (8, 0), (4, 0), (4, 0),
        ]  # fmt: skip
        assert encoder(noise(rng, 1, 7, 256, 64)).shape == (1, 16, 256)

    def test_bfloat16_autocast_stays_close(self, rng: np.random.Generator) -> None:
        encoder, features = small(), noise(rng, 2, 7, 251, 64)
        exact = encoder(features)
        with torch.autocast("cpu", torch.bfloat16):
            rounded = encoder(features)
        assert torch.cosine_similarity(exact, rounded.float(), dim=-1).min() > 0.999


def clap_encoder(ours: HTSAT) -> torch.nn.Module:
    """Transformers' own implementation with our weights; its batch normalisation does nothing."""
    encoder = ClapAudioModel(ClapAudioConfig(attn_implementation="eager")).audio_encoder.eval()
    encoder.batch_norm.eps = 0.0
    state = {}
    for name, value in ours.state_dict().items():
        if ".attn.qkv." in name:
            for role, part in zip(("query", "key", "value"), value.chunk(3), strict=True):
                state[name.replace("attn.qkv", f"attention.self.{role}")] = part
        elif not name.endswith("attn_mask"):
            for old, new in (
                ("norm1", "layernorm_before"), ("norm2", "layernorm_after"),
                ("attn.relative", "attention.self.relative"), ("attn.proj", "attention.output.dense"),
                ("mlp.fc1", "intermediate.dense"), ("mlp.fc2", "output.dense"),
            ):  # fmt: skip
                name = name.replace(old, new)
            state[name] = value
    missing, unexpected = encoder.load_state_dict(state, strict=False)
    assert unexpected == []
    assert all(name.startswith("batch_norm.") for name in missing)
    return encoder


class TestImage:
    def test_fold_stacks_chunks_of_frames_below_each_other(self) -> None:
        frame, mel = torch.meshgrid(torch.arange(200), torch.arange(64), indexing="ij")
        channel = torch.arange(2)[:, None, None]
        features = (1 + channel * 100_000 + frame * 64 + mel).float()[None]
        image = small(in_channels=2).fold(features)
        assert image.shape == (1, 2, 128, 128)
        for c, row, column in ((0, 0, 0), (1, 5, 127), (0, 64, 0), (1, 64 + 63, 71), (0, 70, 3)):
            assert image[0, c, row, column] == 1 + c * 100_000 + (128 * (row // 64) + column) * 64 + row % 64
        assert torch.all(image[:, :, 64:, 72:] == 0)  # 200 = 128 + 72 frames
        assert int((image == 0).sum()) == 2 * 64 * 56

    def test_too_long_or_other_spectrograms_are_refused(self) -> None:
        with pytest.raises(ValueError, match="257 frames of 64 mel bins but this encoder takes at most 256 of 64"):
            small().fold(torch.zeros(1, 7, 257, 64))
        with pytest.raises(ValueError, match="of 32 mel bins"):
            small().fold(torch.zeros(1, 7, 100, 32))


class TestSwinBlock:
    @pytest.mark.parametrize("shift", [0, 2])
    def test_equals_attention_token_by_token(self, rng: np.random.Generator, shift: int) -> None:
        block = self.attention_only(side=8, shift=shift)
        tokens = noise(rng, 2, 64, 12)
        with torch.no_grad():
            torch.testing.assert_close(block(tokens), self.slow_block(block, tokens), atol=1e-5, rtol=1e-5)

    def test_a_skipped_update_makes_the_others_larger(self, rng: np.random.Generator) -> None:
        block = self.attention_only(side=4, shift=0, drop_path=0.75)
        tokens = noise(rng, 64, 16, 12)
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            update = block.eval()(tokens) - tokens
            ratio = ((block.train()(tokens) - tokens) / update).median(-1).values.median(-1).values
        kept = ratio > 0.5
        assert 4 < int(kept.sum()) < 32  # 16 of 64 expected
        torch.testing.assert_close(ratio, 4.0 * kept, atol=1e-3, rtol=1e-3)

    def test_skipping_rises_linearly_over_all_blocks(self) -> None:
        encoder = small(drop_path=0.7)
        rates = [block.drop_path for stage in encoder.layers for block in stage.blocks]
        assert rates == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])

    @staticmethod
    def attention_only(*, side: int, shift: int, drop_path: float = 0.0) -> SwinBlock:
        block = SwinBlock(dim=12, side=side, heads=3, window=4, shift=shift, drop_path=drop_path)
        shuffle_weights(block, seed=3)
        block.mlp.fc2.weight.data.zero_()
        block.mlp.fc2.bias.data.zero_()
        return block

    @staticmethod
    def slow_block(block: SwinBlock, tokens: torch.Tensor) -> torch.Tensor:
        """Every token attends to the tokens of its own tile; tiles are cut ``shift`` tokens from the upper left."""
        attn, side, window, heads = block.attn, block.side, block.window, block.attn.heads
        d = tokens.shape[-1] // heads
        query, key, value = (part.unflatten(-1, (heads, d)) for part in attn.qkv(block.norm1(tokens)).chunk(3, -1))
        cells = [(row, column) for row in range(side) for column in range(side)]
        tiles = [((row - block.shift) // window, (column - block.shift) // window) for row, column in cells]
        attended = torch.zeros_like(query)
        for i, (row, column) in enumerate(cells):
            seen = [j for j in range(len(cells)) if tiles[j] == tiles[i]]
            for head in range(heads):
                offsets = [(row - cells[j][0] + window - 1, column - cells[j][1] + window - 1) for j in seen]
                bias = attn.relative_position_bias_table[[r * (2 * window - 1) + c for r, c in offsets], head]
                score = (key[:, seen, head] @ query[:, i, head, :, None])[..., 0] / math.sqrt(d) + bias
                attended[:, i, head] = (score.softmax(-1)[..., None] * value[:, seen, head]).sum(1)
        return tokens + attn.proj(attended.flatten(2))


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"grid": 100}, r"grid \(100\) must be a multiple of mel_bins \(64\)"),
        ({"depths": (2, 2)}, r"depths \(2, 2\) and heads \(4, 8, 16, 32\) must have one number a stage"),
        ({"heads": (5, 8, 16, 32)}, r"dim \(96\) must be a multiple of heads \(5\)"),
        ({"window": 7}, r"side of the grid \(64\) must be a multiple of the window \(7\)"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(sizes: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HTSAT(in_channels=1, **sizes)
