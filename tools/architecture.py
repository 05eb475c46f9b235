"""The rooms of the house as its imports show them, for `tests/test_house.py` and a drawing in the documentation."""

import ast
from pathlib import Path

from salm.pictures.svg import ACCENT, element, label, outline, picture

__all__ = ["FILES", "ORDER", "SOURCE", "drawing", "home", "imports", "room", "used_rooms"]

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
"""Data flows down this list: a room imports only from rooms above it."""
DOORS = (SOURCE / "__init__.py", SOURCE / "__main__.py")
"""What is imported and what is run; they may use any room."""
FILES = [path for path in sorted(SOURCE.rglob("*.py")) if path not in DOORS]

PITCH = 34.0
LEFT = 150.0
DOT = 4.0


def room(module: str) -> str:
    """``audio`` of ``salm.audio.rotate``."""
    return module.split(".")[1] if "." in module else ""


def imports(path: Path) -> list[str]:
    """Every module that a file imports, wherever in it."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{node.module}.{name.name}" if node.module == "salm" else node.module for name in node.names]
        elif isinstance(node, ast.Import):
            found += [name.name for name in node.names]
    return found


def home(path: Path) -> str:
    """The room in which a file is."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def used_rooms() -> dict[str, dict[str, int]]:
    """How many files of a room import from another room."""
    used: dict[str, dict[str, int]] = {name: {} for name in ORDER}
    for path in FILES:
        own = home(path)
        for name in {room(module) for module in imports(path) if module.startswith("salm.")} - {own}:
            if name in ORDER:
                used[own][name] = used[own].get(name, 0) + 1
    return used


def drawing() -> str:
    """A table of dots: a row is a room, a dot under a column says that it imports from there; larger, by more files."""
    used = used_rooms()
    columns = [name for name in ORDER if any(name in row for row in used.values())]
    top = 96.0
    width, height = LEFT + PITCH * len(columns) + 60, top + PITCH * len(ORDER)
    parts = []
    for place, name in enumerate(columns):
        x = LEFT + PITCH * (place + 0.5)
        turned = f"rotate(-45 {x} {top - 10})"
        parts.append(label(name, x, top - 10, anchor="start", transform=turned))
        parts.append(element("line", x1=x, x2=x, y1=top, y2=height - PITCH / 2, **outline(0.1)))
    for row, name in enumerate(ORDER):
        y = top + PITCH * (row + 0.5)
        files = sum(home(path) == name for path in FILES)
        parts.append(label(name, LEFT - 36, y + 4, anchor="end"))
        parts.append(label(files, LEFT - 8, y + 4, anchor="end"))
        parts.append(element("line", x1=LEFT, x2=LEFT + PITCH * len(columns), y1=y, y2=y, **outline(0.1)))
        for place, column in enumerate(columns):
            if count := used[name].get(column):
                tip = element("title", f"{name} imports from {column} in {count} of its files")
                x = LEFT + PITCH * (place + 0.5)
                parts.append(element("circle", tip, cx=x, cy=y, r=round(DOT * count**0.3, 1), fill=ACCENT))
    return picture(
        *parts,
        width=width,
        height=height,
        title="Which room imports from which",
        description="; ".join(f"{name} imports from {', '.join(sorted(row)) or 'none'}" for name, row in used.items()),
        key="architecture",
    )
