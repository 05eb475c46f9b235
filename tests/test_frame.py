"""The frame of reference, against definitions written out independently of it."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salm import frame
from salm.errors import InputError
from salm.frame import (
    SECTORS,
    VOCABULARIES,
    WINDS,
    Direction,
    angle_between_deg,
    azimuth_elevation,
    direction_word,
    elevation_band,
    parse_direction,
    relative_to_front,
    sector_centre_deg,
    sector_index,
    sector_indices,
    unit_vector,
    wrap_deg,
)

azimuths = st.floats(-180, 180, exclude_min=True)
elevations = st.floats(-89.9, 89.9)
angles = st.floats(-1e6, 1e6)
sectors = st.integers(0, 7)
winds = st.sampled_from(WINDS)
vectors = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=3, max_size=3).map(np.array)

# Compass bearings of the winds, clockwise from north: written out, not taken from the order in the module.
BEARINGS_DEG = {"north": 0, "northeast": 45, "east": 90, "southeast": 135}
BEARINGS_DEG |= {"south": 180, "southwest": 225, "west": 270, "northwest": 315}


# Relative bearings of a ship, clockwise from ahead, as seamen use them: port is the left of who looks ahead.
ABOARD_DEG = {"ahead": 0, "starboard bow": 45, "starboard": 90, "starboard quarter": 135}
ABOARD_DEG |= {"astern": 180, "port quarter": 225, "port": 270, "port bow": 315}


def bearing_deg(word: str, vocabulary: str) -> float:
    """Clockwise angle of a word from north, from ahead or from twelve."""
    if vocabulary != "clock":
        return (BEARINGS_DEG if vocabulary == "compass" else ABOARD_DEG)[word]
    if word.startswith("half past"):
        return 30 * int(word.split()[-1]) + 15
    return 30 * int(word.split()[0]) % 360


# Vectors and angles


@pytest.mark.parametrize(
    ("azimuth_deg", "elevation_deg", "vector"),
    [(0, 0, (1, 0, 0)), (90, 0, (0, 1, 0)), (180, 0, (-1, 0, 0)), (-90, 0, (0, -1, 0)), (0, 90, (0, 0, 1))],
)
def test_axes_are_front_left_up(azimuth_deg: float, elevation_deg: float, vector: tuple[float, ...]) -> None:
    np.testing.assert_allclose(unit_vector(azimuth_deg, elevation_deg), vector, atol=1e-15)


@given(azimuths, elevations)
def test_vector_and_angles_round_trip(azimuth_deg: float, elevation_deg: float) -> None:
    azimuth, elevation = azimuth_elevation(unit_vector(azimuth_deg, elevation_deg))
    assert abs(wrap_deg(float(azimuth) - azimuth_deg)) < 1e-9
    assert float(elevation) == pytest.approx(elevation_deg, abs=1e-9)


def test_arrays_broadcast_and_keep_their_shape() -> None:
    directions = unit_vector(np.zeros((4, 1)), np.zeros(3))
    azimuth, elevation = azimuth_elevation(directions)
    assert directions.shape == (4, 3, 3)
    assert azimuth.shape == elevation.shape == (4, 3)
    assert sector_indices(azimuth).shape == (4, 3)


def test_behind_is_plus_180_whatever_the_sign_of_zero() -> None:
    azimuth, _ = azimuth_elevation(np.array([[-1.0, -0.0, 0.0], [-1.0, 0.0, 0.0]]))
    assert azimuth.tolist() == [180.0, 180.0]


@given(angles)
def test_wrapping_keeps_the_angle_and_stays_in_range(angle_deg: float) -> None:
    wrapped = wrap_deg(angle_deg)
    assert -180 < wrapped <= 180
    turns = (angle_deg - wrapped) / 360
    assert turns == pytest.approx(round(turns), abs=1e-9)
    assert wrap_deg(wrapped) == wrapped


@given(azimuths)
def test_wrapping_leaves_what_is_in_range_untouched(azimuth_deg: float) -> None:
    assert wrap_deg(azimuth_deg) == azimuth_deg


def test_wrapping_sends_minus_180_to_plus_180() -> None:
    assert wrap_deg(np.array([-180.0, 180.0, 540.0, -540.0])).tolist() == [180.0] * 4


@given(vectors, vectors)
def test_angle_between_is_never_nan(a: np.ndarray, b: np.ndarray) -> None:
    assert 0 <= float(angle_between_deg(a, b)) <= 180


@given(azimuths, elevations, st.floats(0, 180), st.floats(1e-3, 1e3))
def test_angle_between_is_the_angle_of_a_rotation_in_a_plane(
    azimuth_deg: float, elevation_deg: float, apart_deg: float, length: float
) -> None:
    a = unit_vector(azimuth_deg, elevation_deg)
    across = unit_vector(azimuth_deg + 90)
    b = math.cos(math.radians(apart_deg)) * a + math.sin(math.radians(apart_deg)) * across
    assert float(angle_between_deg(a, length * b)) == pytest.approx(apart_deg, abs=1e-6)


def test_small_angles_are_exact_where_an_arc_cosine_would_give_zero() -> None:
    assert float(angle_between_deg(unit_vector(0), unit_vector(1e-7))) == pytest.approx(1e-7, rel=1e-6)


def test_a_vector_without_length_is_90_degrees_from_everything() -> None:
    assert angle_between_deg(np.zeros(3), np.eye(3)).tolist() == [90.0] * 3


@given(azimuths, azimuths)
def test_what_the_listener_faces_is_in_front(azimuth_deg: float, front_deg: float) -> None:
    assert relative_to_front(front_deg, front_deg) == 0
    turned = unit_vector(relative_to_front(azimuth_deg, front_deg))
    # Scalar and cross product with the facing are the front and left coordinates in the listener's own frame.
    facing, sound = unit_vector(front_deg)[:2], unit_vector(azimuth_deg)[:2]
    left = facing[0] * sound[1] - facing[1] * sound[0]
    np.testing.assert_allclose(turned[:2], [facing @ sound, left], atol=1e-12)


def test_the_left_of_someone_who_faces_left_is_behind() -> None:
    assert relative_to_front(np.array([180.0, 90.0, 0.0]), 90.0).tolist() == [90.0, 0.0, -90.0]


# Sectors and bands


@given(st.lists(angles, min_size=1))
def test_arrays_of_angles_are_treated_one_by_one(angles_deg: list[float]) -> None:
    array = np.array(angles_deg)
    assert wrap_deg(array).tolist() == [wrap_deg(angle) for angle in angles_deg]
    assert sector_indices(array).tolist() == [sector_index(angle) for angle in angles_deg]
    assert sector_centre_deg(sector_indices(array)).tolist() == [
        sector_centre_deg(sector_index(angle)) for angle in angles_deg
    ]


@given(angles)
def test_wrapping_rounds_nothing(angle_deg: float) -> None:
    assert (Fraction(angle_deg) - Fraction(wrap_deg(angle_deg))) % 360 == 0


@given(azimuths)
def test_a_sector_is_the_nearest_centre(azimuth_deg: float) -> None:
    distances = [abs(wrap_deg(azimuth_deg - sector_centre_deg(i))) for i in range(8)]
    nearest = int(np.argmin(distances))
    if sorted(distances)[1] - distances[nearest] > 1e-9:
        assert sector_index(azimuth_deg) == nearest


@given(sectors)
def test_a_border_belongs_to_the_counter_clockwise_sector(sector: int) -> None:
    border_deg = 45.0 * sector - 22.5
    assert sector_index(border_deg) == sector
    assert sector_index(border_deg - 1e-9) == (sector - 1) % 8
    assert sector_index(wrap_deg(border_deg)) == sector


def test_every_azimuth_has_one_sector_and_all_sectors_are_alike() -> None:
    indices = sector_indices(np.arange(-180, 180, 0.5))
    assert np.bincount(indices).tolist() == [90] * 8
    assert [SECTORS[sector_index(a)] for a in (0, 45, 90, 135, 180, -135, -90, -45)] == list(SECTORS)


@pytest.mark.parametrize(
    ("elevation_deg", "band"), [(20, "above"), (19.9, "level"), (0, "level"), (-19.9, "level"), (-20, "below")]
)
def test_elevation_bands(elevation_deg: float, band: str) -> None:
    assert elevation_band(elevation_deg) == band


# Words


def test_left_of_front_is_counter_clockwise() -> None:
    """A mirrored map agrees with itself; only a fact from outside can tell: looking along +x, +y is on the left."""
    assert unit_vector(sector_centre_deg(SECTORS.index("left")))[1] == pytest.approx(1)
    assert direction_word(2, vocabulary="compass") == "west"
    assert direction_word(2, vocabulary="compass", facing="south") == "east"
    assert direction_word(2, vocabulary="clock") == "9 o'clock"
    assert direction_word(2, vocabulary="nautical") == "port"


def test_facing_south_is_the_compass_of_the_papers_code_line() -> None:
    words = [direction_word(s, vocabulary="compass", facing="south") for s in range(8)]
    expected = ["south", "southeast", "east", "northeast", "north", "northwest", "west", "southwest"]
    assert words == expected


def rotation_of(words: list[str], vocabulary: str) -> set[float]:
    """Bearing plus azimuth of every word: one number if and only if the words run round as azimuth does."""
    return {(bearing_deg(word, vocabulary) + 45 * sector) % 360 for sector, word in enumerate(words)}


@pytest.mark.parametrize("facing", WINDS)
def test_compass_is_a_proper_rotation(facing: str) -> None:
    words = [direction_word(s, vocabulary="compass", facing=facing) for s in range(8)]
    assert rotation_of(words, "compass") == {BEARINGS_DEG[facing]}


@pytest.mark.parametrize("vocabulary", ["clock", "nautical"])
def test_clock_and_ship_are_proper_rotations(vocabulary: str) -> None:
    assert rotation_of([direction_word(s, vocabulary=vocabulary) for s in range(8)], vocabulary) == {0}


@pytest.mark.parametrize("vocabulary", ["compass", "clock", "nautical"])
def test_a_mirrored_map_is_found_out(vocabulary: str) -> None:
    mirrored = [direction_word(-s % 8, vocabulary=vocabulary) for s in range(8)]
    assert len(rotation_of(mirrored, vocabulary)) > 1


def test_mirrored_listener_words_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    swapped = {"left": "right", "right": "left"}
    mirrored = tuple(" ".join(swapped.get(part, part) for part in word.split()) for word in SECTORS)
    monkeypatch.setattr(frame, "SECTORS", mirrored)
    said = [parse_direction(direction_word(sector)) for sector in range(8)]
    assert [p.azimuth_deg for p in said if p] != [sector_centre_deg(sector) for sector in range(8)]


@given(sectors, st.sampled_from(VOCABULARIES), winds)
def test_words_round_trip(sector: int, vocabulary: str, facing: str) -> None:
    said = parse_direction(direction_word(sector, vocabulary=vocabulary, facing=facing), facing=facing)
    assert said is not None
    assert said.azimuth_deg == sector_centre_deg(sector)
    assert said.sector == SECTORS[sector]
    # Ahead is a word of both.
    assert said.vocabulary == ("listener" if (vocabulary, sector) == ("nautical", 0) else vocabulary)


@given(azimuths, elevations, st.sampled_from(VOCABULARIES), winds)
def test_a_spoken_direction_is_read_back(
    azimuth_deg: float, elevation_deg: float, vocabulary: str, facing: str
) -> None:
    direction = Direction(azimuth_deg, elevation_deg)
    said = parse_direction(direction.spoken(vocabulary=vocabulary, facing=facing), facing=facing)
    assert said is not None
    assert said.azimuth_deg is not None
    assert (said.elevation or "level") == elevation_band(elevation_deg)
    # The clock speaks to the nearest hour, the others to the sector.
    assert abs(wrap_deg(said.azimuth_deg - azimuth_deg)) <= (15 if vocabulary == "clock" else 22.5) + 1e-9


@given(sectors, st.sampled_from(["{}", "a gull {}", "move it {}", "{} and high, a bell"]), st.booleans())
def test_ships_words_mean_what_the_listeners_mean(sector: int, frame_: str, to: bool) -> None:
    word = direction_word(sector, vocabulary="nautical")
    listener = f"{'to' if to else 'from'} the {SECTORS[sector]}"
    lead = (
        "" if word == "ahead" else ("to " if to else "from ") if word in ("port", "starboard", "astern") else "off the "
    )
    said, meant = parse_direction(frame_.format(lead + word)), parse_direction(frame_.format(listener))
    assert said is not None
    assert meant is not None
    assert (said.azimuth_deg, said.elevation) == (meant.azimuth_deg, meant.elevation)


@pytest.mark.parametrize(
    ("text", "azimuth_deg"),
    [
        ("a winch on the port side", 90),
        ("rain from starboard", -90),
        ("waves on the starboard beam", -90),
        ("hard to port", 90),
        ("a bell ahead to port", 45),
        ("oars astern of us", 180),
        ("voices to port of me", 90),
        ("30 degrees to starboard", -30),
        ("45° to port", 45),
    ],
)
def test_ships_words_as_people_say_them(text: str, azimuth_deg: float) -> None:
    said = parse_direction(text)
    assert said is not None
    assert said.azimuth_deg == azimuth_deg


@pytest.mark.parametrize(
    "text",
    [
        "a ship enters the port",
        "gulls in the port",
        "a ferry in port",
        "fishing boats return to port",
        "a bottle of port",
        "port city",
        "an engine running full astern",
        "waves hit the port side of the ship",
        "two boats pass port to port",
    ],
)
def test_harbours_and_the_ships_own_sides_are_no_directions(text: str) -> None:
    assert parse_direction(text) is None


@given(st.integers(1, 12))
def test_clock_hours_are_30_degrees_clockwise(hour: int) -> None:
    said = parse_direction(f"a car at {hour} o'clock")
    assert said is not None
    assert said.azimuth_deg == wrap_deg(-30 * hour)


@pytest.mark.parametrize(
    ("text", "azimuth_deg", "elevation"),
    [
        ("dog from the left", 90, None),
        ("dog barking left", 90, None),
        ("thunder that is behind and high", 180, "above"),
        ("on my left-hand side", 90, None),
        ("to the left of me", 90, None),
        ("in front of me", 0, None),
        ("straight ahead", 0, None),
        ("rear", 180, None),
        ("right behind me", 180, None),
        ("front-left", 45, None),
        ("Ahead on the right", -45, None),
        ("behind you, slightly to the left", 135, None),
        ("back and to the right", -135, None),
        ("north-west", 45, None),
        ("to the South East", -135, None),
        ("three o'clock", -90, None),
        ("half past ten", 45, None),
        ("at 10:30", 45, None),
        ("12 o'clock high", 0, "above"),
        ("60 degrees to the left", 60, None),
        ("30° to the right of the listener", -30, None),
        ("azimuth -90", -90, None),
        ("at 45 degrees", 45, None),
        ("at −120°", -120, None),
        ("at 200 degrees", -160, None),
        ("helicopter overhead", None, "above"),
        ("bird high up on the right", -90, "above"),
        ("low on the right", -90, "below"),
        ("directly above me", None, "above"),
        ("at ear level", None, "level"),
        ("elevation -30", None, "below"),
    ],
)
def test_what_people_say(text: str, azimuth_deg: float | None, elevation: str | None) -> None:
    said = parse_direction(text)
    assert said is not None
    assert (said.azimuth_deg, said.elevation) == (azimuth_deg, elevation)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "copyright",
        "leftover food",
        "background noise",
        "a car backfires",
        "all right",
        "turn right now",
        "a guest slams the back door",
        "footsteps come from the back yard",
        "in front of a house",
        "somewhere behind a wall",
        "on the left side of the road",
        "the front left wheel squeaks",
        "a high voice",
        "a low rumble",
        "birds sing with high clear notes.",
        "someone has left",
        "the man left the room",
        "a ball bounces back",
        "North American birds",
        "a west wind howls",
        "the clock strikes three o'clock",
        "an alarm clock rings",
        "water at 100 degrees celsius",
        "a highway",
        "upright bass",
    ],
)
def test_words_inside_words_and_idioms_are_no_places(text: str) -> None:
    assert parse_direction(text) is None


def test_numbers_of_elevation_are_kept() -> None:
    said = parse_direction("30 degrees up, at 20 degrees")
    assert said is not None
    assert (said.azimuth_deg, said.elevation_deg, said.elevation) == (20, 30, "above")


def test_spans_are_where_the_words_are() -> None:
    text = "From above, a dog barks on the left."
    said = parse_direction(text)
    assert said is not None
    assert [text[start:stop] for start, stop in said.spans] == ["From above", "on the left"]


@pytest.mark.parametrize("text", ["left and right", "a dog on the left and a cat behind", "above and below"])
def test_several_directions_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="names several directions"):
        parse_direction(text)


def test_the_same_direction_twice_is_one() -> None:
    said = parse_direction("on the left, at 9 o'clock, in the west")
    assert said is not None
    assert said.azimuth_deg == 90


@given(st.text(alphabet=st.sampled_from(" -,.'’°:0123456789abcdefghiklmnoprstuvw\n"), max_size=40))
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    message = ""
    try:
        said = parse_direction(text)
    except InputError as error:
        message, said = str(error), None
    assert "\n" not in message
    assert said is None or said.spans


# Direction


@given(azimuths, elevations)
def test_direction_and_its_vector(azimuth_deg: float, elevation_deg: float) -> None:
    direction = Direction(azimuth_deg, elevation_deg)
    again = Direction.from_vector(3 * direction.vector)
    assert float(angle_between_deg(direction.vector, again.vector)) < 1e-9
    assert direction.sector == SECTORS[sector_index(azimuth_deg)]


def test_direction_wraps_its_azimuth_and_speaks() -> None:
    assert Direction(-270).azimuth_deg == 90
    assert Direction(50, 30).spoken() == "front left, above"
    assert Direction(60).spoken(vocabulary="clock") == "10 o'clock"
    assert Direction(60).spoken(vocabulary="compass", facing="east") == "northeast"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Direction(0, 91), "between -90 and 90"),
        (lambda: Direction(float("nan")), "is no direction"),
        (lambda: Direction.from_vector(np.zeros(3)), "has no direction"),
        (lambda: direction_word(8), "there are eight"),
        (lambda: direction_word(0, vocabulary="body"), "listener, compass, clock, nautical"),
        (lambda: direction_word(0, vocabulary="compass", facing="up"), "must be one of north"),
        (lambda: parse_direction("left", facing="up"), "must be one of north"),
        (lambda: parse_direction("elevation 120"), "between -90 and 90"),
    ],
)
def test_wrong_input_is_named(wrong, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=message):
        wrong()


def test_a_text_that_would_take_minutes_is_refused() -> None:
    with pytest.raises(InputError, match=r"has 20000 characters; use at most 1000"):
        parse_direction("from " * 4_000)
