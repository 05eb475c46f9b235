"""The message of an `InputError` is one line, whatever is quoted in it."""

import pickle

from salm.errors import InputError


def test_lines_become_one() -> None:
    assert str(InputError("the file a\nb\r\nc is empty.")) == "the file a b c is empty."


def test_of_a_long_one_both_ends_are_left() -> None:
    said = str(InputError(f"a.yaml: {'x' * 100_000}; give a number."))
    assert len(said) < 1010
    assert said.startswith("a.yaml: xxx")
    assert said.endswith("xxx; give a number.")


def test_it_passes_between_processes() -> None:
    assert str(pickle.loads(pickle.dumps(InputError("no.")))) == "no."
