"""From a waveform to an embedding: `small` against LAION-CLAP's audio tower, features included, one thread.

The peer is `transformers`' ClapAudioModel at its public size (HTSAT-tiny) with its own feature extractor, on the same
ten seconds; its weights are random, which does not change the time. Rounds are interleaved in one process; ratios are
peer over ours, so above one we are faster. Prints one JSON object as the last line.
"""

import argparse
import json
import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
import torch

import salm
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


def timed_ms(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return 1000 * (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
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
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(rounds + 2):
        for name, job in jobs.items():
            elapsed_ms = timed_ms(job)
            if turn >= 2:
                times[name].append(elapsed_ms)
    ratios = [peer_ms / own_ms for peer_ms, own_ms in zip(times["clap_10_s_ms"], times["small_10_s_ms"], strict=True)]
    report = {name: round(statistics.median(values), 1) for name, values in times.items()}
    report |= {
        "window_s": model.config.features.window_s,
        "ratio": round(statistics.median(ratios), 2),
        "rounds": rounds,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
