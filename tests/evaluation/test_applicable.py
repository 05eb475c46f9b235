"""What does not apply to a model is None, and nothing else is."""

from dataclasses import replace

import pytest

from salm.evaluation.applicable import blanked, not_applicable
from salm.model import hub
from salm.model.inference import Model
from salm.model.presets import preset


def test_paths_are_blanked_where_their_table_is() -> None:
    tree = {"editing": {"none": 1}, "zero_shot": {"spatial": 1, "joint": 2}, "localisation": {"mean_deg": 3}}
    found = blanked(tree, ["editing.swap", "zero_shot.spatial", "localisation", "retrieval.semantic", "leakage"])
    assert found == {
        "editing": {"none": 1, "swap": None},
        "zero_shot": {"spatial": None, "joint": 2},
        "localisation": None,
    }
    assert tree["zero_shot"]["spatial"] == 1


@pytest.mark.parametrize(("pair", "direction"), [("single_htsat", True), ("mono_htsat", False)])
def test_single_branches_lack_what_needs_two(pair: str, direction: bool) -> None:
    config = replace(preset("tiny"), pair=pair)
    reasons = not_applicable(Model(hub.build_frozen(config), config))
    assert "one embedding" in reasons["editing.swap"]
    assert ("localisation" in reasons) != direction
    assert "editing.arithmetic" not in reasons


def test_a_pair_lacks_nothing() -> None:
    assert not_applicable(Model(hub.build_frozen(preset("tiny")), preset("tiny"))) == {}
