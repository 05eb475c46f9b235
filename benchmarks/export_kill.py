"""Whether an export that is killed ends in the same bytes, and how fast it is.

Scenes of the built-in sounds are exported undisturbed, and again into another folder with SIGKILL at random moments and
a new start after each; every byte of both folders is compared. About 0.8 MB a scene and folder. The last line is one
JSON object; the exit status is 1 if anything differs.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rounds import processor
from salm.scenes.make import make_scenes
from salm.scenes.shards import file_digest


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=2000)
    parser.add_argument("--shard-scenes", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--ray", help="kill an export on this Ray cluster instead of one on processes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="where there is room; left out, the system's temporary folder")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        scenes, undisturbed, disturbed = (Path(folder) / name for name in ("scenes.jsonl", "undisturbed", "disturbed"))
        make_scenes(scenes, count=options.scenes, seed=options.seed)
        shards = ["--shard-scenes", str(options.shard_scenes)]
        pool = ["--workers", str(options.workers)]
        undisturbed_s = timed(scenes, undisturbed, *shards, *pool)
        others = ["--ray", options.ray] if options.ray else pool
        # Together below the time of the whole, so that none comes too late.
        moments_s = [rng.uniform(0.4, 1) * undisturbed_s / (options.kills + 1) for _ in range(options.kills)]
        kills = [killed(moment_s, scenes, disturbed, *shards, *others) for moment_s in moments_s]
        resumed_s = timed(scenes, disturbed, *shards, *others)
        wanted, got = digests(undisturbed), digests(disturbed)
        size = sum(path.stat().st_size for path in undisturbed.iterdir())
    differing = sorted(name for name in wanted.keys() | got.keys() if wanted.get(name) != got.get(name))
    result = {
        "processor": processor(),
        "scenes": options.scenes,
        "shard_scenes": options.shard_scenes,
        "workers": options.workers,
        "ray": options.ray,
        "files": len(wanted),
        "megabytes": round(size / 1e6, 1),
        "undisturbed_s": round(undisturbed_s, 1),
        "scenes_per_s": round(options.scenes / undisturbed_s, 2),
        "kills": kills,
        "resumed_s": round(resumed_s, 1),
        "differing": differing,
        "equal": not differing,
    }
    print(json.dumps(result))
    return 1 if differing else 0


def command(scenes: Path, out: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "salm.cli", "scenes", "export", str(scenes), "-o", str(out), *options, "--json"]


def timed(scenes: Path, out: Path, *options: str) -> float:
    """Seconds of an export to its end."""
    start = time.perf_counter()
    subprocess.run(command(scenes, out, *options), stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def killed(moment_s: float, scenes: Path, out: Path, *options: str) -> dict[str, object]:
    """How an export was killed, counted from when it began to write, and what was there."""
    left = set(out.glob("*.part"))
    process = subprocess.Popen(command(scenes, out, *options), stdout=subprocess.DEVNULL)
    while process.poll() is None and not set(out.glob("*.part")) - left:
        time.sleep(0.002)
    time.sleep(moment_s)
    process.send_signal(signal.SIGKILL)
    return {
        "after_s": round(moment_s, 2),
        "killed": process.wait() == -signal.SIGKILL,
        "shards": len(list(out.glob("*.tar"))),
        "half_written": len(list(out.glob("*.part"))),
    }


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file."""
    return {path.name: file_digest(path) for path in folder.iterdir()}


if __name__ == "__main__":
    raise SystemExit(main())
