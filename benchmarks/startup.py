"""How long the commands take to start, in processes of their own, beside importing what they are made of.

    python benchmarks/startup.py

Each line is a command in a fresh process: `salm --help`, `salm locate` of a clip of five seconds, and the same with
numba's cache empty. The peers are `import torch`, without which no command with a model can be, and the import of BERT
from transformers. Cold is the first run after the page cache was dropped, which only root can do; else it is left out.
Seconds of the wall and of the processor; ratios are of processor time, round by round, with 95 % bootstrap bounds.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from rounds import processor, ratio

SOURCE = Path(__file__).resolve().parents[1] / "src"
_CACHES = Path("/proc/sys/vm/drop_caches")


def clip(folder: Path) -> Path:
    """Five seconds of noise at 48 kHz from 40 degrees to the left."""
    noise = 0.1 * np.random.default_rng(0).standard_normal(5 * 48_000)
    azimuth = np.deg2rad(40.0)
    samples = np.stack([noise, noise * np.sin(azimuth), 0 * noise, noise * np.cos(azimuth)], axis=1)
    soundfile.write(folder / "clip.wav", samples, 48_000)
    return folder / "clip.wav"


def timed(arguments: list[str], environment: dict[str, str]) -> dict[str, float]:
    """Seconds of one process."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *arguments], env=environment, check=True, capture_output=True)
    wall_s, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": wall_s, "cpu_s": cpu_s}


def cold(arguments: list[str], environment: dict[str, str]) -> dict[str, float] | None:
    """The same with nothing of it in memory; None where that cannot be had."""
    try:
        os.sync()
        _CACHES.write_text("3", encoding="ascii")
    except OSError:
        return None
    return timed(arguments, environment)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    with tempfile.TemporaryDirectory() as folder:
        command = ["-m", "salm"]
        locate = [*command, "locate", str(clip(Path(folder)))]
        processes = {
            "help": [*command, "--help"],
            "locate": locate,
            "import_torch": ["-c", "import torch"],
            "import_transformers": ["-c", "import transformers.models.bert.modeling_bert"],
        }
        first = {name: cold(processes[name], environment) for name in ("help", "locate", "import_torch")}
        empty = timed(locate, {**environment, "NUMBA_CACHE_DIR": str(Path(folder, "numba"))})
        for process in processes.values():
            timed(process, environment)
        rounds = [{name: timed(p, environment) for name, p in processes.items()} for _ in range(arguments.rounds)]
    warm = {n: {t: float(np.median([r[n][t] for r in rounds])) for t in ("wall_s", "cpu_s")} for n in processes}
    cpu_s = {name: np.array([one[name]["cpu_s"] for one in rounds]) for name in processes}
    for name, found in warm.items():
        print(f"{name:<20} {found['wall_s']:6.2f} s, processor {found['cpu_s']:5.2f} s; cold {first.get(name)}")
    result = {
        "benchmark": "startup",
        "processor": processor(),
        "load": os.getloadavg()[0],
        "rounds": arguments.rounds,
        "cold": first,
        "locate_with_empty_numba_cache": empty,
        "warm": warm,
        "locate_over": {peer: ratio(cpu_s["locate"], cpu_s[peer]) for peer in ("import_torch", "import_transformers")},
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
