"""Bars of shares: their heights against the axis, and what is said of them."""

from xml.etree import ElementTree

import pytest

from salm.pictures.shares import Share, ShareGroup, share_bars, shares_width

SVG = "{http://www.w3.org/2000/svg}"
MODEL, BLIND = Share("model", 0.5, (0.25, 0.75), "red"), Share("blind", 0.25, (0.0, 0.5), "grey", 0.3)
GROUPS = [ShareGroup("R@1", "text to audio", [MODEL, BLIND]), ShareGroup("R@5", "text to audio", [MODEL])]


def test_bars_and_intervals_end_where_the_axis_says() -> None:
    root = ElementTree.fromstring(share_bars(GROUPS, title="t", key="k", chance=0.125))
    down = {n.text: float(n.get("y")) - 4 for n in root.iter(f"{SVG}text") if n.get("text-anchor") == "end"}
    groups = [group for group in root.iter(f"{SVG}g") if group.find(f"{SVG}rect") is not None]
    tops = [float(group.find(f"{SVG}rect").get("y")) for group in groups]
    assert tops == pytest.approx([down["50 %"], down["25 %"], down["50 %"]], abs=0.02)
    ends = [(float(line.get("y1")), float(line.get("y2"))) for g in groups for line in g.iter(f"{SVG}line")]
    assert ends[0] == pytest.approx((down["25 %"], down["75 %"]), abs=0.02)
    assert down["chance"] == pytest.approx((down["0 %"] + down["25 %"]) / 2, abs=0.02)
    assert groups[0].findtext(f"{SVG}title") == "model: 50.0 % [25.0 to 75.0]"


def test_what_groups_have_in_common_and_the_legend_stand_once() -> None:
    drawn = share_bars(GROUPS, title="t", key="k")
    words = [node.text for node in ElementTree.fromstring(drawn).iter(f"{SVG}text")]
    assert [words.count(word) for word in ("text to audio", "model", "blind", "R@1", "R@5")] == [1] * 5
    assert f'viewBox="0 0 {shares_width(GROUPS):g} ' in drawn


def test_no_groups_are_a_picture_that_says_so() -> None:
    assert "no shares" in share_bars([], title="t", key="k")
