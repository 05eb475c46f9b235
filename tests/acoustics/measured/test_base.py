"""Sets of responses by id, room and rate."""

from collections.abc import Callable

import numpy as np
import pytest

from salm.acoustics.measured.base import MeasuredResponse, ResponseSet
from salm.acoustics.measured.direct import direct_vector, levelled, onset
from salm.acoustics.render import convolve
from salm.audio.formats import encode_plane_wave
from salm.errors import InputError
from salm.frame import angle_between_deg, unit_vector


def item(name: str, azimuth_deg: float = 0.0, **values: object) -> MeasuredResponse:
    return MeasuredResponse(
        id=name, room=str(values.pop("room", "hall")), azimuth_deg=azimuth_deg, elevation_deg=0.0, **values
    )


def made(*items: MeasuredResponse, read: Callable[[str], tuple[np.ndarray, int]] | None = None) -> ResponseSet:
    return ResponseSet(name="made", items=items, reader=read or (lambda _: (np.ones((4, 8), np.float32), 48_000)))


def test_a_response_keeps_its_gain_at_another_rate() -> None:
    click = np.zeros(4800, np.float32)
    click[1000] = 1.0
    responses = made(item("a"), read=lambda _: (encode_plane_wave(click, 90.0), 48_000))
    sound_hz = np.sin(2 * np.pi * 500 * np.arange(24_000) / 24_000).astype(np.float32)
    wet = convolve(sound_hz, responses.read("a", rate_hz=24_000)[None])[0, 0, 2000:]
    assert np.sqrt(np.mean(wet**2)) == pytest.approx(np.sqrt(0.5), rel=1e-3)
    assert np.argmax(responses.read("a", rate_hz=24_000)[0]) == 500


def test_rooms_and_sectors() -> None:
    responses = made(item("a", 0.0), item("b", 44.0), item("c", 46.0, room="gym"))
    assert {room: sorted(sectors) for room, sectors in responses.by_room.items()} == {"hall": [0, 1], "gym": [1]}
    assert [kept.id for kept in responses.select(rooms=["gym"]).items] == ["c"]
    with pytest.raises(InputError, match="has no room 'attic'; it has gym, hall"):
        responses.select(rooms=["attic"])


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="has no responses"):
        made()
    with pytest.raises(InputError, match="has the response a twice"):
        made(item("a"), item("b"), item("a"))
    with pytest.raises(InputError, match="has no response 'z'; its ids are such as 'a'"):
        made(item("a")).read("z")
    with pytest.raises(InputError, match="no direction"):
        item("a", np.nan)
    with pytest.raises(InputError, match="must be positive"):
        item("a", distance_m=0.0)
    with pytest.raises(InputError, match="holds what is no number"):
        made(item("a"), read=lambda _: (np.full((4, 8), np.nan, np.float32), 48_000)).read("a")


def test_levels_are_those_of_simulated_responses() -> None:
    click = np.zeros(2400, np.float32)
    click[500] = 0.02
    click[1500] = 0.01
    loud = levelled(encode_plane_wave(click, 30.0), rate_hz=24_000, distance_m=2.0)
    assert loud[0, 500] == pytest.approx(0.5)
    assert loud[0, 1500] == pytest.approx(0.25)
    assert not levelled(np.zeros((4, 100), np.float32), rate_hz=24_000).any()


def test_the_direct_sound_is_found_before_louder_walls_have_their_say() -> None:
    click = np.zeros(2400, np.float32)
    click[500] = 1.0
    response = encode_plane_wave(click, 30.0, 20.0) + np.roll(encode_plane_wave(0.9 * click, -100.0), 200, axis=1)
    assert onset(response) == 500
    assert angle_between_deg(direct_vector(response, rate_hz=24_000), unit_vector(30.0, 20.0)) < 2.0
