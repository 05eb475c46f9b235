"""A small part of `benchmarks/fuzz.py`, the same cases every time; and that the check itself notices what is wrong."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from bad_input import outcome, seeds
from bad_input.outcome import Case, Failure, limited, outcome_of
from bad_input.runner import Batch, drawn, run
from bad_input.surfaces import SURFACES, prepared, warm

from salm.errors import InputError

CASES = {"audio": 40, "config": 12, "captions": 15, "scenes": 15, "index": 15, "weights": 6, "server": 20}


@pytest.fixture(scope="module", autouse=True)
def _warm() -> Iterator[None]:
    with prepared():
        warm()
        yield


@pytest.mark.parametrize("surface", SURFACES)
def test_spoilt_input_is_understood_or_refused_in_one_line(surface: str, tmp_path: Path) -> None:
    cases = drawn(Batch(surface, 20250724, CASES[surface]))
    assert len(cases) == CASES[surface]
    with limited():
        found = [(number, outcome_of(case, SURFACES[surface])) for number, case in enumerate(cases)]
    for number, case in enumerate(cases):
        if found[number][1].kind == "failure":
            case.save(tmp_path / str(number))
    assert [(tmp_path / str(number), one.said) for number, one in found if one.kind == "failure"] == []
    assert {one.kind for _, one in found} >= {"refused"}


@pytest.mark.parametrize("name", sorted(seeds.audio()))
def test_what_is_spoilt_was_sound(name: str) -> None:
    case = Case(surface="audio", files={f"take.{name.rpartition('.')[2]}": seeds.audio()[name]}, told={"how": "locate"})
    assert outcome_of(case, SURFACES["audio"]).kind == "understood"


def test_folders_that_are_spoilt_were_sound() -> None:
    model = {f"model/{name}": content for name, content in seeds.weights().items()}
    index = {f"library/{name}": content for name, content in seeds.indexed().items()}
    for case in (
        Case(surface="weights", files=model, told={"how": "locate"}),
        Case(surface="index", files=index, told={"how": "search", "text": "noise from the left"}),
        Case(surface="index", files=index, told={"how": "add", "text": ""}),
    ):
        assert outcome_of(case, SURFACES[case.surface]).kind == "understood", case.surface


def _forever(case: Case, folder: Path, out: Path) -> None:
    while True:
        pass


def _greedy(case: Case, folder: Path, out: Path) -> None:
    bytearray(3 << 30)


def _crash(case: Case, folder: Path, out: Path) -> None:
    import os

    os._exit(7)


def _meddling(case: Case, folder: Path, out: Path) -> None:
    (folder / "a").write_bytes(b"other")


def _half(case: Case, folder: Path, out: Path) -> None:
    (out / "x.part").touch()
    raise InputError("no.")


def _wordy(case: Case, folder: Path, out: Path) -> None:
    raise InputError("")


def _fault(case: Case, folder: Path, out: Path) -> None:
    raise KeyError("x")


def _warning(case: Case, folder: Path, out: Path) -> None:
    import warnings

    warnings.warn("odd", stacklevel=1)


@pytest.mark.parametrize(
    ("surface", "said"),
    [
        (_forever, "takes more than"),
        (_greedy, "MemoryError"),
        (_meddling, "the input was changed"),
        (_half, "half-written"),
        (_wordy, "not one line"),
        (_fault, "KeyError"),
        (_warning, "UserWarning"),
    ],
)
def test_what_must_not_be_is_noticed(surface: outcome.Surface, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcome, "PROCESSOR_S", 0.1)
    with limited():
        found = outcome_of(Case(surface="x", files={"a": b"a"}), surface)
    assert found.kind == "failure"
    assert said in found.said


def test_a_refusal_is_one() -> None:
    def refuse(case: Case, folder: Path, out: Path) -> None:
        raise InputError("the file a is no good; mend it.")

    found = outcome_of(Case(surface="x", files={"a": b"a"}), refuse)
    assert (found.kind, found.said) == ("refused", "the file a is no good; mend it.")


def test_failing_cases_are_written_down_and_can_be_replayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse_some(case: Case, folder: Path, out: Path) -> None:
        if case.told["how"] != "show":
            raise Failure("this one")

    monkeypatch.setitem(SURFACES, "scenes", refuse_some)
    told = list(run([Batch("scenes", 3, 12)], failures=tmp_path))
    failed = [one for one in told if one.outcome.kind == "failure"]
    assert len(told) == 12
    assert 0 < len(failed) < 12
    cases = drawn(Batch("scenes", 3, 12))
    for one in failed:
        assert one.case is not None
        again = Case.load(one.case)
        assert again == cases[int(one.case.name.rpartition("-")[2])]
        assert outcome_of(again, refuse_some).said == "this one"
    assert set(tmp_path.iterdir()) == {one.case for one in failed}


def test_a_process_that_ends_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SURFACES, "scenes", _crash)
    (told,) = run([Batch("scenes", 3, 2)], failures=tmp_path)
    assert told.outcome.said == "the process ended with 7"
    assert told.case is not None
    assert Case.load(told.case).surface == "scenes"
