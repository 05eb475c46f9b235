"""How the documentation is built: ``sphinx-build -W --keep-going docs build/docs``, offline."""

import re
import sys
from pathlib import Path
from typing import Any

# Before autodoc imports it with `typing.TYPE_CHECKING` set, which pydantic does not bear.
import fastapi  # noqa: F401
from sphinx.ext.napoleon import NumpyDocstring

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

import salm  # noqa: E402
from architecture import FILES, ORDER, SOURCE, drawing, home  # noqa: E402

project = "SALM"
author = "The SALM authors"
copyright = author
release = salm.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_templates"]
templates_path = ["_templates"]
nitpicky = False

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"SALM {release}"
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b7a75", "color-brand-content": "#0b7a75"},
    "dark_css_variables": {"color-brand-primary": "#4cc3bb", "color-brand-content": "#4cc3bb"},
}
html_static_path = ["_static"]
html_css_files = ["salm.css"]
pygments_style = "friendly"

autosummary_generate = True
autosummary_ignore_module_all = False
autosummary_imported_members = False
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
add_module_names = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
napoleon_google_docstring = False
default_role = "py:obj"

DOCS = Path(__file__).parent
ROOMS = [name for name in ORDER if name not in ("demo", "cli")]
"""Of the API; commands are documented by their own help."""


def write_what_follows_from_the_code(_: object) -> None:
    """The drawing of the rooms, and a page a room of all its modules that are not private."""
    write_if_new(DOCS / "architecture.svg", drawing())
    (DOCS / "api").mkdir(exist_ok=True)
    for name in ROOMS:
        paths = [path for path in FILES if home(path) == name and not is_private(path)]
        modules = sorted(module_name(path) for path in paths)
        blocks = [f"```{{eval-rst}}\n.. automodule:: {module}\n```\n" for module in modules]
        titles = [f"## `{module}`\n\n" if len(modules) > 1 else "" for module in modules]
        text = f"# {name}\n\n" + "\n".join(map("".join, zip(titles, blocks, strict=True)))
        write_if_new(DOCS / "api" / f"{name}.md", text)


def write_if_new(path: Path, text: str) -> None:
    # Sphinx reads again what is newer.
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def is_private(path: Path) -> bool:
    return path.name.startswith("_") and path.name != "__init__.py"


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")


def as_restructured_text(*event: Any) -> None:
    """Docstrings as they are written here: indented equations are literal, and |x| is a length."""
    lines: list[str] = event[-1]
    literal = section = False
    paragraph = ""
    for place, line in enumerate(lines):
        section = section or bool(re.fullmatch("-{3,}", line.strip()))
        indented = line.startswith("    ")
        follows = place > 0 and not lines[place - 1].strip() and paragraph and not paragraph.startswith(" ")
        if indented and follows and not section and not literal:
            literal = True
            if not paragraph.endswith("::"):
                lines[place - 1] = "\n::\n"
        elif line.strip() and not indented:
            literal = False
        paragraph = line if line.strip() else paragraph
        if not literal:
            lines[place] = re.sub(r"(``.*?``)|\|", lambda found: found[1] or r"\|", lines[place])
    lines[:] = "\n".join(lines).split("\n")


# It would take what stands before a colon in an attribute's first line for its type; here types are annotations.
NumpyDocstring._parse_attribute_docstring = NumpyDocstring._consume_to_end


def setup(app: Any) -> None:
    app.connect("autodoc-process-docstring", as_restructured_text, priority=400)
    app.connect("builder-inited", write_what_follows_from_the_code)
