"""What SIGKILL at random moments leaves of the commands that write, and what starting them again makes of that.

Each command runs undisturbed once. Then it is killed again and again: at a moment of the clock or, every second time,
at the very moment at which it opens, renames or removes a file; alone or with the processes that it started. After
every kill, files under their final names must be whole (of before or of an undisturbed run), and what was done must
still be there. Then the command is started once more, to be killed again or to come to its end, which must be that of
the undisturbed run. A server is killed with an upload, an edit and a scan in flight; then one looks at the next.

What is killed is `python -m salm`, forked from this process, which has the libraries and the model loaded: that saves
seconds a kill. Every tenth is a new process that dies while it starts. What does all this is in `killing/`. The last
line is one JSON object; the exit status is 1 if something was wrong.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Threads that spin while they wait take the processor from whoever they wait for.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from killing.attack import Attack
from killing.case import Case
from killing.edit import Edit
from killing.export import Export
from killing.index import Index
from killing.loading import load
from killing.scan import Scan
from killing.siege import Siege
from killing.train import Train
from rounds import processor

CASES: dict[str, Callable[[Path], Case]] = {
    "train": Train,
    "export": Export,
    "index": Index,
    "edit": Edit,
    "scan": Scan,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--what", choices=["all", *CASES, "serve"], default="all")
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    names = [*CASES, "serve"] if options.what == "all" else [options.what]
    load()
    commands = {}
    for name in names:
        start = time.perf_counter()
        rng = random.Random(f"{options.seed} {name}")
        with tempfile.TemporaryDirectory(prefix="salm-kill-") as folder:
            home = Path(folder)
            killer = Attack(CASES[name](home), home, rng) if name in CASES else Siege(home, rng)
            commands[name] = killer.told(options.times) | {"took_s": round(time.perf_counter() - start, 1)}
        print(f"{name}: {json.dumps(commands[name])}", file=sys.stderr, flush=True)
    right = not any(command["wrong"] for command in commands.values())
    said = {"processor": processor(), "times": options.times, "seed": options.seed, "right": right}
    print(json.dumps(said | {"commands": commands}))
    return 0 if right else 1


if __name__ == "__main__":
    raise SystemExit(main())
