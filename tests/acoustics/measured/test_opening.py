"""Sets of measured responses that are named by plain data, and opened by it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from salm.acoustics.measured import ResponsesFrom, open_responses
from salm.errors import InputError

TAU = {
    "01_bomb_shelter": {(0, 0): [(0.0, 0.0), (90.0, 0.0)]},
    "02_gym": {(0, 0): [(45.0, 10.0)]},
    "09_tb103": {(0, 0): [(-90.0, 0.0)]},
}


@pytest.mark.parametrize("split", [None, "train", "test"])
def test_it_opens_what_the_function_does(tau_copy: Callable[..., Path], split: str | None) -> None:
    folder = tau_copy(TAU)
    named = ResponsesFrom(path=str(folder), layout="tau-srir", split=split)
    opened, known = named.open(), open_responses(folder, layout="tau-srir", split=split)
    assert opened.items == known.items
    assert opened.name == known.name
    np.testing.assert_array_equal(opened.read(opened.items[0].id), known.read(known.items[0].id))


def test_rooms_are_chosen(tau_copy: Callable[..., Path]) -> None:
    named = ResponsesFrom(path=str(tau_copy(TAU)), layout="tau-srir", split="train", rooms=("02_gym",))
    assert [item.azimuth_deg for item in named.open().items] == pytest.approx([45.0])


def test_a_sofa_file_is_opened_with_its_channels(sofa_file: Callable[..., Path]) -> None:
    samples = np.zeros((1, 4, 64))
    samples[0, :2, 10] = 1.0
    path = sofa_file("hall.sofa", "SingleRoomSRIR", Data_IR=samples, SourcePosition=[[0.0, 2.0, 0.0]])
    (item,) = ResponsesFrom(path=str(path), layout="sofa", channels="ambix").open().items
    assert (item.azimuth_deg, item.distance_m) == (90.0, 2.0)


@pytest.mark.parametrize(
    "named",
    [
        ResponsesFrom(path="/hall"),
        ResponsesFrom(path="/tau", layout="tau-srir", channels="dcase-mic", split="test", rooms=("a", "b")),
    ],
)
def test_it_comes_back_from_json(named: ResponsesFrom) -> None:
    assert ResponsesFrom.from_dict(json.loads(json.dumps(named.to_dict()))) == named


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ({}, "not named completely: .*path"),
        ({"path": "/a", "place": "b"}, "not named completely: .*place"),
        ({"path": 5}, "must be named by text"),
        ({"path": "/a", "rooms": "hall"}, "must be named by text"),
        ({"path": "/a", "rooms": [1]}, "must be named by text"),
    ],
)
def test_what_names_no_set_is_refused(plain: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ResponsesFrom.from_dict(plain)


def test_a_set_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone is not there; expected measured responses of the layout sofa\.$"):
        ResponsesFrom(path=str(tmp_path / "gone"), layout="sofa").open()
