"""Scenes on disk: drawn as JSON lines, exported as AmbiX recordings with a manifest."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from salm.audio.recording import write
from salm.errors import InputError
from salm.scenes.corpora import open_corpus
from salm.scenes.sample import draw_scene
from salm.scenes.scene import Scene, render_scene
from salm.whole import written_whole

__all__ = ["export_scenes", "make_scenes", "read_scenes"]

RATE_HZ = 24_000


def make_scenes(out: Path, *, corpus: Path | None = None, split: str = "train", count: int = 100, seed: int = 0) -> int:
    """Draw scenes into a file of JSON lines, the first of which says from which corpus; the number of scenes."""
    opened = open_corpus(corpus, split=split)
    rng = np.random.default_rng([seed, 1])
    head = {"corpus": None if corpus is None else str(corpus.resolve()), "split": split, "seed": seed}
    lines = [json.dumps(head)]
    for _ in range(count):
        sound = opened.sounds[int(rng.integers(len(opened.sounds)))]
        lines.append(json.dumps(draw_scene(rng, sound).to_dict()))
    with written_whole(out) as part:
        part.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return count


def read_scenes(path: Path) -> tuple[list[Scene], dict[str, Any]]:
    """Scenes of a file, and what its first line says of their corpus.

    Raises
    ------
    InputError
        If the file cannot be read or is not one of scenes.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise InputError(f"{path} cannot be read as scenes: {reason}; `salm scenes make` writes such files.") from error
    rows = [_parsed(line, f"{path}, line {number}") for number, line in enumerate(lines, 1)]
    if not rows or not {"corpus", "split"} <= rows[0].keys():
        raise InputError(f"{path} does not begin with the corpus of its scenes; `salm scenes make` writes such files.")
    scenes = [_scene(row, f"{path}, line {number}") for number, row in enumerate(rows[1:], 2)]
    return scenes, {"corpus": rows[0]["corpus"], "split": rows[0]["split"]}


def export_scenes(path: Path, out: Path) -> int:
    """Render the scenes of a file into a folder; the number of recordings there.

    The folder holds ``000000.flac`` and so on (AmbiX, 24 kHz) and ``manifest.csv`` with caption and direction. What is
    there already is not rendered again, so a killed export goes on where it stopped.
    """
    scenes, head = read_scenes(path)
    corpus = open_corpus(Path(head["corpus"]) if head["corpus"] else None, split=head["split"])
    rows = []
    for number, scene in enumerate(tqdm(scenes, unit="scene", disable=None)):
        file = out / f"{number:06d}.flac"
        if not file.exists():
            write(file, render_scene(scene, corpus, rate_hz=RATE_HZ), RATE_HZ)
        rows.append(_row(file.name, scene))
    with written_whole(out / "manifest.csv") as part, part.open("w", encoding="utf-8", newline="") as table:
        writer = csv.DictWriter(table, fieldnames=list(rows[0]) if rows else ["file"])
        writer.writeheader()
        writer.writerows(rows)
    return len(rows)


def _parsed(line: str, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise InputError(f"{where} is no JSON: {error}; `salm scenes make` writes such files.") from error
    if not isinstance(row, dict):
        raise InputError(f"{where} is no scene but {line[:40]}; `salm scenes make` writes such files.")
    return row


def _scene(row: dict[str, Any], where: str) -> Scene:
    try:
        return Scene.from_dict(row)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def _row(file: str, scene: Scene) -> dict[str, Any]:
    source = scene.sources[0]
    return {
        "file": file,
        "caption": source.caption,
        "azimuth_deg": round(source.azimuth_deg, 3),
        "elevation_deg": round(source.elevation_deg, 3),
        "distance_m": round(source.distance_m, 3),
        "sound_id": source.sound_id,
    }
