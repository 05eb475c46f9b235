"""Data flows one way through the package: a room imports only from rooms above it."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "salm"
ORDER = (
    "errors",
    "extras",
    "whole",
    "table",
    "compiled",
    "frame",
    "audio",
    "acoustics",
    "scenes",
    "model",
    "evaluation",
    "training",
    "library",
    "editing",
    "scanning",
    "pictures",
    "demo",
    "web",
    "cli",
)
OWN = {"web": {"fastapi"}}
"""What one room is made of and nothing else may need."""
HEAVY = ("torchaudio", "torchvision", "lightning", "pickle", "matplotlib", "pyroomacoustics", "ray", "faiss", "fastapi")


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{node.module}.{name.name}" if node.module == "salm" else node.module for name in node.names]
        elif isinstance(node, ast.Import):
            found += [name.name for name in node.names]
    return found


FILES = [path for path in sorted(SOURCE.rglob("*.py")) if path != SOURCE / "__init__.py"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_only_from_rooms_above(path: Path) -> None:
    own = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    assert own in ORDER
    for module in imports(path):
        if module.startswith("salm."):
            name = room(module)
            assert name not in ORDER or ORDER.index(name) <= ORDER.index(own), f"{own} imports {module}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_nothing_needs_what_is_not_installed_with_the_core(path: Path) -> None:
    heavy = set(HEAVY) - OWN.get(path.relative_to(SOURCE).parts[0], set())
    assert not [module for module in imports(path) if module.split(".")[0] in heavy]
