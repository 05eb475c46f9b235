"""The picture of an evaluation: what of a report is in it, and in whose row."""

import json
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from salm.errors import InputError
from salm.evaluation.intervals import intervals, plain
from salm.evaluation.localisation import beside_baselines
from salm.frame import unit_vector
from salm.pictures.evaluated import evaluation_picture

SVG = "{http://www.w3.org/2000/svg}"


def figures(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    true = unit_vector(rng.uniform(-180, 180, 80), rng.uniform(-45, 45, 80))
    blurred = [true + blur * rng.standard_normal(true.shape) for blur in (0.02, 0.5, 0.1)]
    baselines = {"intensity": blurred[1], "intensity_onset": blurred[2]}
    tree = beside_baselines(blurred[0], baselines, true, np.arange(80))
    recall = dict.fromkeys(("r1", "r5", "r10"), 0.5)
    both = {"text_to_audio": recall, "audio_to_text": recall}
    rest = {"retrieval": {**both, "direction_blind": {**recall, **both}}}
    rest["zero_shot"] = dict.fromkeys(("spatial", "joint", "spatial_core", "joint_core"), 0.9)
    return {**plain(tree), **rest, "intervals": {**intervals(tree), **bounded(rest)}}


def bounded(tree: dict[str, Any]) -> dict[str, Any]:
    return {name: bounded(leaf) if isinstance(leaf, dict) else [0.0, 1.0] for name, leaf in tree.items()}


def report(*sets: dict[str, Any], confidence: bool = True) -> dict[str, Any]:
    bins = {"80-90": {"said": 0.85, "right": 0.9, "count": 10}}
    about = {"preset": "small", "model": "0123", "protocol": {"name": "default"}, "corpus": "c", "split": "test"}
    counts = {"rows": {}, "sounds": 3, "scenes": 80, "gallery": 70, "seed": 0}
    more = {"confidence": {"reliability": bins}} if confidence else {}
    return {**about, **counts, **more, "intervals": bounded(more), "sets": list(sets)}


def headings(root: ElementTree.Element) -> list[str]:
    return [
        node.text or "" for node in root.iter(f"{SVG}text") if node.get("font-weight") == "600" and node.text != "front"
    ]


SIMULATED = {"kind": "simulated", "name": "procedural", "scenes": 80, **figures(1)}
FIELD = {"kind": "field", "name": "STARSS23", "stretches": 80, **figures(2)}
FIELD.pop("retrieval")


def test_every_kind_of_recordings_has_a_row_of_its_own() -> None:
    # The same from JSON, as it is kept.
    root = ElementTree.fromstring(evaluation_picture(json.loads(json.dumps(report(SIMULATED, FIELD)))))
    directions = ["Error of direction", "Median error by true direction"]
    assert headings(root) == [
        "Simulated scenes: procedural, 80 scenes",
        *directions,
        "Retrieval by what and where",
        "Zero-shot direction",
        "Confidence, scenes of every difficulty",
        "Recordings: STARSS23, 80 stretches",
        *directions,
        "Zero-shot direction",
    ]
    assert len({node.get("id") for node in root.iter() if node.get("id")}) == 2 * (1 + 5 + 3)


def test_the_medians_are_those_of_the_report() -> None:
    words = [node.text for node in ElementTree.fromstring(evaluation_picture(report(SIMULATED))).iter(f"{SVG}text")]
    assert f"model: median {SIMULATED['localisation']['median_deg']:.1f}°" in words
    for name, said in (("intensity", "mean intensity"), ("intensity_onset", "intensity at onsets")):
        assert f"{said}: median {SIMULATED['baselines'][name]['median_deg']:.1f}°" in words


def test_what_a_model_cannot_be_asked_is_left_out() -> None:
    blank = {**SIMULATED, "directions": {**SIMULATED["directions"], "model": None}}
    blank["retrieval"] = {**SIMULATED["retrieval"], "direction_blind": None}
    blank["zero_shot"] = {**SIMULATED["zero_shot"], "spatial": None, "spatial_core": None}
    drawn = evaluation_picture(report(blank, confidence=False))
    assert "model: median" not in drawn
    assert "direction-blind" not in drawn
    assert "spatial embedding" not in drawn
    assert "intensity at onsets: median" in drawn


def test_editing_alone_has_no_picture() -> None:
    alone = {"kind": "simulated", "name": "procedural", "scenes": 80, "intervals": {}}
    with pytest.raises(InputError, match="no picture of table 3 alone"):
        evaluation_picture(report(alone, confidence=False))
