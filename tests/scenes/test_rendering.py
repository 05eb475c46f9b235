"""What the rendering of scenes owes to physics."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from salm.acoustics.measured.base import MeasuredResponse, ResponseSet
from salm.acoustics.room import Room
from salm.audio.formats import encode_plane_wave
from salm.audio.window import fit_to_window
from salm.errors import InputError
from salm.frame import angle_between_deg, unit_vector
from salm.scenes.corpora.base import Corpus
from salm.scenes.rendering import render_piece, render_scene
from salm.scenes.scene import Ambience, Scene, Source, Waypoint

RATE_HZ = 24_000
C_M_S = 343.0
# Columns of (W, Y, Z, X) that hold x, y and z.
XYZ = [3, 1, 2]


def room() -> Room:
    return Room(size_m=(7.0, 6.0, 3.2), absorption=[[0.3] * 8] * 6, microphone_m=(3.4, 3.1, 1.6))


def dog(azimuth_deg: float = 40.0, elevation_deg: float = -10.0, **values: object) -> Source:
    values = {"distance_m": 1.5} | values
    return Source(
        sound_id="dog", caption="A dog barks.", azimuth_deg=azimuth_deg, elevation_deg=elevation_deg, **values
    )


def bell(azimuth_deg: float = -120.0, elevation_deg: float = 25.0, **values: float) -> Source:
    return replace(dog(azimuth_deg, elevation_deg, **values), sound_id="bell", caption="A bell.")


@pytest.fixture
def corpus(toy_corpus: Callable[..., Corpus], rng: np.random.Generator) -> Corpus:
    """A dog that barks noise for a quarter of a second, a bell for twice as long, and a click."""
    click = np.zeros(6000)
    click[0] = 0.5
    return toy_corpus(
        {"dog": 0.1 * rng.standard_normal(6000), "bell": 0.1 * rng.standard_normal(12_000), "click": click}
    )


def level_db(samples: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(samples.astype(np.float64)))))


FULL = Scene(
    seed=7, sources=(dog(start_s=0.1), bell(gain_db=-6.5)), room=room(), duration_s=0.75, noise_db=-48.123456789
)


MEASURED = Scene(seed=7, sources=(dog(40.0, 0.0, distance_m=None, response_id="hall/1"),), responses="made")


def test_rendering_twice_gives_the_same_bits(corpus: Corpus) -> None:
    np.testing.assert_array_equal(render_scene(FULL, corpus), render_scene(FULL, corpus))


def test_another_seed_gives_other_noise_and_another_tail(corpus: Corpus) -> None:
    quiet = replace(FULL, noise_db=None)
    for scene in (FULL, quiet):
        assert not np.array_equal(render_scene(scene, corpus), render_scene(replace(scene, seed=8), corpus))


def test_the_free_field_is_a_plane_wave(corpus: Corpus) -> None:
    azimuth, elevation = np.deg2rad(40.0), np.deg2rad(-10.0)
    wave = [1, np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)]
    rendered = render_scene(Scene(seed=1, sources=(dog(),)), corpus)
    assert rendered.dtype == np.float32
    np.testing.assert_allclose(rendered, np.outer(wave, corpus.audio("dog")), atol=1e-7)


def test_sources_add_up_in_the_free_field(corpus: Corpus) -> None:
    both = render_scene(Scene(seed=1, sources=(dog(), bell()), duration_s=0.5), corpus)
    each = [render_scene(Scene(seed=1, sources=(source,), duration_s=0.5), corpus) for source in (dog(), bell())]
    np.testing.assert_allclose(both, each[0] + each[1], atol=1e-6)


def test_sources_add_up_in_a_room(corpus: Corpus) -> None:
    # A source's tail depends on its place in the list, so the absent one is there without a level.
    mute = -400.0
    both = Scene(seed=1, sources=(dog(), bell()), room=room(), duration_s=0.5)
    first = replace(both, sources=(dog(), bell(gain_db=mute)))
    second = replace(both, sources=(dog(gain_db=mute), bell()))
    wanted = render_scene(first, corpus) + render_scene(second, corpus)
    np.testing.assert_allclose(render_scene(both, corpus), wanted, atol=1e-6)


def test_a_source_does_not_hear_those_after_it(corpus: Corpus) -> None:
    alone = Scene(seed=1, sources=(dog(),), room=room(), duration_s=0.5)
    followed = replace(alone, sources=(dog(), bell(gain_db=-400.0)))
    np.testing.assert_allclose(render_scene(followed, corpus), render_scene(alone, corpus), atol=1e-7)


@pytest.mark.parametrize("place", [None, room()], ids=["free field", "room"])
def test_gain_is_in_decibels(corpus: Corpus, place: Room | None) -> None:
    loud, soft = (
        render_scene(Scene(seed=1, sources=(dog(gain_db=gain),), room=place), corpus) for gain in (0.0, -20.0)
    )
    np.testing.assert_allclose(soft, 0.1 * loud, rtol=1e-5, atol=1e-8)


def test_a_later_start_delays_the_sound(corpus: Corpus) -> None:
    at_once = render_scene(Scene(seed=1, sources=(dog(),), duration_s=0.5), corpus)
    later = render_scene(Scene(seed=1, sources=(dog(start_s=0.1),), duration_s=0.5), corpus)
    assert not later[:, :2400].any()
    np.testing.assert_array_equal(later[:, 2400:], at_once[:, :-2400])


@pytest.mark.parametrize("noise_db", [-50.0, -20.0, 0.0])
def test_noise_has_the_asked_level_in_every_channel(corpus: Corpus, noise_db: float) -> None:
    clean = Scene(seed=1, sources=(dog(), bell()), room=room())
    signal = render_scene(clean, corpus)
    noise = render_scene(replace(clean, noise_db=noise_db), corpus) - signal
    for channel in noise:
        # 12,000 samples know their level to 0.06 dB: five deviations.
        assert level_db(channel) - level_db(signal[0]) == pytest.approx(noise_db, abs=0.3)


def test_noise_is_white_and_independent_between_channels(corpus: Corpus) -> None:
    clean = Scene(seed=1, sources=(bell(),))
    noise = render_scene(replace(clean, noise_db=0.0), corpus) - render_scene(clean, corpus)
    assert np.abs(np.corrcoef(noise) - np.eye(4)).max() < 5 / np.sqrt(noise.shape[1])
    low, high = np.split(np.square(np.abs(np.fft.rfft(noise)[:, 1:])), 2, axis=1)
    assert low.mean() == pytest.approx(high.mean(), rel=0.1)


def test_no_noise_over_silence(toy_corpus: Callable[..., Corpus]) -> None:
    silent = toy_corpus({"dog": np.zeros(1000)})
    assert not render_scene(Scene(seed=1, sources=(dog(),), noise_db=0.0), silent).any()


DIRECTIONS = [(0, 0), (37, 20), (90, -20), (135, 0), (180, 15), (-100, -25), (-45, 30)]


@pytest.mark.parametrize(("azimuth_deg", "elevation_deg"), DIRECTIONS)
def test_the_direct_sound_comes_from_where_the_label_says(
    corpus: Corpus, azimuth_deg: float, elevation_deg: float
) -> None:
    source = replace(dog(azimuth_deg, elevation_deg, distance_m=1.2), sound_id="click")
    rendered = render_scene(Scene(seed=1, sources=(source,), room=room()), corpus).astype(np.float64)
    # The nearest wall is 1.6 m away: no reflection is within 1.5 ms of the direct sound.
    arrival = 1.2 / C_M_S * RATE_HZ
    direct = rendered[:, round(arrival - 24) : round(arrival + 24)]
    intensity = direct[XYZ] @ direct[0]
    assert angle_between_deg(intensity, unit_vector(azimuth_deg, elevation_deg)) < 1.0


@pytest.mark.parametrize("distance_m", [1.0, 2.4])
def test_the_direct_sound_is_delayed_and_weaker_with_distance(corpus: Corpus, distance_m: float) -> None:
    source = replace(dog(0.0, 0.0, distance_m=distance_m), sound_id="click")
    w = render_scene(Scene(seed=1, sources=(source,), room=room()), corpus)[0]
    arrival = distance_m / C_M_S * RATE_HZ
    assert np.argmax(np.abs(w)) == pytest.approx(arrival, abs=1)
    # The click's spectrum at low frequencies, where a fractional delay has no part.
    direct = w[: round(arrival + 24)]
    assert direct.sum() == pytest.approx(0.5 / distance_m, rel=0.05)


def test_duration_is_that_of_the_longest_sound(corpus: Corpus) -> None:
    assert render_scene(Scene(seed=1, sources=(dog(), bell())), corpus).shape == (4, 12_000)


def test_a_late_start_lengthens_the_scene(corpus: Corpus) -> None:
    assert render_scene(Scene(seed=1, sources=(bell(start_s=0.25),)), corpus).shape == (4, 18_000)


@pytest.mark.parametrize("duration_s", [0.1, 2.0])
def test_a_given_duration_holds(corpus: Corpus, duration_s: float) -> None:
    scene = Scene(seed=1, sources=(dog(), bell()), room=room(), duration_s=duration_s)
    assert render_scene(scene, corpus).shape == (4, round(duration_s * RATE_HZ))


def test_a_shorter_duration_only_cuts(corpus: Corpus) -> None:
    scene = Scene(seed=1, sources=(bell(),), duration_s=0.5)
    short = render_scene(replace(scene, duration_s=0.3), corpus)
    np.testing.assert_array_equal(short, render_scene(scene, corpus)[:, : short.shape[1]])


def test_a_longer_duration_lets_the_room_ring(corpus: Corpus) -> None:
    rendered = render_scene(Scene(seed=1, sources=(dog(),), room=room(), duration_s=0.5), corpus)
    assert rendered[:, 6200:].any()


def test_a_source_outside_the_room_is_refused(corpus: Corpus) -> None:
    with pytest.raises(InputError, match="outside the room"):
        render_scene(Scene(seed=1, sources=(dog(distance_m=9.0),), room=room()), corpus)


LONG = {
    "room": Scene(seed=1, sources=(dog(),), room=room()),
    "free field": Scene(seed=1, sources=(dog(),)),
    "noise": Scene(seed=1, sources=(dog(),), room=room(), noise_db=-20.0),
    "mixture": Scene(seed=1, sources=(dog(start_s=0.1), bell(gain_db=-6.0)), room=room()),
    "beyond the sound": Scene(seed=1, sources=(dog(),), room=room(), duration_s=0.6),
}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", LONG)
def test_a_piece_is_that_of_the_whole(corpus: Corpus, name: str, seed: int) -> None:
    whole = render_scene(LONG[name], corpus)
    wanted = fit_to_window(whole, 2000, rng=np.random.default_rng(seed))
    piece = render_piece(LONG[name], corpus, 2000, rng=np.random.default_rng(seed))
    # Blocks of other lengths round otherwise: 1e-6 of the largest sample is a few units of float32.
    np.testing.assert_allclose(piece, wanted, rtol=0, atol=2e-6 * np.abs(whole).max())


def test_a_piece_that_begins_in_the_reverberation_holds_it(toy_corpus: Callable[..., Corpus]) -> None:
    click = np.zeros(24_000)
    click[0] = 1.0
    corpus = toy_corpus({"dog": click})
    scene = Scene(seed=1, sources=(dog(),), room=replace(room(), absorption=[[0.02] * 8] * 6))
    whole = render_scene(scene, corpus)
    for seed in range(4):
        piece = render_piece(scene, corpus, 2000, rng=np.random.default_rng(seed))
        start = int(np.random.default_rng(seed).integers(22_001))
        np.testing.assert_allclose(piece, whole[:, start : start + 2000], rtol=0, atol=1e-7)
        assert np.abs(piece).max() > 1e-4


@pytest.mark.parametrize("samples", [6000, 9000])
def test_a_piece_of_a_short_scene_is_the_whole(corpus: Corpus, samples: int) -> None:
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(
        render_piece(LONG["room"], corpus, samples, rng=rng), render_scene(LONG["room"], corpus)
    )
    # Nothing was drawn, as in fit_to_window.
    assert rng.random() == np.random.default_rng(0).random()


def hall() -> ResponseSet:
    """A click from 40 degrees after 100 samples at 24 kHz, 40 dB too quiet, with an echo from the right."""
    samples = np.zeros(3000, np.float32)
    samples[100] = 0.01
    echo = np.roll(samples, 1000) / 2
    response = encode_plane_wave(samples, 40.0) + encode_plane_wave(echo, -90.0)
    items = [
        MeasuredResponse(id="hall/1", room="hall", azimuth_deg=40.0, elevation_deg=0.0),
        MeasuredResponse(id="hall/2", room="hall", azimuth_deg=40.0, elevation_deg=0.0, distance_m=2.0),
    ]
    return ResponseSet(name="made", items=tuple(items), reader=lambda _: (response, RATE_HZ))


def test_a_measured_scene_sounds_through_its_response_at_the_level_of_a_metre(corpus: Corpus) -> None:
    dry = corpus.audio("dog")
    samples = render_scene(replace(MEASURED, duration_s=0.5), corpus, responses=hall())
    y, x = np.sin(np.deg2rad(40)), np.cos(np.deg2rad(40))
    np.testing.assert_allclose(samples[:, 100:1000], np.outer([1, y, 0, x], dry[:900]), atol=1e-6)
    np.testing.assert_allclose(samples[1, 1100:6100] - y * dry[1000:6000], -0.5 * dry[:5000], atol=1e-6)


def test_a_known_distance_makes_a_measured_source_quieter(corpus: Corpus) -> None:
    far = replace(MEASURED, sources=(replace(MEASURED.sources[0], response_id="hall/2", distance_m=2.0),))
    near, far = (render_scene(scene, corpus, responses=hall()) for scene in (MEASURED, far))
    np.testing.assert_allclose(2 * far, near, atol=1e-6)


def test_a_piece_of_a_measured_scene_is_a_piece_of_the_whole(corpus: Corpus) -> None:
    whole = render_scene(MEASURED, corpus, responses=hall())
    piece = render_piece(MEASURED, corpus, 2000, rng=np.random.default_rng(1), responses=hall())
    start = int(np.random.default_rng(1).integers(4001))
    np.testing.assert_allclose(piece, whole[:, start : start + 2000], rtol=0, atol=1e-6)


def test_a_measured_scene_needs_its_own_responses(corpus: Corpus) -> None:
    with pytest.raises(InputError, match="the responses made but none are given"):
        render_scene(MEASURED, corpus)
    with pytest.raises(InputError, match="the responses made but other are given"):
        render_scene(MEASURED, corpus, responses=replace(hall(), name="other"))
    elsewhere = replace(MEASURED, sources=(dog(70.0, 0.0, distance_m=None, response_id="hall/1"),))
    with pytest.raises(InputError, match="is 30 degrees from where the scene has its source"):
        render_scene(elsewhere, corpus, responses=hall())
    unknown = replace(MEASURED, sources=(dog(40.0, 0.0, distance_m=None, response_id="hall/9"),))
    with pytest.raises(InputError, match="no response 'hall/9'"):
        render_scene(unknown, corpus, responses=hall())


def walk(*azimuths_deg: float, step_s: float = 0.1, distance_m: float = 1.5) -> Source:
    """A bell that passes some azimuths, one each step."""
    path = [Waypoint(step_s * number, azimuth, 0.0, distance_m) for number, azimuth in enumerate(azimuths_deg)]
    return Source.along(path, sound_id="bell", caption="A bell.")


def azimuth_deg(samples: np.ndarray) -> float:
    """Direction of the mean intensity."""
    w, y, _, x = samples.astype(np.float64)
    return float(np.rad2deg(np.arctan2((w * y).sum(), (w * x).sum())))


def test_a_moving_source_is_where_its_path_says(corpus: Corpus) -> None:
    azimuths = np.arange(-60, 41, 5)
    scene = Scene(seed=1, sources=(walk(*azimuths, step_s=0.02),))
    samples = render_scene(scene, corpus)
    for number in range(1, len(azimuths) - 1):
        at = round(0.02 * number * RATE_HZ)
        assert abs(azimuth_deg(samples[:, at - 20 : at + 20]) - azimuths[number]) < 0.2


def test_a_path_that_stays_is_a_source_that_stands_still(corpus: Corpus) -> None:
    """In the free field and in a room; there the tail is of another noise, so only the early part is the same."""
    staying, standing = walk(30.0, 30.0, 30.0), bell(30.0, 0.0)
    free = Scene(seed=1, sources=(staying,))
    np.testing.assert_allclose(
        render_scene(free, corpus), render_scene(replace(free, sources=(standing,)), corpus), atol=1e-6
    )
    inside = Scene(seed=1, sources=(replace(staying, sound_id="click"),), room=room(), duration_s=0.2)
    early = slice(0, round(0.04 * RATE_HZ))
    np.testing.assert_allclose(
        render_scene(inside, corpus)[:, early],
        render_scene(replace(inside, sources=(replace(standing, sound_id="click"),)), corpus)[:, early],
        atol=1e-5,
    )


def test_the_tail_of_a_moving_source_does_not_fade_between_places(corpus: Corpus) -> None:
    """Tails of independent noise would lose 3 dB halfway between two places, even where both are the same."""
    between = Scene(seed=1, sources=(walk(30.0, 30.0, step_s=0.5),), room=room())
    at_first = replace(between, sources=(walk(30.0, 30.0, step_s=1e6),))
    np.testing.assert_allclose(render_scene(between, corpus), render_scene(at_first, corpus), atol=1e-5)


def test_a_piece_of_a_moving_scene_is_a_piece_of_the_whole(corpus: Corpus) -> None:
    scene = Scene(seed=1, sources=(walk(-40.0, -30.0, -20.0, -10.0), dog(90.0)), room=room(), duration_s=0.6)
    whole = render_scene(scene, corpus)
    piece = render_piece(scene, corpus, 6000, rng=np.random.default_rng(5))
    expected = fit_to_window(whole, 6000, rng=np.random.default_rng(5))
    np.testing.assert_allclose(piece, expected, atol=1e-6)


def test_sources_beside_a_moving_one_stay_as_they_are(corpus: Corpus) -> None:
    still = Scene(seed=1, sources=(dog(), bell()), room=room(), duration_s=0.5)
    both = replace(still, sources=(dog(), walk(0.0, 10.0), bell()))
    alone = replace(still, sources=(walk(0.0, 10.0),))
    # The seed of a moving source's tail follows from its number, so that only its early part can be compared.
    early = slice(0, round(0.039 * RATE_HZ))
    np.testing.assert_allclose(
        render_scene(both, corpus)[:, early],
        (render_scene(still, corpus) + render_scene(alone, corpus))[:, early],
        atol=1e-5,
    )


@pytest.mark.parametrize("snr_db", [-3.0, 20.0])
@pytest.mark.parametrize("sound_id", [None, "bell"])
def test_ambience_has_the_asked_ratio(corpus: Corpus, snr_db: float, sound_id: str | None) -> None:
    quiet = Scene(seed=1, sources=(dog(),), room=room(), duration_s=0.5)
    clean = render_scene(quiet, corpus)
    background = render_scene(replace(quiet, ambience=Ambience(snr_db=snr_db, sound_id=sound_id)), corpus) - clean
    assert level_db(clean[0]) - level_db(background[0]) == pytest.approx(snr_db, abs=0.01)


def test_ambience_is_the_same_each_time_and_another_with_another_seed(corpus: Corpus) -> None:
    scene = Scene(seed=1, sources=(dog(),), ambience=Ambience(snr_db=10.0))
    np.testing.assert_array_equal(render_scene(scene, corpus), render_scene(scene, corpus))
    assert np.abs(render_scene(scene, corpus) - render_scene(replace(scene, seed=2), corpus)).max() > 1e-3


def test_a_piece_with_ambience_is_a_piece_of_the_whole(corpus: Corpus) -> None:
    scene = Scene(seed=1, sources=(dog(),), ambience=Ambience(snr_db=10.0, sound_id="bell"), duration_s=0.6)
    piece = render_piece(scene, corpus, 6000, rng=np.random.default_rng(5))
    np.testing.assert_array_equal(piece, fit_to_window(render_scene(scene, corpus), 6000, rng=np.random.default_rng(5)))


def test_no_ambience_over_silence(toy_corpus: Callable[..., Corpus]) -> None:
    corpus = toy_corpus({"dog": np.zeros(2400)})
    assert not render_scene(Scene(seed=1, sources=(dog(),), ambience=Ambience(snr_db=10.0)), corpus).any()
