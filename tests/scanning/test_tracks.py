"""Tracks of sightings that were made up: who keeps which number, and when stretches begin and end."""

import numpy as np

from salm.frame import unit_vector
from salm.scanning.sightings import Sighting, Tick
from salm.scanning.tracks import LONGEST_S, Stretch, Tracker

STRONG, FAINT = 0.9, 0.2
BY_CHANCE = 0.1


def tick(*azimuths_deg: float, share: float = STRONG, level_db: float = -30.0) -> Tick:
    return Tick(level_db, tuple(Sighting(unit_vector(azimuth), share, BY_CHANCE) for azimuth in azimuths_deg))


def tracked(*ticks: Tick) -> list[Stretch]:
    tracker = Tracker()
    return [*tracker.of(ticks), *tracker.rest()]


def spans(stretches: list[Stretch]) -> list[tuple[int, int, int]]:
    return [(stretch.track, stretch.start, stretch.stop) for stretch in stretches]


def test_it_starts_where_a_place_is_clear_and_goes_on_while_it_is_faint() -> None:
    faint = tick(20, share=FAINT)
    assert spans(tracked(tick(), faint, tick(20), faint, faint, tick())) == [(0, 2, 5)]


def test_a_short_pause_is_within_an_event_and_a_long_one_is_between_two_of_the_same_track() -> None:
    pause = [tick()] * 5
    assert spans(tracked(tick(20), *pause, tick(25), *pause, tick(), tick(22))) == [(0, 0, 7), (0, 13, 14)]


def test_what_returns_after_half_a_minute_or_from_elsewhere_is_another_track() -> None:
    minute = [tick()] * 400
    assert spans(tracked(tick(20), *minute, tick(20))) == [(0, 0, 1), (1, 401, 402)]
    assert spans(tracked(tick(20), *minute[:50], tick(60))) == [(0, 0, 1), (1, 51, 52)]


def test_a_source_that_moves_around_keeps_its_track() -> None:
    (stretch,) = tracked(*(tick(2.0 * i) for i in range(180)))
    assert spans([stretch]) == [(0, 0, 180)]
    np.testing.assert_allclose(stretch.vectors[90], unit_vector(180.0), atol=1e-9)


def test_two_at_once_are_two_tracks_that_know_of_each_other() -> None:
    alone, both = tick(80), tick(80, -40)
    stretches = sorted(tracked(alone, alone, both, both, alone, alone, alone, alone, alone, alone))
    assert spans(stretches) == [(0, 0, 10), (1, 2, 4)]
    assert stretches[1].company == 1.0
    assert 0 < stretches[0].company < 1


def test_two_that_meet_do_not_become_three() -> None:
    approach = [tick(40 - i, -40 + i) for i in range(36)]
    assert {stretch.track for stretch in tracked(*approach)} == {0, 1}


def test_what_is_below_the_gate_is_silence() -> None:
    assert tracked(tick(0, level_db=-71.0)) == []


def test_what_lasts_is_told_in_pieces_of_one_track() -> None:
    longest = round(LONGEST_S * 10)
    expected = [(0, 0, longest), (0, longest, 2 * longest), (0, 2 * longest, 2 * longest + 7)]
    assert spans(tracked(*[tick(10)] * (2 * longest + 7))) == expected
    assert spans(tracked(*[tick(10)] * longest)) == [(0, 0, longest)]


def test_a_stretch_knows_what_had_been_looked_at_when_it_ended() -> None:
    (ended, goes_on) = tracked(tick(20), *[tick()] * 20, tick(100), tick(100))
    assert (ended.stop, ended.known) == (1, 7)
    assert (goes_on.stop, goes_on.known) == (23, 23)


def test_what_trembles_stands_and_what_goes_somewhere_does_not(rng: np.random.Generator) -> None:
    (trembles,) = tracked(*(tick(rng.uniform(-12, 12)) for _ in range(100)))
    assert trembles.stands
    (moves,) = tracked(*(tick(0.5 * i) for i in range(100)))
    assert not moves.stands
    np.testing.assert_allclose(moves.path[50], unit_vector(25.0), atol=1e-3)


def test_in_pauses_the_direction_stays_and_has_no_weight() -> None:
    (stretch,) = tracked(tick(10), tick(), tick(12))
    np.testing.assert_allclose(stretch.vectors, [unit_vector(10.0), unit_vector(10.0), unit_vector(12.0)])
    assert stretch.weights.tolist() == [STRONG, 0, STRONG]
