"""Audio towers against LAION-CLAP's as `transformers` has it, in one run.

- *Tower*: the semantic tower of `base`, a normalisation and an HTSAT on one channel, and the peer's ClapAudioModel on
  the same log-mel of 1,024 frames: inference in fp32 and with both models and the input cast to bf16, and a training
  step. Ratios are ours over theirs: below one we are faster.
- *Wave*: from a waveform to an embedding, features included, `small` and the peer's tower with its own feature
  extractor on the same ten seconds. The ratio is theirs over ours: above one we are faster.

Weights are random where they do not matter for the time. Rounds are interleaved in one process; a ratio is the median
of the ratios of the rounds, with its 95 % bounds. The last line is one JSON object.
"""

import argparse
import json
import warnings
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

import salm
from rounds import interleaved_ms, medians, processor, ratio
from salm.audio.formats import encode_plane_wave
from salm.model.encoders import FeatureNorm
from salm.model.presets import build_pair, preset

FRAMES, MEL_BINS = 1024, 64
SECONDS, CLAP_RATE_HZ = 10, 48_000

Job = Callable[[], object]


class SemanticTower(nn.Module):
    """Ours."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = FeatureNorm(channels=1, mel_bins=MEL_BINS)
        self.encoder = build_pair(preset("base")).what

    def forward(self, features: Tensor) -> Tensor:
        """Clip embeddings."""
        tokens: Tensor = self.encoder(self.norm(features))
        return tokens.mean(1)


class Peer(nn.Module):
    """Theirs, with the attention that is its default."""

    def __init__(self) -> None:
        super().__init__()
        from transformers import ClapAudioConfig
        from transformers.models.clap.modeling_clap import ClapAudioModel

        self.tower = ClapAudioModel(ClapAudioConfig(enable_fusion=False))

    def forward(self, features: Tensor) -> Tensor:
        """Clip embeddings."""
        pooled: Tensor = self.tower(input_features=features).pooler_output
        return pooled


def inference(model: nn.Module, features: Tensor) -> Job:
    def run() -> None:
        with torch.inference_mode():
            model(features)

    return run


def training(model: nn.Module, features: Tensor) -> Job:
    def run() -> None:
        model.zero_grad()
        model(features).square().sum().backward()

    return run


def compare(ours: Job, peer: Job, *, rounds: int) -> dict[str, object]:
    times_ms = interleaved_ms({"ours_ms": ours, "peer_ms": peer}, rounds=rounds)
    return {**medians(times_ms), "ratio": ratio(times_ms["ours_ms"], times_ms["peer_ms"]), "rounds": rounds}


def towers(*, rounds: int, rounds_bf16: int) -> dict[str, object]:
    ours, peer = SemanticTower(), Peer()
    report: dict[str, object] = {}
    for name, dtype, batch, count in (
        ("fp32", torch.float32, 1, rounds),
        ("fp32", torch.float32, 4, rounds),
        ("bf16", torch.bfloat16, 1, rounds_bf16),
    ):
        features = torch.randn(batch, 1, FRAMES, MEL_BINS).to(dtype)
        passes = [inference(model.eval().to(dtype), features) for model in (ours, peer)]
        report[f"inference_{name}_batch_{batch}"] = compare(*passes, rounds=count)
    features = torch.randn(2, 1, FRAMES, MEL_BINS)
    steps = [training(model.float().train(), features) for model in (ours, peer)]
    return {**report, "training_fp32_batch_2": compare(*steps, rounds=rounds)}


def wave(*, rounds: int) -> dict[str, object]:
    rng = np.random.default_rng(0)
    model, clap = salm.load("small"), clap_from_wave()
    rate_hz = model.config.features.rate_hz
    signal = (0.1 * rng.standard_normal(SECONDS * rate_hz)).astype(np.float32)
    field = salm.Recording(samples=encode_plane_wave(signal, 30.0), rate_hz=rate_hz)
    window = salm.Recording(samples=field.samples[:, : model.config.features.window_samples], rate_hz=rate_hz)
    at_48 = (0.1 * rng.standard_normal(SECONDS * CLAP_RATE_HZ)).astype(np.float32)
    times_ms = interleaved_ms(
        {
            "small_window_ms": lambda: model.embed_audio([window]),
            "small_10_s_ms": lambda: model.embed_audio([field]),
            "peer_10_s_ms": lambda: clap(at_48),
        },
        rounds=rounds,
    )
    ratios = ratio(times_ms["peer_10_s_ms"], times_ms["small_10_s_ms"])
    return {**medians(times_ms), "window_s": model.config.features.window_s, "ratio": ratios, "rounds": rounds}


def clap_from_wave() -> Callable[[np.ndarray], object]:
    from transformers import ClapFeatureExtractor

    extractor, tower = ClapFeatureExtractor(truncation="rand_trunc", padding="repeatpad"), Peer().eval()

    def embed(signal: np.ndarray) -> object:
        features = extractor(signal, sampling_rate=CLAP_RATE_HZ, return_tensors="pt")["input_features"]
        with torch.inference_mode():
            return tower(features)

    return embed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--rounds-bf16", type=int, default=9, help="fewer, where bfloat16 is slow")
    parser.add_argument("--rounds-wave", type=int, default=40)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    report = {
        "processor": processor(),
        "threads": options.threads,
        "wave": wave(rounds=options.rounds_wave),
        "tower": towers(rounds=options.rounds, rounds_bf16=options.rounds_bf16),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
