"""The libraries and the model, loaded once: a process forked from this one has them."""

import importlib
import io
import pkgutil
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import salm
from killing.sounds import AMBIX, sound
from salm.cli import main as command

_models: dict[str, Any] = {}


def load() -> None:
    """Import all of salm, load the shipped model, and let the commands that hear run once."""
    for module in pkgutil.walk_packages(salm.__path__, "salm."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    _models["small"] = salm.load("small")
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(io.StringIO()):
        take, out = sound(Path(folder) / "take.wav", seconds=1, seed=0), Path(folder) / "out"
        with_loaded_model()
        command(["edit", str(take), "mirror it", "-o", f"{out}.flac", "--binaural", f"{out}-ears.wav", *AMBIX])
        command(["scan", str(take), "-o", f"{out}.csv", "--plot", f"{out}.svg", "--sentences", "rain", *AMBIX])
        command(["index", "add", str(take), "--to", str(out), *AMBIX])


def with_loaded_model() -> None:
    """From now on, whoever loads the model is given this one; loading writes nothing."""
    salm.load = lambda name, **_: _models[str(name)]
