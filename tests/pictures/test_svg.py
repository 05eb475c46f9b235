"""Elements as text: a parser that knows nothing of us reads back what went in."""

from xml.etree import ElementTree

import pytest

from salm.pictures.svg import element, number, picture, text

NASTY = """a <b> & "c" 'd' </title> ]]> é"""


def test_text_and_attributes_survive_a_parser() -> None:
    read = ElementTree.fromstring(element("a", text(NASTY), title=NASTY))
    assert (read.text, read.get("title")) == (NASTY, NASTY)
    assert len(read) == 0


def test_names_of_attributes() -> None:
    written = element("i", class_="x", data_sound="y", aria_label=None, hidden=True)
    assert written == '<i class="x" data-sound="y" hidden></i>'


def test_void_elements_have_no_end() -> None:
    assert element("img", alt="") == '<img alt="">'


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.0, "0"), (-0.001, "0"), (1.0, "1"), (-2.5, "-2.5"), (3.14159, "3.14"), (399.999, "400"), (1234.5, "1234.5")],
)
def test_coordinates_have_two_decimals_at_most(value: float, written: str) -> None:
    assert number(value) == written
    assert element("i", x=value) == f'<i x="{written}"></i>'


def test_a_picture_is_announced_by_its_title_and_description() -> None:
    read = ElementTree.fromstring(picture(width=10, height=20, title=NASTY, description="what it shows", key="k"))
    by_id = {child.get("id"): child.text for child in read}
    assert [by_id[name] for name in read.get("aria-labelledby").split()] == [NASTY, "what it shows"]
    assert (read.get("role"), read.get("viewBox")) == ("img", "0 0 10 20")
