"""The whole protocol: with random weights on procedural sounds in rooms, and with a perfect model in the free field."""

import json

import numpy as np
import pytest
import torch

from salm.errors import InputError
from salm.evaluation.bench import set_up
from salm.evaluation.controls import CONTROLS
from salm.evaluation.protocol import PROTOCOL, evaluate
from salm.model import hub
from salm.model.inference import Model
from salm.model.presets import preset
from salm.scenes.captions import HELD_OUT_PHRASINGS, TRAINING_PHRASINGS
from salm.scenes.corpora.procedural import ProceduralCorpus

RECALL = {"r1", "r5", "r10"}
LOCALISATION = {"mean_deg", "median_deg", "p90_deg", "sector_accuracy", "sector_accuracy_core"}


def leaves(tree: dict, before: tuple[str, ...] = ()) -> dict[tuple[str, ...], object]:
    found = {}
    for name, branch in tree.items():
        found |= leaves(branch, (*before, name)) if isinstance(branch, dict) else {(*before, name): branch}
    return found


def test_random_weights_give_a_whole_report_and_no_skill() -> None:
    torch.manual_seed(0)
    model = Model(hub.build_frozen(preset("tiny")), preset("tiny"), digest="tiny")
    corpus = ProceduralCorpus(per_kind=1, split="test", keep_in_memory=True)
    corpus.sounds = tuple(sound for sound in corpus.sounds if sound.id[:4] in ("bell", "knoc", "clap", "horn", "glas"))
    shown = []
    report = evaluate(model, corpus, scenes=6, seed=1, progress=lambda scenes, what: shown.append(what) or scenes)
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert report["protocol"] == PROTOCOL
    assert {"scenes", "baselines", "free field", "W only", "confidence"} <= set(shown)
    assert (report["model"], report["preset"], report["corpus"], report["split"]) == (
        "tiny",
        "tiny",
        "procedural",
        "test",
    )
    assert set(report["localisation"]) == LOCALISATION
    assert report["localisation"]["mean_deg"] > 30 > report["baselines"]["intensity_onset"]["mean_deg"]
    assert report["confidence"]["confidence"] == 0.5
    assert all(0 <= value <= 1 for path, value in leaves(report["retrieval"]).items())


def test_a_perfect_model_has_a_perfect_report(oracle_report) -> None:
    assert oracle_report["localisation"]["mean_deg"] == pytest.approx(0, abs=1e-3)
    shares = [oracle_report[table] for table in ("zero_shot", "editing")]
    assert {value for tree in shares for value in leaves(tree).values()} == {1.0}
    retrieval = oracle_report["retrieval"]
    for name in ("text_to_audio", "audio_to_text", "trained_phrasings"):
        assert retrieval[name]["r1"] == 1.0
    assert retrieval["direction_blind"]["r1"] < 0.5
    assert retrieval["semantic"]["r1"] == retrieval["semantic"]["audio_to_text"]["r1"] == 1.0
    assert [name for name, control in oracle_report["controls"].items() if not control["holds"]] == []


def test_the_report_has_the_fields_that_others_build_on(oracle_report) -> None:
    """Section 7 of the design: more may be added, none renamed."""
    assert set(oracle_report["baselines"]) == {"intensity", "intensity_onset"}
    assert all(set(row) == LOCALISATION for row in oracle_report["baselines"].values())
    for name in ("text_to_audio", "audio_to_text", "direction_blind", "semantic"):
        assert set(oracle_report["retrieval"][name]) >= RECALL
    assert set(oracle_report["zero_shot"]) == {"spatial", "joint", "spatial_core", "joint_core"}
    assert set(oracle_report["editing"]) == {"none", "swap", "change"}
    assert set(oracle_report["controls"]) == set(CONTROLS)
    assert oracle_report["rows"] == {"kind": "noise"}
    assert (oracle_report["scenes"], oracle_report["sounds"], oracle_report["seed"]) == (40, 96, 3)


def test_every_figure_has_its_interval(oracle_report) -> None:
    figures = {name: oracle_report[name] for name in ("localisation", "baselines", "retrieval", "zero_shot", "editing")}
    values = leaves(figures)
    bounds = leaves({name: oracle_report["intervals"][name] for name in figures})
    assert values.keys() == bounds.keys()
    # A quantile of few values may be interpolated beyond what a resample can be.
    assert all(
        low <= value + 1e-9 and value - 1e-9 <= high
        for (low, high), value in zip(bounds.values(), values.values(), strict=True)
    )


def test_phrasings_of_tests_are_not_those_of_training(oracle_report, make_bench, make_oracle) -> None:
    trained = {phrasing.template for phrasing in TRAINING_PHRASINGS}
    assert set(oracle_report["unseen_phrasings"]) <= {phrasing.template for phrasing in HELD_OUT_PHRASINGS}
    assert not trained & set(oracle_report["unseen_phrasings"])
    bench = make_bench(make_oracle())
    assert {phrasing.template for phrasing in bench.trained_phrasings} <= trained


def test_a_bench_depends_on_the_seed_alone(toy_corpus, make_oracle) -> None:
    one, two, other = (set_up(make_oracle(), toy_corpus, scenes=4, seed=seed) for seed in (1, 1, 2))
    assert (one.scenes, one.unseen_phrasings, one.trained_phrasings) == (
        two.scenes,
        two.unseen_phrasings,
        two.trained_phrasings,
    )
    np.testing.assert_array_equal(one.unseen, two.unseen)
    assert one.scenes != other.scenes


def test_controls_need_another_scene(toy_corpus, make_oracle) -> None:
    with pytest.raises(InputError, match="at least 2"):
        evaluate(make_oracle(), toy_corpus, scenes=1)
