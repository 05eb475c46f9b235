"""Elements of SVG and HTML as text, with everything that comes from outside escaped."""

from html import escape

__all__ = ["ACCENT", "INK", "OCHRE", "ON_ACCENT", "element", "label", "number", "outline", "picture", "text"]

_VOID = frozenset({"br", "img", "link", "meta"})

INK = "currentColor"
ACCENT = "var(--salm-accent, #0b7a75)"
"""Colour of what the model says; a page may set its own for light and dark."""
ON_ACCENT = "var(--salm-on-accent, #fff)"
"""What is written on it."""
OCHRE = "var(--salm-ochre, #b4690e)"
"""Colour of what the un-learned baseline says; distinct from the accent for colour-blind eyes too."""


def element(tag: str, *children: str, **attributes: object) -> str:
    """One element; children are markup, attribute values are escaped.

    Underscores in attribute names are written as hyphens and one at the end is dropped (``class_``). Attributes that
    are None are left out, True ones stand without a value.
    """
    written = "".join(_attribute(name, value) for name, value in attributes.items() if value is not None)
    return f"<{tag}{written}>" if tag in _VOID else f"<{tag}{written}>{''.join(children)}</{tag}>"


def text(content: object) -> str:
    """Content as text between tags."""
    return escape(str(content), quote=False)


def number(value: float) -> str:
    """A coordinate with at most two decimals."""
    # Adding zero turns the negative zero of a rounded small number into zero.
    return f"{round(value, 2) + 0.0:g}"


def outline(opacity: float, width: float = 1.2) -> dict[str, object]:
    """Attributes of a shape that is drawn by its outline alone."""
    return {"fill": "none", "stroke": INK, "stroke_opacity": opacity, "stroke_width": width}


def label(content: object, x: float, y: float, *, anchor: str = "middle", **more: object) -> str:
    """A few soft words within a picture; the anchor is ``start``, ``middle`` or ``end``."""
    return element(
        "text", text(content), x=x, y=y, text_anchor=anchor, font_size=11, **more, fill=INK, fill_opacity=0.72
    )


def picture(*children: str, width: float, height: float, title: str, description: str, key: str) -> str:
    """An SVG picture that screen readers announce by its title and description.

    Parameters
    ----------
    key
        Identifier that no other picture on the same page has.
    """
    ids = [f"{key}-{part}" for part in ("title", "description")]
    return element(
        "svg",
        element("title", text(title), id=ids[0]),
        element("desc", text(description), id=ids[1]),
        *children,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {number(width)} {number(height)}",
        role="img",
        aria_labelledby=" ".join(ids),
        font_family="system-ui, sans-serif",
    )


def _attribute(name: str, value: object) -> str:
    spelled = name.removesuffix("_").replace("_", "-")
    if value is True:
        return f" {spelled}"
    return f' {spelled}="{escape(number(value) if isinstance(value, float) else str(value))}"'
