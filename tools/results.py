"""Write the tables of README.md and docs/ from what the commands beside them printed.

    python tools/results.py FOLDER

FOLDER holds reports of ``salm evaluate --json`` by their names (``small-permissive.json``, ``paper-small.json``,
``paper-salm_s_scl_doa.json`` ...), of a training run the log and the settings (``small-log.jsonl``,
``small-train.json``), and what ``benchmarks/confidence.py`` ended with (``confidence.json``). In each page the text
between ``<!-- results: NAME -->`` and ``<!-- end of results -->`` is replaced where FOLDER has what NAME is made of,
and left as it is elsewhere. Names are ``summary``, ``curve``, ``cones``, ``levels``, ``wordings`` (of
``small-2000.json``), ``every ROWS``, ``table 1``, ``table 2``, ``table 3`` and ``ablations`` (of
``ablations/common.json``, ``ablations/without_maps.json`` ...: one row a run of ``configs/ablations``).
"""

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from salm.evaluation.grids import DASH
from salm.evaluation.report import markdown_tables

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "docs/small.md", "docs/results.md", "docs/ablations.md")
PART = re.compile(r"(<!-- results: (.+?) -->\n).*?(<!-- end of results -->)", re.DOTALL)
CLASSES = ("permissive", "sharealike", "nc-collection")
LADDER = {
    "LAION-CLAP (L_sCL)": "paper-laion_clap_scl",
    "SALM-s (L_sCL, L_DOA)": "paper-salm_s_scl_doa",
    "SALM (L_sCL, L_DOA)": "paper-salm_scl_doa",
    "SALM (L_sCL, L_CL, L_DOA)": "paper-salm_scl_cl_doa",
    "`small`": "paper-small",
}
SUMMARY = {
    "localisation error, mean °": ("localisation", "mean_deg"),
    "… median °": ("localisation", "median_deg"),
    "… 90th percentile °": ("localisation", "p90_deg"),
    "… un-learned, onset-weighted intensity, mean °": ("baselines", "intensity_onset", "mean_deg"),
    "… un-learned, plain intensity, mean °": ("baselines", "intensity", "mean_deg"),
    "right one of 8 sectors, %": ("localisation", "sector_accuracy"),
    "zero-shot direction, spatial embedding, %": ("zero_shot", "spatial"),
    "zero-shot direction, joint embedding, %": ("zero_shot", "joint"),
    "… joint, in sentence frames never trained on, %": ("wordings", "unseen", "joint"),
    "spatial retrieval, text to audio, R@1 %": ("retrieval", "text_to_audio", "r1"),
    "… R@10 %": ("retrieval", "text_to_audio", "r10"),
    "spatial retrieval, audio to text, R@1 %": ("retrieval", "audio_to_text", "r1"),
    "… R@10 % ": ("retrieval", "audio_to_text", "r10"),
    "… by the semantic embedding alone, text to audio, R@1 %": ("retrieval", "direction_blind", "r1"),
    "semantic retrieval, text to audio, R@1 %": ("retrieval", "semantic", "r1"),
    "… R@10 %  ": ("retrieval", "semantic", "r10"),
}
CURVE = {
    "error mean °": "mean_deg",
    "median °": "median_deg",
    "p90 °": "p90_deg",
    "sector %": "sector_accuracy",
    "spatial text to audio R@1 %": "spatial_text_to_audio_r1",
    "audio to text": "spatial_audio_to_text_r1",
    "semantic text to audio R@1 %": "semantic_text_to_audio_r1",
    "audio to text ": "semantic_audio_to_text_r1",
}
WAYS = ("text_to_audio", "audio_to_text")
RECALL = ("r1", "r5", "r10")


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown; the first column is words, the others are numbers."""
    lines = [("", *columns), ("---", *["---:"] * len(columns)), *rows]
    return "".join(f"| {' | '.join(cell.strip() for cell in line)} |\n" for line in lines)


def at(tree: Any, path: Sequence[str]) -> Any:
    """What is at a path of a report, None where the model has no answer."""
    for name in path:
        tree = None if tree is None else tree.get(name)
    return tree


def figure(report: dict[str, Any], *path: str) -> str:
    """A number of a report with its interval."""
    value, bounds = at(report, path), at(report["intervals"], path)
    if value is None:
        return DASH
    scale = 1 if path[-1].endswith("_deg") else 100
    return f"{scale * value:.1f} [{scale * bounds[0]:.1f}–{scale * bounds[1]:.1f}]"


def summary(read: Callable[[str], Any]) -> str:
    """The main figures of `small` on each class of sounds."""
    reports = [json.loads(read(f"small-{name}.json")) for name in CLASSES]
    rows = [("test sounds", *(str(report["sounds"]) for report in reports))]
    rows += [(name, *(figure(report, *path) for report in reports)) for name, path in SUMMARY.items()]
    rows.append(("scenes in the retrieval gallery", *(str(report["gallery"]) for report in reports)))
    return table(("permissive", "share-alike", "nc-collection"), rows)


def curve(read: Callable[[str], Any]) -> str:
    """Validation of a run against what it had learned from."""
    entries = [json.loads(line) for line in read("small-log.jsonl").splitlines()]
    found = {entry["step"]: entry["validation"] for entry in entries if "validation" in entry}
    scenes = json.loads(read("small-train.json"))["batch_size"]
    rows = [
        (f"{step:,}", f"{step * scenes:,}", *(number(name, values[name]) for name in CURVE.values()))
        for step, values in sorted(found.items())
    ]
    return table(("scenes seen", *CURVE), rows).replace("|  |", "| step |", 1)


def number(name: str, value: float) -> str:
    """Degrees as they are, rates in per cent."""
    return f"{value:.2f}" if name.endswith("_deg") else f"{100 * value:.1f}"


def every(read: Callable[[str], Any], rows: str) -> str:
    """All tables of `small` on one class of sounds."""
    text = markdown_tables(json.loads(read(f"small-{rows}.json")))
    # What each table is has its page; what a card needs are the numbers.
    return re.sub(r"\A\n*", "\n", text)


CONDITIONS = ("plain", "noise", "reverberation")


def cones(read: Callable[[str], Any]) -> str:
    """Cones and confidence of scenes with one sound, of all and by condition."""
    report = json.loads(read("confidence.json"))["one_sound"]

    def row(name: str, path: tuple[str, ...], covered: tuple[str, ...]) -> tuple[str, ...]:
        degrees = at(report, (*covered[:-1], "cone_deg"))
        cells = figure(report, *covered), f"{degrees:.1f}", figure(report, *path, "right")
        return (name, *cells, figure(report, *path, "confidence"), *abstains(path))

    def abstains(path: tuple[str, ...]) -> tuple[str]:
        return (figure(report, *path, "abstains") if path else "",)

    rows = [row("all", (), ("cone", "covered"))]
    rows += [row(name, ("conditions", name), ("conditions", name, "covered")) for name in CONDITIONS]
    columns = ("90 % cone holds the sound, %", "cone, median °", "within 20°, %", "mean confidence %", "not named, %")
    return table(columns, rows)


def levels(read: Callable[[str], Any]) -> str:
    """What cones of windows hold by the probability that they promise."""
    report = json.loads(read("confidence.json"))["one_sound"]
    names = list(report["cone"]["levels"])
    row = ("held, %", *(figure(report, "cone", "levels", name) for name in names))
    return table([f"{name} %" for name in names], [row])


WORDINGS = {
    "frames of training": "trained",
    "frames for evaluation only": "unseen",
    "what they lose, scene by scene": "loss",
    "hours in letters": "hours",
    "port, starboard": "nautical",
    "over my shoulder": "body",
}


def wordings(read: Callable[[str], Any]) -> str:
    """Direction in other words, over many scenes."""
    report = json.loads(read("small-2000.json"))
    rows = []
    for name, key in WORDINGS.items():
        chance = report["wordings"][key].get("chance")
        cells = [figure(report, "wordings", key, embedding) for embedding in ("spatial", "joint")]
        rows.append((name, *cells, "" if chance is None else f"{100 * chance:.1f}"))
    return table(("spatial embedding %", "joint embedding %", "chance %"), rows)


def ladder(read: Callable[[str], Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and report of every row of Table 1."""
    for name, file in LADDER.items():
        yield name, json.loads(read(f"{file}.json"))


def table_1(read: Callable[[str], Any]) -> str:
    """Spatial retrieval and localisation."""
    columns = [f"{way} R@{k}" for way in ("T2A", "A2T") for k in (1, 5, 10)]
    rows = [
        (
            name,
            *(figure(report, "retrieval", way, recall) for way in WAYS for recall in RECALL),
            figure(report, "localisation", "mean_deg"),
        )
        for name, report in ladder(read)
    ]
    return table((*columns, "error °"), rows)


def table_2(read: Callable[[str], Any]) -> str:
    """Zero-shot direction."""
    names = ("spatial", "joint", "joint_core")
    rows = [(name, *(figure(report, "zero_shot", one) for one in names)) for name, report in ladder(read)]
    return table(("spatial embedding %", "joint embedding %", "joint, core %"), rows)


def table_3(read: Callable[[str], Any]) -> str:
    """Editing by embeddings."""
    rows = []
    for name, report in ladder(read):
        for operation in ("none", "swap", "change", "arithmetic"):
            if at(report, ("editing", operation)) is not None:
                cells = [figure(report, "editing", operation, way, recall) for way in WAYS for recall in RECALL]
                rows.append((f"{name}: {operation}", *cells))
    return table([f"{way} R@{k}" for way in ("T2A", "A2T") for k in (1, 5, 10)], rows)


ABLATIONS = {
    "text to audio R@1 %": ("retrieval", "text_to_audio", "r1"),
    "R@10 %": ("retrieval", "text_to_audio", "r10"),
    "audio to text R@1 %": ("retrieval", "audio_to_text", "r1"),
    "R@10 % ": ("retrieval", "audio_to_text", "r10"),
    "trained phrasings R@1 %": ("retrieval", "trained_phrasings", "r1"),
    "semantic R@1 %": ("retrieval", "semantic", "r1"),
    "zero-shot, spatial %": ("zero_shot", "spatial"),
    "error mean °": ("localisation", "mean_deg"),
}


def ablations(read: Callable[[str], Any]) -> str:
    """Every run of ``configs/ablations`` that there is a report of, the shared one first."""
    names = sorted(
        (path.stem for path in (ROOT / "configs" / "ablations").glob("*.yaml")), key=lambda n: (n != "common", n)
    )
    rows = []
    for name in names:
        with suppress(FileNotFoundError):
            report = json.loads(read(f"ablations/{name}.json"))
            rows.append((f"`{name}`", *(figure(report, *path) for path in ABLATIONS.values())))
    return table(tuple(ABLATIONS), rows)


MADE: dict[str, Callable[..., str]] = {
    "summary": summary,
    "curve": curve,
    "every": every,
    "cones": cones,
    "levels": levels,
    "wordings": wordings,
    "table 1": table_1,
    "table 2": table_2,
    "table 3": table_3,
    "ablations": ablations,
}


def main(folder: str) -> None:
    def read(name: str) -> str:
        return (Path(folder) / name).read_text(encoding="utf-8")

    def written(match: re.Match[str]) -> str:
        name = match[2]
        make, words = (MADE[name], []) if name in MADE else (MADE[name.split()[0]], name.split()[1:])
        try:
            text = make(read, *words)
        except FileNotFoundError as error:
            sys.stderr.write(f"{name} stays as it is: there is no {error.filename}\n")
            return match[0]
        return f"{match[1]}{text}{match[3]}"

    pages = {ROOT / page: PART.sub(written, (ROOT / page).read_text(encoding="utf-8")) for page in PAGES}
    for path, text in pages.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
