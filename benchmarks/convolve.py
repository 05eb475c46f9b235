"""Time of a 10 s clip through one FOA impulse response, ours against `scipy.signal.fftconvolve` a channel, interleaved.

CPU time, median over the rounds; three places share the clip. The last line is one JSON object.
"""

import argparse
import json

import numpy as np
from scipy.signal import fftconvolve

from rounds import cpu_ms
from salm.acoustics.render import convolve

RATE_HZ = 24_000
CLIP_S = 10.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--response-s", type=float, nargs="+", default=[0.2, 0.5, 1.0, 2.0])
    options = parser.parse_args()
    tables = {f"{seconds:g}": compare(seconds, rounds=options.rounds) for seconds in options.response_s}
    ratios = {seconds: table["fftconvolve"] / table["ours"] for seconds, table in tables.items()}
    print(json.dumps({"ms_per_clip": tables, "ratio": ratios}))


def compare(response_s: float, *, rounds: int) -> dict[str, float]:
    """Milliseconds of each method for the four channels of one place; both must agree."""
    rng = np.random.default_rng(0)
    dry = rng.standard_normal(round(CLIP_S * RATE_HZ), dtype=np.float32)
    srirs = rng.standard_normal((3, 4, round(response_s * RATE_HZ)), dtype=np.float32)
    methods = {"ours": convolve, "fftconvolve": by_channel}
    np.testing.assert_allclose(convolve(dry, srirs), by_channel(dry, srirs), atol=1e-2)
    times: dict[str, list[float]] = {name: [] for name in methods}
    for _ in range(rounds):
        for name, method in methods.items():
            times[name].append(cpu_ms(lambda method=method: method(dry, srirs))[0] / len(srirs))
    return {name: float(np.median(values)) for name, values in times.items()}


def by_channel(dry: np.ndarray, srirs: np.ndarray) -> np.ndarray:
    """Every channel of every place by itself, as scipy has it."""
    return np.array([[fftconvolve(dry, channel)[: dry.size] for channel in place] for place in srirs])


if __name__ == "__main__":
    main()
