"""Spatial captions of a real language model: how many are accepted, how fast, by each form of the prompt.

Asks a server that speaks OpenAI's protocol (llama.cpp, Ollama, vLLM) over HTTP. Captions are drawn from a table with a
column `caption`, such as AudioCaps' test.csv, and the directions go round: every eighth caption has the same one. What
stands in for a peer is the first answer of the model, unchecked, which is what one has without checks. Prints one JSON
object as the last line; where nothing listens it says so and ends.
"""

import argparse
import csv
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from salm.errors import InputError
from salm.scenes.rephrase.ask import ACCEPTED, Asker, AskSettings, Rephrased
from salm.scenes.rephrase.prompts import PROMPTS
from salm.scenes.rephrase.run import Tally
from salm.scenes.rephrase.server import ServerBackend


def drawn(path: Path, count: int, seed: int) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        captions = sorted({row["caption"] for row in csv.DictReader(file)})
    chosen = np.random.default_rng(seed).permutation(len(captions))[:count]
    return [captions[int(number)] for number in chosen]


def examples(captions: list[str], answers: list[Rephrased], shown: int) -> dict[str, list[list[str]]]:
    good = [[c, a.spatial_caption] for c, a in zip(captions, answers, strict=True) if a.verdict == ACCEPTED]
    bad = [[c, text, check] for c, a in zip(captions, answers, strict=True) for text, check in a.refused]
    return {"accepted": good[:shown], "refused": bad[:shown]}


def measured(captions: list[str], asker: Asker, *, concurrency: int, shown: int) -> dict[str, object]:
    start = time.perf_counter()
    with ThreadPoolExecutor(concurrency) as pool:
        answers = list(pool.map(asker, captions, [number % 8 for number in range(len(captions))]))
    elapsed_s = time.perf_counter() - start
    tally = Tally()
    for answer in answers:
        tally.add(answer)
    told = tally.summary()
    return {
        **{name: told[name] for name in ("captions", "acceptance", "acceptance_at_first", "tries", "refused")},
        "captions_per_s": round(len(captions) / elapsed_s, 3),
        "answers_per_s": round(tally.tries / elapsed_s, 3),
        "examples": examples(captions, answers, shown),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("captions", type=Path)
    parser.add_argument("--url", default="http://localhost:8080/v1")
    parser.add_argument("--model", required=True)
    parser.add_argument("--count", type=int, default=64)
    parser.add_argument("--prompts", nargs="+", default=list(PROMPTS))
    parser.add_argument("--vocabulary", default="compass")
    parser.add_argument("--facing", default="south")
    parser.add_argument("--concurrency", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shown", type=int, default=8)
    options = parser.parse_args()
    backend = ServerBackend(options.url, model=options.model)
    try:
        backend.complete([{"role": "user", "content": "Say yes."}], seed=0, temperature=0.0, max_tokens=4)
    except InputError as error:
        print(f"skipped: {error}", file=sys.stderr)
        print(json.dumps({"skipped": str(error)}))
        return
    captions = drawn(options.captions, options.count, options.seed)
    report: dict[str, object] = {"model": options.model, "vocabulary": options.vocabulary, "facing": options.facing}
    for prompt in options.prompts:
        settings = AskSettings(prompt=prompt, vocabulary=options.vocabulary, facing=options.facing)
        asker = Asker(backend=backend, settings=settings)
        report[prompt] = measured(captions, asker, concurrency=options.concurrency, shown=options.shown)
        print(f"{prompt}: {json.dumps(report[prompt])}", file=sys.stderr)
    print(json.dumps(report, ensure_ascii=False))


if __name__ == "__main__":
    main()
