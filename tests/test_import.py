"""Importing the package is fast, and its names are all there."""

import json
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version

import pytest

import salm

HEAVY = ("torch", "transformers", "numba", "scipy", "soundfile", "rich", "tqdm", "yaml")


def loaded_by(code: str) -> list[str]:
    """Which heavy packages a new interpreter has loaded after some code."""
    told = f"{code}\nimport json, sys\nprint(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_importing_is_light() -> None:
    assert loaded_by("import salm") == []


def test_directions_need_no_network_and_no_audio() -> None:
    assert loaded_by("from salm import Direction, InputError") == []


def test_the_commands_load_a_model_only_when_they_need_one() -> None:
    loaded = loaded_by("import sys, salm.cli\nsys.argv = ['salm', '--version']\nassert salm.cli.main() == 0")
    assert not {"torch", "transformers", "numba"} & set(loaded)


def test_the_check_notices_what_is_heavy() -> None:
    assert loaded_by("import yaml") == ["yaml"]


@pytest.mark.parametrize("name", salm.__all__)
def test_every_public_name_is_the_one_at_its_home(name: str) -> None:
    found = getattr(salm, name)
    assert found is getattr(import_module(found.__module__), name)
    assert found.__doc__


def test_other_names_are_refused_as_python_does() -> None:
    with pytest.raises(AttributeError, match=r"module 'salm' has no attribute 'nothing'"):
        _ = salm.nothing


def test_the_version_is_that_of_the_distribution() -> None:
    assert salm.__version__ == version("salm")
