"""Attributes: the words on both sides of every threshold."""

from dataclasses import replace

import pytest

from salm.acoustics.room import Room
from salm.scenes.attributes import ATTRIBUTES, attributes_of
from salm.scenes.scene import Scene, Source


def room(*, floor_m2: float = 75.0, absorption: float = 0.3) -> Room:
    size = (10.0, floor_m2 / 10, 4.0)
    return Room(size_m=size, absorption=[[absorption] * 8] * 6, microphone_m=[side / 2 for side in size])


def scene(place: Room | None = None, **source: float) -> Scene:
    values = {"azimuth_deg": 0.0, "elevation_deg": 0.0, "distance_m": 1.5} | source
    return Scene(seed=0, sources=(Source(sound_id="dog", caption="A dog.", **values),), room=place or room())


@pytest.mark.parametrize(
    ("changes", "attribute", "word"),
    [
        ({"elevation_deg": 40.1}, "elevation", "above"),
        ({"elevation_deg": 40.0}, "elevation", None),
        ({"elevation_deg": -40.1}, "elevation", "below"),
        ({"distance_m": 0.99}, "distance", "near"),
        ({"distance_m": 1.0}, "distance", None),
        ({"distance_m": 2.0}, "distance", None),
        ({"distance_m": 2.01}, "distance", "far"),
        ({"gain_db": -10.1}, "level", "quiet"),
        ({"gain_db": 10.1}, "level", "loud"),
        ({"gain_db": 0.0}, "level", None),
        ({"place": room(floor_m2=49.9)}, "room", "small"),
        ({"place": room(floor_m2=50.1)}, "room", None),
        ({"place": room(floor_m2=100.1)}, "room", "large"),
        ({"place": room(absorption=0.05)}, "reverberation", "reverberant"),
        ({"place": room(absorption=0.3)}, "reverberation", None),
        ({"place": room(absorption=0.9)}, "reverberation", "dry"),
    ],
)
def test_words_at_the_thresholds(changes: dict[str, object], attribute: str, word: str | None) -> None:
    assert attributes_of(scene(**changes)).get(attribute) == word  # type: ignore[arg-type]
    assert word is None or word in ATTRIBUTES[attribute]


def test_the_rooms_of_the_thresholds_reverberate_as_their_words_say() -> None:
    """By Eyring without air, apart from the room's own formula."""
    import math

    for absorption, low, high in ((0.05, 1.0, 9.9), (0.3, 0.2, 1.0), (0.9, 0.0, 0.2)):
        surface, volume = 2 * (75 + 10 * 4 + 7.5 * 4), 300.0
        assert low < 0.161 * volume / (-surface * math.log(1 - absorption)) < high


def test_what_is_not_known_is_not_said() -> None:
    free = replace(scene(), room=None)
    assert attributes_of(free) == {"reverberation": "dry"}
    source = replace(free.sources[0], response_id="1", distance_m=None)
    assert attributes_of(replace(free, sources=(source,), responses="made")) == {}


def test_another_source_can_be_asked_for() -> None:
    both = scene()
    far = replace(both.sources[0], distance_m=3.0)
    both = replace(both, sources=(*both.sources, far))
    assert "distance" not in attributes_of(both)
    assert attributes_of(both, far)["distance"] == "far"
