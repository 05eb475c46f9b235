"""Pictures in files of their own: what browsers and what plainer programs make of their colours."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from salm.errors import InputError
from salm.pictures import svg
from salm.pictures.drawing import colours, drawing, write_drawing
from salm.pictures.plan import Mark, plan_view

SVG = "{http://www.w3.org/2000/svg}"
PLAN = plan_view([Mark(azimuth_deg=0, kind="intensity", title="a > b"), Mark(azimuth_deg=90)], title="<t>", key="k")


def test_a_file_has_the_colours_of_the_pages_for_light_and_dark() -> None:
    root = ElementTree.fromstring(drawing(PLAN))
    style = root.find(f"{SVG}style").text
    light, _, dark = style.partition("prefers-color-scheme: dark")
    assert all(f"{name}:" in part for part in (light, dark) for name in ("--ink", "--card", "--salm-accent"))
    assert root.get("color") == re.search(r"--ink: (#\w+)", light)[1]
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"


def test_programs_without_variables_find_the_light_colours_as_attributes() -> None:
    """CSS before variables ignores a declaration it cannot read, and the attribute holds."""
    root = ElementTree.fromstring(drawing(PLAN))
    styled = [node for node in root.iter() if "var(" in node.get("style", "")]
    assert styled
    for node in styled:
        for name, colour in re.findall(r"(fill|stroke):var\(--[\w-]+, (#\w+)\)", node.get("style")):
            assert node.get(name) == colour


def test_the_colours_of_pictures_without_a_page_are_those_of_the_pages() -> None:
    light = colours().partition("@media")[0]
    for paint in (svg.ACCENT, svg.ON_ACCENT, svg.OCHRE):
        name, plain = re.fullmatch(r"var\((--[\w-]+), (#\w+)\)", paint).groups()
        (named,) = re.findall(rf"{name}: (#\w+);", light)
        assert named in (plain, "#" + "".join(2 * digit for digit in plain[1:]))


@pytest.mark.parametrize("page", ["pictures/page.css", "web/page/page.css"])
def test_no_page_has_colours_of_its_own(page: str) -> None:
    style = (Path(svg.__file__).parents[1] / page).read_text(encoding="utf-8")
    assert not re.findall(r"#[0-9a-f]{3,8}\b(?![^{}]*\{)", style)


def test_a_picture_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError):
        write_drawing(tmp_path / "file" / "plan.svg", PLAN)
    write_drawing(tmp_path / "plan.svg", PLAN)
    assert ElementTree.parse(tmp_path / "plan.svg").getroot().tag == f"{SVG}svg"
