"""The whole protocol: with random weights on procedural sounds in rooms, and with a perfect model in the free field."""

import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch

from salm.acoustics.measured.base import MeasuredResponse, ResponseSet
from salm.audio.formats import encode_plane_wave
from salm.errors import InputError
from salm.evaluation.bench import set_up
from salm.evaluation.controls import CONTROLS
from salm.evaluation.protocol import PROTOCOLS, FieldRecordings, evaluate
from salm.evaluation.report import FORMATS
from salm.model import hub
from salm.model.inference import Model
from salm.model.presets import preset
from salm.scenes.captions import HELD_OUT_PHRASINGS, TRAINING_PHRASINGS
from salm.scenes.corpora.procedural import ProceduralCorpus
from salm.scenes.recordings import open_recordings
from salm.scenes.sample import SceneRanges

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
    assert report["protocol"].items() >= PROTOCOLS["default"].words.items()
    assert {"scenes", "free field", "W only", "two rooms", "confidence"} <= set(shown)
    assert len(shown) == len(set(shown))
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
    assert report["not_applicable"] == {}


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
    assert set(oracle_report["editing"]) == {"none", "swap", "change", "arithmetic"}
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


def test_tables_are_chosen(toy_corpus, make_oracle) -> None:
    given = {"scenes": 12, "seed": 3, "ranges": SceneRanges(anechoic=1.0, noise_db=None)}
    every = {"localisation", "baselines", "directions", "retrieval", "zero_shot", "editing"}
    every |= {"controls", "leakage", "confidence", "wordings", "binding", "attributes"}
    for tables, names in (
        ((1,), {"localisation", "baselines", "directions", "retrieval"}),
        ((2,), {"zero_shot"}),
        ((3,), {"editing"}),
        ((3, 2, 1), {"localisation", "baselines", "directions", "retrieval", "zero_shot", "editing"}),
    ):
        report = evaluate(make_oracle(), toy_corpus, tables=tables, **given)
        assert every & report.keys() == names == report["intervals"].keys()
        assert report["tables"] == sorted(tables)


def test_what_there_is_not(toy_corpus, make_oracle) -> None:
    with pytest.raises(InputError, match="protocol is 'own' but must be default or paper"):
        evaluate(make_oracle(), toy_corpus, protocol="own")
    with pytest.raises(InputError, match="there is no table 4; there are 1, 2, 3"):
        evaluate(make_oracle(), toy_corpus, tables=(1, 4))


def test_the_simulated_set_is_what_the_tables_say(oracle_report, paper_report) -> None:
    for report in (oracle_report, paper_report):
        (simulated,) = report["sets"]
        assert (simulated["kind"], simulated["scenes"]) == ("simulated", report["scenes"])
        for name in ("localisation", "baselines", "retrieval", "zero_shot"):
            assert simulated[name] == report[name]
            assert simulated["intervals"][name] == report["intervals"][name]


def test_the_paper_s_protocol_has_the_same_fields(paper_report) -> None:
    assert paper_report["protocol"].items() >= PROTOCOLS["paper"].words.items()
    assert (paper_report["scenes"], paper_report["sounds"], paper_report["gallery"]) == (24, 8, 24)
    assert set(paper_report["localisation"]) == LOCALISATION
    for name in ("text_to_audio", "audio_to_text", "direction_blind", "semantic"):
        assert set(paper_report["retrieval"][name]) >= RECALL
    assert set(paper_report["zero_shot"]) == {"spatial", "joint", "spatial_core", "joint_core"}
    assert set(paper_report["editing"]) == {"none", "swap", "change", "arithmetic"}
    assert paper_report["facing"] == "north"


def test_rooms_and_recordings_are_never_pooled(tmp_path, toy_corpus, make_oracle) -> None:
    """Rooms whose table is mirrored and a recording that is right: each has its own entry, the others untouched."""
    azimuths = {f"r{number}": 45.0 * number + 10 for number in range(8)}
    rooms = ResponseSet(
        name="mirrored",
        items=tuple(
            MeasuredResponse(id=name, room="hall", azimuth_deg=azimuth_deg, elevation_deg=0.0)
            for name, azimuth_deg in azimuths.items()
        ),
        reader=lambda name: (encode_plane_wave(np.eye(1, 50, dtype=np.float32)[0], -azimuths[name], 0.0), 8000),
    )
    wave = encode_plane_wave(toy_corpus.audio("toy-3"), 100.0, 0.0)
    soundfile.write(tmp_path / "one.wav", wave.T, 8000, subtype="FLOAT")
    (tmp_path / "labels.csv").write_text("file,azimuth_deg\none.wav,100\n", encoding="utf-8")
    field = FieldRecordings(open_recordings(tmp_path), min_s=0.1)
    given = {"scenes": 12, "seed": 3, "ranges": SceneRanges(anechoic=1.0, noise_db=None), "tables": (1, 2)}
    alone = evaluate(make_oracle(), toy_corpus, **given)
    report = evaluate(make_oracle(), toy_corpus, responses=rooms, field=field, **given)
    assert {**report, "sets": None} == {**alone, "sets": None}
    simulated, measured, recorded = report["sets"]
    assert [simulated] == alone["sets"]
    assert (measured["kind"], measured["name"], measured["rooms"], measured["responses"]) == (
        "measured",
        "mirrored",
        1,
        8,
    )
    assert measured["localisation"]["mean_deg"] > 20
    assert set(measured["retrieval"]) == {"text_to_audio", "audio_to_text", "direction_blind"}
    assert (recorded["kind"], recorded["declared"], recorded["files"]) == ("field", "own", 1)
    assert (recorded["moving"], recorded["without_elevation"]) == (0, 1)
    assert recorded["localisation"]["mean_deg"] == pytest.approx(0, abs=1e-3)
    assert recorded["zero_shot"]["joint"] == 1.0
    assert "retrieval" not in recorded
    assert json.loads(json.dumps(report, allow_nan=False)) == report


@pytest.mark.parametrize("protocol", ["default", "paper"])
@pytest.mark.parametrize("pair", ["single_htsat", "mono_htsat"])
def test_the_other_rows_of_table_1_get_what_applies_to_them(toy_corpus, protocol: str, pair: str) -> None:
    config = replace(preset("tiny"), pair=pair)
    torch.manual_seed(0)
    corpus = ProceduralCorpus(per_kind=1, split="test", keep_in_memory=True)
    corpus.sounds = tuple(sound for sound in corpus.sounds if sound.id[:4] in ("bell", "knoc", "clap"))
    report = evaluate(Model(hub.build_frozen(config), config), corpus, protocol=protocol, scenes=6)
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert report["editing"]["swap"] is report["editing"]["change"] is report["zero_shot"]["spatial"] is None
    assert 0 <= report["editing"]["arithmetic"]["text_to_audio"]["r10"] <= 1
    assert (report["localisation"] is None) == (pair == "mono_htsat")
    assert report["baselines"]["intensity_onset"]["median_deg"] < 20
    assert "one embedding" in report["not_applicable"]["editing.swap"]
    if protocol == "default":
        assert report["controls"]["direction_blind"]["holds"] is None
        assert (report["confidence"] is None) == (pair == "mono_htsat")
        assert report["leakage"] is report["attributes"]["distance"]["spatial"] is None
        assert report["attributes"]["distance"]["chance"] == 0.5
    for tell in FORMATS.values():
        assert "Does not apply: " in tell(report)
