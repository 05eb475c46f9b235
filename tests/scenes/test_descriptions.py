"""Sentences about whole scenes, read back."""

from itertools import product

import pytest

from salm.errors import InputError
from salm.frame import SECTORS, parse_direction
from salm.scenes.attributes import ATTRIBUTES
from salm.scenes.captions import (
    HELD_OUT_PHRASINGS,
    TRAINING_PHRASINGS,
    VOCABULARY_SHARES,
    Phrasing,
    holds_place_words,
    spatial_caption,
)
from salm.scenes.descriptions import ATTRIBUTE_SENTENCES, Part, describe, exchanged, joined, part_of
from salm.scenes.scene import Source, Waypoint

DOG, RAIN = Part(caption="A dog barks.", sector=2), Part(caption="Rain falls", sector=4)
AT = Phrasing("{sentence} {at}.")
EVERYWHERE = [*TRAINING_PHRASINGS, *HELD_OUT_PHRASINGS]


@pytest.mark.parametrize("phrasing", EVERYWHERE, ids=lambda phrasing: phrasing.template)
def test_one_sound_is_a_spatial_caption(phrasing: Phrasing) -> None:
    assert describe([DOG], phrasing=phrasing) == spatial_caption(DOG.caption, 2, phrasing=phrasing)


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ([DOG, RAIN], "A dog barks on the left and rain falls at the back."),
        ([DOG, RAIN, DOG.turned(5)],
         "A dog barks on the left, rain falls at the back and a dog barks at the front right."),
        ([Part(caption="A car passes.", sector=6, end_sector=2)], "A car passes, moving from the right to the left."),
        ([Part(caption="A car passes.", sector=4, end_sector=0), RAIN],
         "A car passes, moving from behind to the front and rain falls at the back."),
        ([Part(caption="A dog barks.", sector=2, attributes={"elevation": "above", "distance": "near"})],
         "A dog barks up above on the left, close by."),
        ([Part(caption="A dog barks.", sector=2, attributes={"level": "quiet", "distance": "far", "room": "large",
                                                             "reverberation": "reverberant"})],
         "A dog barks on the left, quiet, far away, in a large reverberant room."),
    ],
)  # fmt: skip
def test_sentences(parts: list[Part], text: str) -> None:
    assert describe(parts, phrasing=AT) == text


def test_short_queries_are_joined_by_a_semicolon() -> None:
    assert (
        describe([DOG, RAIN], phrasing=Phrasing("{clause} {at}")) == "a dog barks on the left; rain falls at the back"
    )


@pytest.mark.parametrize("phrasing", EVERYWHERE, ids=lambda phrasing: phrasing.template)
@pytest.mark.parametrize("sector", range(8))
def test_attributes_do_not_change_what_is_read_of_the_place(phrasing: Phrasing, sector: int) -> None:
    words = [(None, *ATTRIBUTES[name]) for name in ATTRIBUTES if name != "elevation"]
    names = [name for name in ATTRIBUTES if name != "elevation"]
    for chosen in product(*words):
        attributes = {name: word for name, word in zip(names, chosen, strict=True) if word}
        said = parse_direction(
            describe([Part(caption="A dog barks.", sector=sector, attributes=attributes)], phrasing=phrasing)
        )
        assert said is not None
        assert (said.sector, said.elevation) == (SECTORS[sector], None)


@pytest.mark.parametrize("vocabulary", VOCABULARY_SHARES)
@pytest.mark.parametrize(("start", "end"), [(0, 4), (2, 6), (7, 1)])
def test_a_way_names_both_ends(vocabulary: str, start: int, end: int) -> None:
    part = Part(caption="A car passes.", sector=start, end_sector=end)
    text = describe([part], phrasing=Phrasing("{sentence} {at}.", vocabulary))
    out, way = text.split(", moving ")
    assert out == "A car passes"
    first, last = way.replace(" towards ", " to ").split(" to ")
    assert parse_direction(first).sector == SECTORS[start]  # type: ignore[union-attr]
    assert parse_direction(f"from the {last}" if vocabulary != "clock" else f"at {last}").sector == SECTORS[end]  # type: ignore[union-attr]


def test_captions_are_joined() -> None:
    assert joined(["A dog barks."]) == "A dog barks."
    assert joined(["A dog barks.", "Rain falls"]) == "A dog barks and rain falls."
    assert joined(["A dog barks!", "I speak.", "An owl"]) == "A dog barks, I speak and an owl."
    with pytest.raises(InputError, match="no caption to join"):
        joined([])


def test_exchanged_sounds_keep_their_captions() -> None:
    assert [(part.caption, part.sector) for part in exchanged([DOG, RAIN])] == [("A dog barks.", 4), ("Rain falls", 2)]
    moving = Part(caption="A car.", sector=6, end_sector=2)
    assert exchanged([DOG, moving])[0].end_sector == 2


def test_the_parts_of_sources() -> None:
    still = Source(sound_id="dog", caption="A dog.", azimuth_deg=90.0, elevation_deg=0.0, distance_m=1.0)
    assert part_of(still) == Part(caption="A dog.", sector=2)
    assert part_of(still, caption="A hound.", attributes={"level": "loud"}).caption == "A hound."
    path = [Waypoint(0.0, 0.0, 0.0, 1.0), Waypoint(1.0, 88.0, 0.0, 1.0)]
    moving = Source.along(path, sound_id="dog", caption="A dog.")
    assert part_of(moving) == Part(caption="A dog.", sector=0, end_sector=2)
    short = Source.along([path[0], path[1]._replace(azimuth_deg=10.0)], sound_id="dog", caption="A dog.")
    assert part_of(short).end_sector is None


def test_sentences_about_attributes_are_about_nothing_else() -> None:
    for attribute, words in ATTRIBUTE_SENTENCES.items():
        assert tuple(words) == ATTRIBUTES[attribute]
        for sentences in words.values():
            assert len(set(sentences)) >= 3
            assert not any(holds_place_words(sentence) for sentence in sentences)
