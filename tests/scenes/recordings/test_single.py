"""Stretches with a single source, against a slow count of what is active."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salm.errors import InputError
from salm.scenes.recordings import Item, Label, Place, RecordingFiles, single_source_stretches


def recordings(*labels: Label) -> RecordingFiles:
    item = Item(id="a", path=Path("a.wav"), labels=tuple(labels), split="test")
    return RecordingFiles(name="mine", kind="own", items=(item,))


def label(start_s: float, end_s: float, category: str = "dog") -> Label:
    return Label(start_s=start_s, end_s=end_s, category=category, azimuth_deg=0.0)


def spans(found: Sequence[object]) -> list[tuple[float, float, str]]:
    return [(s.label.start_s, s.label.end_s, s.label.category) for s in found]  # type: ignore[attr-defined]


def test_stretches_begin_and_end_where_another_source_does() -> None:
    mine = recordings(label(0, 4, "a"), label(3, 6, "b"), label(6, 7, "c"))
    found = single_source_stretches(mine, min_s=1.0)
    assert spans(found) == [(0, 3, "a"), (4, 6, "b"), (6, 7, "c")]
    assert all(stretch.item.id == "a" for stretch in found)
    assert spans(single_source_stretches(mine, min_s=1.5)) == [(0, 3, "a"), (4, 6, "b")]


def test_a_source_within_another_parts_it() -> None:
    assert spans(single_source_stretches(recordings(label(0, 9, "a"), label(3, 4, "b")), min_s=0.1)) == [
        (0, 3, "a"),
        (4, 9, "a"),
    ]


def test_frames_that_add_up_to_the_length_are_long_enough() -> None:
    # 0.7 - 0.4 is a little less than 0.3.
    assert len(single_source_stretches(recordings(label(0.4, 0.7)), min_s=0.3)) == 1


def test_a_moving_source_is_cut_with_its_path() -> None:
    path = [Place(float(second), 10.0 * second, 0.0, None) for second in range(4)]
    moving = Label.along(path, end_s=4.0, category="a")
    (found,) = single_source_stretches(recordings(moving, label(2, 5, "b")), min_s=1.5)
    assert found.label.path == tuple(path[:2])


def test_nothing_is_found_where_nothing_is_alone() -> None:
    assert single_source_stretches(recordings(), min_s=1.0) == []
    assert single_source_stretches(recordings(label(0, 2), label(0, 2)), min_s=0.1) == []


@pytest.mark.parametrize("min_s", [0.0, -1.0, float("nan")])
def test_the_length_must_be_positive(min_s: float) -> None:
    with pytest.raises(InputError, match=r"min_s is .* but must be positive"):
        single_source_stretches(recordings(), min_s=min_s)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10)), max_size=8))
def test_exactly_one_label_is_active_within_and_not_at_the_ends(drawn: list[tuple[int, int]]) -> None:
    labels = [label(start, start + length, str(n)) for n, (start, length) in enumerate(drawn)]
    active = [[x.category for x in labels if x.start_s <= t < x.end_s] for t in range(41)]
    expected = {t: names[0] for t, names in enumerate(active) if len(names) == 1}
    found = single_source_stretches(recordings(*labels), min_s=1.0)
    assert {t: s.label.category for s in found for t in range(int(s.label.start_s), int(s.label.end_s))} == expected
