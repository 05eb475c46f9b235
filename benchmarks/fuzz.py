"""Bad input: 5,000 spoilt files, tables, folders and requests, and what comes of each.

Each must be understood, or refused with one clear line (status 2; of a server 4xx with a JSON error): no traceback, no
more than 10 s of processor time, no more than 2 GiB, and the input stays as it is. Failing cases are written to a
folder and can be replayed one by one. The last line is one JSON object; the exit status is 1 if anything failed.
"""

import argparse
import json
import os
import sys
import time
from collections import Counter
from pathlib import Path

# A forked process waits for ever for threads that it has not.
os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "fuzz"))

from bad_input.outcome import Case, outcome_of
from bad_input.runner import batches, run
from bad_input.surfaces import SURFACES, prepared, warm

COUNTS = {"audio": 2000, "config": 800, "captions": 600, "scenes": 500, "index": 400, "weights": 200, "server": 500}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--surfaces", nargs="+", choices=COUNTS, default=list(COUNTS), help="only these")
    parser.add_argument("--share", type=float, default=1.0, help="of the cases")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--failures", type=Path, default=Path("bad-input-failures"), help="folder for failing cases")
    parser.add_argument("--replay", type=Path, help="feed one case that was written down, with its traceback")
    options = parser.parse_args()
    if options.replay is not None:
        return replay(options.replay)
    options.failures.mkdir(parents=True, exist_ok=True)
    rows, failures = {}, []
    with prepared():
        warm()
        for surface in options.surfaces:
            begun, counts = time.perf_counter(), Counter()
            todo = batches(surface, cases=max(1, round(options.share * COUNTS[surface])), seed=options.seed)
            for told in run(todo, failures=options.failures, workers=options.workers):
                counts[told.outcome.kind] += 1
                if told.outcome.kind == "failure":
                    failures.append({"case": str(told.case), "said": told.outcome.said})
                    print(f"{told.case}: {told.outcome.said}", file=sys.stderr, flush=True)
            elapsed_s = time.perf_counter() - begun
            row = {name: counts[name] for name in ("understood", "refused", "failure")}
            rows[surface] = {"cases": counts.total(), **row, "cases_per_s": round(counts.total() / elapsed_s, 1)}
            print(surface, rows[surface], file=sys.stderr, flush=True)
    cases = sum(row["cases"] for row in rows.values())
    print(json.dumps({"cases": cases, "seed": options.seed, "surfaces": rows, "failures": failures}))
    return 1 if failures else 0


def replay(folder: Path) -> int:
    """Feed a case, and show where it fails."""
    case = Case.load(folder)
    with prepared():
        outcome = outcome_of(case, SURFACES[case.surface], trace=True)
        print(f"{outcome.kind}: {outcome.said}")
    print(json.dumps({"surface": case.surface, "told": case.told, "kind": outcome.kind}))
    return 1 if outcome.kind == "failure" else 0


if __name__ == "__main__":
    raise SystemExit(main())
