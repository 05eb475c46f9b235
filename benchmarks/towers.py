"""The paper's semantic tower, ours against `transformers`' ClapAudioModel: log-mel to embedding, and a training step.

Both are HTSAT at its public size with random weights: 64 normalised mel bands, 1,024 frames, the mean of the final
tokens, no dropout and no skipped blocks. The peer takes the attention that is its default. In bfloat16 both models are
cast whole, as is the input. Rounds are interleaved in one process; a ratio is the median of ours over theirs round by
round, with its 95 % bounds, so below one we are faster. The last line is one JSON object.
"""

import argparse
import json
from collections.abc import Callable

import torch
from torch import Tensor, nn

from rounds import interleaved_ms, medians, ratio
from salm.model.encoders import FeatureNorm
from salm.model.htsat import HTSAT

FRAMES, MEL_BINS = 1024, 64


class SemanticTower(nn.Module):
    """Ours."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = FeatureNorm(channels=1, mel_bins=MEL_BINS)
        self.encoder = HTSAT(in_channels=1, drop_path=0.0)

    def forward(self, features: Tensor) -> Tensor:
        """Clip embeddings."""
        tokens: Tensor = self.encoder(self.norm(features))
        return tokens.mean(1)


class Peer(nn.Module):
    """Theirs, and which attention it takes."""

    def __init__(self) -> None:
        super().__init__()
        from transformers import ClapAudioConfig
        from transformers.models.clap.modeling_clap import ClapAudioModel

        self.tower = ClapAudioModel(ClapAudioConfig(enable_fusion=False))
        self.attention = str(self.tower.config._attn_implementation)

    def forward(self, features: Tensor) -> Tensor:
        """Clip embeddings."""
        pooled: Tensor = self.tower(input_features=features).pooler_output
        return pooled


def inference(model: nn.Module, features: Tensor) -> Callable[[], object]:
    def run() -> None:
        with torch.inference_mode():
            model(features)

    return run


def training(model: nn.Module, features: Tensor) -> Callable[[], object]:
    def run() -> None:
        model.zero_grad()
        model(features).square().sum().backward()

    return run


def compare(ours: Callable[[], object], peer: Callable[[], object], *, rounds: int) -> dict[str, object]:
    times_ms = interleaved_ms({"ours_ms": ours, "peer_ms": peer}, rounds=rounds)
    return {**medians(times_ms), "ratio": ratio(times_ms["ours_ms"], times_ms["peer_ms"]), "rounds": rounds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--rounds-bf16", type=int, default=7)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--batch-training", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    ours, peer = SemanticTower(), Peer()
    report: dict[str, object] = {"threads": options.threads, "peer_attention": peer.attention}

    features = torch.randn(options.batch_training, 1, FRAMES, MEL_BINS)
    steps = [training(model.train(), features) for model in (ours, peer)]
    report[f"training_fp32_batch_{options.batch_training}"] = compare(*steps, rounds=options.rounds)

    for name, dtype, rounds in (("fp32", torch.float32, options.rounds), ("bf16", torch.bfloat16, options.rounds_bf16)):
        for batch in options.batch:
            features = torch.randn(batch, 1, FRAMES, MEL_BINS).to(dtype)
            passes = [inference(model.eval().to(dtype), features) for model in (ours, peer)]
            report[f"inference_{name}_batch_{batch}"] = compare(*passes, rounds=rounds)
            print(name, batch, report[f"inference_{name}_batch_{batch}"])
    print(json.dumps(report))


if __name__ == "__main__":
    main()
