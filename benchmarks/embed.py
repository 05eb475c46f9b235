"""From a waveform to an embedding: `small` against LAION-CLAP's audio tower, features included, one thread.

The peer is `transformers`' ClapAudioModel at its public size (HTSAT-tiny) with its own feature extractor, on the same
ten seconds; its weights are random, which does not change the time. Rounds are interleaved in one process; the ratio is
the median of peer over ours round by round, with its 95 % bounds, so above one we are faster. The last line is one JSON
object.
"""

import argparse
import json
import warnings
from collections.abc import Callable

import numpy as np
import torch

import salm
from rounds import interleaved_ms, medians, ratio
from salm.audio.formats import encode_plane_wave

SECONDS = 10
CLAP_RATE_HZ = 48_000


def peer() -> Callable[[np.ndarray], object]:
    from transformers import ClapAudioConfig, ClapFeatureExtractor
    from transformers.models.clap.modeling_clap import ClapAudioModel

    extractor = ClapFeatureExtractor(truncation="rand_trunc", padding="repeatpad")
    tower = ClapAudioModel(ClapAudioConfig(enable_fusion=False)).eval()

    def embed(signal: np.ndarray) -> object:
        features = extractor(signal, sampling_rate=CLAP_RATE_HZ, return_tensors="pt")["input_features"]
        with torch.inference_mode():
            return tower(input_features=features).pooler_output

    return embed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    rounds = parser.parse_args().rounds
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    model, clap = salm.load("small"), peer()
    rate_hz = model.config.features.rate_hz
    signal = (0.1 * rng.standard_normal(SECONDS * rate_hz)).astype(np.float32)
    field = salm.Recording(samples=encode_plane_wave(signal, 30.0), rate_hz=rate_hz)
    window = salm.Recording(samples=field.samples[:, : model.config.features.window_samples], rate_hz=rate_hz)
    at_48 = (0.1 * rng.standard_normal(SECONDS * CLAP_RATE_HZ)).astype(np.float32)
    jobs: dict[str, Callable[[], object]] = {
        "small_window_ms": lambda: model.embed_audio([window]),
        "small_10_s_ms": lambda: model.embed_audio([field]),
        "clap_10_s_ms": lambda: clap(at_48),
    }
    times_ms = interleaved_ms(jobs, rounds=rounds)
    report = {**medians(times_ms), "window_s": model.config.features.window_s}
    report["ratio"] = ratio(times_ms["clap_10_s_ms"], times_ms["small_10_s_ms"])
    print(json.dumps({**report, "rounds": rounds}))


if __name__ == "__main__":
    main()
