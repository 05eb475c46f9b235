"""Data flows one way through the package: a room imports only from rooms above it."""

from pathlib import Path

import pytest

from architecture import FILES, ORDER, SOURCE, home, imports, room

OWN = {"web": {"fastapi"}}
"""What one room is made of and nothing else may need."""
HEAVY = ("torchaudio", "torchvision", "lightning", "pickle", "matplotlib", "pyroomacoustics", "ray", "faiss", "fastapi")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_only_from_rooms_above(path: Path) -> None:
    own = home(path)
    assert own in ORDER
    for module in imports(path):
        if module.startswith("salm."):
            name = room(module)
            assert name not in ORDER or ORDER.index(name) <= ORDER.index(own), f"{own} imports {module}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_nothing_needs_what_is_not_installed_with_the_core(path: Path) -> None:
    heavy = set(HEAVY) - OWN.get(home(path), set())
    assert not [module for module in imports(path) if module.split(".")[0] in heavy]
