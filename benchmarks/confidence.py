"""Whether the 90 % cone of a location holds the sound: scenes with one, and scenes of every difficulty.

The first are plain, noisy and reverberant in turn; cones, and what they hold by nominal level, are of these. The
others are those of `salm evaluate`: with two sounds and with none as well. `--figures DIR` draws both. The last line is
one JSON object; rates are fractions, intervals of 95 %.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import salm
from salm.cli.telling import scene_bar
from salm.evaluation.confidence import ONE_SOUND, confidence_figures
from salm.evaluation.intervals import intervals, plain
from salm.pictures.drawing import write_drawing
from salm.pictures.reliability import Kept, reliability_diagram
from salm.scenes.corpora import open_corpus


def kept(figures: Mapping[str, Any], bounds: Mapping[str, Any]) -> list[Kept]:
    """Bins of the confidence as promises."""
    return [
        Kept(row["said"], row["right"], *bounds[name]["right"], times=row["count"]) for name, row in figures.items()
    ]


def held(levels: Mapping[str, float], bounds: Mapping[str, Any], *, times: int) -> list[Kept]:
    """Cones by nominal level as promises."""
    return [Kept(int(name) / 100, share, *bounds[name], times=times) for name, share in levels.items()]


def draw(folder: Path, every: dict[str, Any], one: dict[str, Any]) -> None:
    """Both diagrams as SVG files."""
    confidence = reliability_diagram(
        kept(every["reliability"], every["intervals"]["reliability"]),
        title="Confidence",
        across="confidence",
        up="located within 20°",
        key="confidence",
    )
    cones = reliability_diagram(
        held(one["cone"]["levels"], one["intervals"]["cone"]["levels"], times=one["scenes"]),
        title="Cones",
        across="nominal probability",
        up="cones that held the sound",
        key="cones",
    )
    folder.mkdir(parents=True, exist_ok=True)
    for name, drawing in (("confidence", confidence), ("cones", cones)):
        write_drawing(folder / f"{name}.svg", drawing)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="small")
    parser.add_argument("--corpus", type=Path, help="left out, the built-in procedural sounds")
    parser.add_argument("--licence-class", help="only rows of this class of the corpus")
    parser.add_argument("--one-sound-scenes", type=int, default=2000)
    parser.add_argument("--scenes", type=int, default=1000, help="of every difficulty")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--figures", type=Path, help="folder to write confidence.svg and cones.svg to")
    options = parser.parse_args()
    rows = {"licence_class": options.licence_class} if options.licence_class else None
    corpus = open_corpus(options.corpus, split="test", rows=rows)
    model = salm.load(options.model)
    found: dict[str, Any] = {}
    for name, scenes, conditions in (
        ("one_sound", options.one_sound_scenes, ONE_SOUND),
        ("every_difficulty", options.scenes, None),
    ):
        tree = confidence_figures(
            model, corpus, scenes=scenes, seed=options.seed, conditions=conditions, progress=scene_bar
        )
        found[name] = {"scenes": scenes, **plain(tree), "intervals": intervals(tree)}
    if options.figures:
        draw(options.figures, found["every_difficulty"], found["one_sound"])
    print(json.dumps({"model": model.digest, "corpus": corpus.name, "seed": options.seed, **found}))


if __name__ == "__main__":
    main()
