"""Synthesised sounds: what every kind owes a corpus, and what each owes to the thing it imitates."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.signal import find_peaks, hilbert
from scipy.special import jn_zeros

from salm.errors import InputError
from salm.frame import parse_direction
from salm.scenes.corpora.procedural import KINDS, SPLITS, ProceduralCorpus, procedural_sound
from salm.scenes.corpora.synthesis.alarms import Alarm, Horn, Siren, Telephone, Whistle
from salm.scenes.corpora.synthesis.animals import Bird, Cricket, Dog
from salm.scenes.corpora.synthesis.elements import Drip, Fire
from salm.scenes.corpora.synthesis.kind import Kind
from salm.scenes.corpora.synthesis.machines import Clock, Engine, Helicopter
from salm.scenes.corpora.synthesis.people import Applause, Footsteps
from salm.scenes.corpora.synthesis.struck import Bell, Drum, Glass, Guitar, Knock
from salm.scenes.corpora.synthesis.tools import modes
from salm.scenes.corpora.synthesis.weather import Rain, Thunder, Waves, Wind

RATE_HZ = 24_000

every_kind = pytest.mark.parametrize("kind", KINDS)


SEEDS = (0, 3)
"""Of the first two sounds of each kind in the training split."""


@cache
def sound(kind: str, seed: int = SEEDS[0]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Rendered once for all tests here."""
    return procedural_sound(kind, seed)


def rendered(kind: Kind, seed: int = 0) -> np.ndarray:
    return kind.render(np.random.default_rng(seed))


def power_spectrum(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.fft.rfftfreq(len(samples), 1 / RATE_HZ), np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2


def share_within(samples: np.ndarray, low_hz: float, high_hz: float) -> float:
    """Share of the power between two frequencies."""
    hz, power = power_spectrum(samples)
    return float(power[(hz >= low_hz) & (hz <= high_hz)].sum() / power.sum())


def envelope(samples: np.ndarray, *, step_s: float = 0.005) -> np.ndarray:
    """Level (root mean square) of steps of the signal."""
    step = round(step_s * RATE_HZ)
    return np.sqrt(np.square(samples[: len(samples) // step * step]).reshape(-1, step).mean(axis=1))


def period(signal: np.ndarray, *, rate_hz: float, between_s: tuple[float, float]) -> float:
    """Lag, within bounds, at which a signal is most like itself."""
    centred = signal - signal.mean()
    spectrum = np.fft.rfft(centred, 2 * len(centred))
    likeness = np.fft.irfft(np.abs(spectrum) ** 2)[: len(centred)] / np.arange(len(centred), 0, -1)
    first, last = (round(bound * rate_hz) for bound in between_s)
    return float((first + np.argmax(likeness[first : last + 1])) / rate_hz)


def beat(samples: np.ndarray, *, between_s: tuple[float, float]) -> float:
    """Time from beat to beat of the envelope."""
    return period(envelope(samples), rate_hz=200, between_s=between_s)


def frames(samples: np.ndarray, size: int = 1024) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(samples, size)[:: size // 2]


def pitch_track(samples: np.ndarray) -> np.ndarray:
    """Strongest frequency of every frame that is not faint, in hertz."""
    power = np.abs(np.fft.rfft(frames(samples) * np.hanning(1024), 4096)) ** 2
    loud = power.sum(axis=1) > 0.01 * power.sum(axis=1).max()
    return power[loud].argmax(axis=1) * RATE_HZ / 4096


def has_peak_at(samples: np.ndarray, frequency_hz: float, *, off: float = 0.004) -> bool:
    """Whether the spectrum's largest value around a frequency is near it and stands out."""
    hz, power = power_spectrum(samples)
    around = (hz > 0.93 * frequency_hz) & (hz < 1.07 * frequency_hz)
    top = hz[around][power[around].argmax()]
    stands_out = power[around].max() > 20 * np.median(power[around])
    return abs(top / frequency_hz - 1) <= max(off, 1.5 * RATE_HZ / len(samples) / frequency_hz) and bool(stands_out)


def test_there_are_kinds_enough() -> None:
    assert len(set(KINDS)) == len(KINDS) >= 12


@every_kind
def test_a_sound_is_a_function_of_its_seed(kind: str) -> None:
    samples, captions = procedural_sound(kind, SEEDS[0])
    np.testing.assert_array_equal(samples, sound(kind)[0])
    assert captions == sound(kind)[1]


@every_kind
def test_every_seed_gives_another_sound(kind: str) -> None:
    (first, _), (second, _) = (sound(kind, seed) for seed in SEEDS)
    assert not np.array_equal(first[:9000], second[:9000])


@every_kind
@pytest.mark.parametrize("seed", SEEDS)
def test_peak_is_minus_3_dbfs(kind: str, seed: int) -> None:
    samples, _ = sound(kind, seed)
    assert samples.dtype == np.float32
    assert np.isfinite(samples).all()
    assert 20 * np.log10(np.abs(samples).max()) == pytest.approx(-3.0, abs=1e-3)


@every_kind
@pytest.mark.parametrize(("number", "seed"), list(enumerate(SEEDS)))
def test_it_lasts_as_long_as_the_corpus_says(kind: str, number: int, seed: int) -> None:
    listed = ProceduralCorpus(per_kind=2).sounds[2 * KINDS.index(kind) + number]
    assert 0.5 <= listed.duration_s <= 6.0
    assert len(sound(kind, seed)[0]) == round(listed.duration_s * RATE_HZ)


@every_kind
@pytest.mark.parametrize("seed", SEEDS)
def test_it_is_heard(kind: str, seed: int) -> None:
    samples, _ = sound(kind, seed)
    # The loudest 50 ms are well above the -60 dBFS of a quiet recording, and in the range of a loudspeaker.
    assert 20 * np.log10(envelope(samples, step_s=0.05).max()) > -30
    assert share_within(samples, 40, 11_500) > 0.8
    assert abs(samples.mean()) < 1e-3


@every_kind
def test_edges_do_not_click(kind: str) -> None:
    samples, _ = sound(kind)
    assert max(abs(samples[0]), abs(samples[-1])) < 2e-3


@every_kind
@pytest.mark.parametrize("seed", range(4))
def test_captions_say_what_and_not_where(kind: str, seed: int) -> None:
    captions = procedural_captions(kind, seed)
    assert len(captions) == len(set(captions)) >= 4
    for caption in captions:
        assert caption.strip() == caption
        assert caption[0].isupper()
        assert caption.endswith(".")
        assert parse_direction(caption) is None, caption


def procedural_captions(kind: str, seed: int) -> tuple[str, ...]:
    """Without rendering."""
    sounds = ProceduralCorpus(per_kind=seed + 1).sounds
    return next(sound.captions for sound in sounds if sound.id == f"{kind}-train-{seed:04d}")


def test_captions_depend_on_the_sound() -> None:
    sounds = ProceduralCorpus(per_kind=20).sounds
    for kind in KINDS:
        assert len({sound.captions[0] for sound in sounds if sound.id.startswith(f"{kind}-")}) > 1, kind


def test_kinds_do_not_share_a_caption() -> None:
    kind_of: dict[str, str] = {}
    for sound in ProceduralCorpus(per_kind=20).sounds:
        for caption in sound.captions:
            assert kind_of.setdefault(caption, sound.category) == sound.category, caption


def test_a_corpus_has_so_many_sounds_of_each_kind() -> None:
    sounds = ProceduralCorpus(per_kind=3, split="val").sounds
    assert len(sounds) == len({sound.id for sound in sounds}) == 3 * len(KINDS)
    for kind in KINDS:
        assert sum(sound.id.startswith(f"{kind}-val-") for sound in sounds) == 3


def test_sounds_may_be_used_freely() -> None:
    for sound in ProceduralCorpus(per_kind=1).sounds:
        assert (sound.licence, sound.licence_class, sound.group) == ("CC0-1.0", "permissive", sound.id)
        assert sound.category


def test_splits_and_seeds_share_no_sound() -> None:
    corpora = [ProceduralCorpus(per_kind=2, split=split, seed=seed) for split in SPLITS for seed in (0, 1)]
    ids = [sound.id for corpus in corpora for sound in corpus.sounds]
    assert len(set(ids)) == len(ids)
    knocks = [corpus.audio(sound.id) for corpus in corpora for sound in corpus.sounds if "knock" in sound.id]
    assert len(knocks) == len({samples.tobytes() for samples in knocks}) == 2 * len(corpora)


def test_the_same_seed_gives_the_same_corpus() -> None:
    assert ProceduralCorpus(per_kind=2, seed=4).sounds == ProceduralCorpus(per_kind=2, seed=4).sounds


def test_ids_say_all_that_is_needed_to_render_a_sound() -> None:
    corpus = ProceduralCorpus(per_kind=1)
    np.testing.assert_array_equal(corpus.audio("knock-train-0001"), sound("knock", 3)[0])
    # Splits take turns: number 10000 of val, the first of seed 1, has the seed 3 * 10000 + 1.
    elsewhere = ProceduralCorpus(per_kind=1, seed=1, split="val").sounds[KINDS.index("knock")]
    assert elsewhere.id == "knock-val-10000"
    np.testing.assert_array_equal(corpus.audio(elsewhere.id), sound("knock", 30_001)[0])


def test_kept_sounds_are_rounded_to_float16_and_not_shared() -> None:
    exact, _ = sound("horn")
    kept = ProceduralCorpus(per_kind=1, keep_in_memory=True)
    first = kept.audio("horn-train-0000")
    np.testing.assert_array_equal(first, exact.astype(np.float16))
    first[:] = 0
    np.testing.assert_array_equal(kept.audio("horn-train-0000"), exact.astype(np.float16))


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_other_rates_keep_pitch_peak_and_length(rate_hz: int) -> None:
    base, _ = sound("cricket")
    samples = ProceduralCorpus(per_kind=1).audio("cricket-train-0000", rate_hz=rate_hz)
    assert len(samples) == pytest.approx(len(base) * rate_hz / RATE_HZ, abs=1)
    assert 20 * np.log10(np.abs(samples).max()) == pytest.approx(-3.0, abs=1e-3)
    pitches = [np.abs(np.fft.rfft(x))[1:].argmax() / len(x) * rate for x, rate in ((base, RATE_HZ), (samples, rate_hz))]
    assert pitches[0] == pytest.approx(pitches[1], rel=0.01)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: procedural_sound("gong", 0), "'gong' is no kind.*alarm, applause"),
        (lambda: procedural_sound("bell", -1), "-1 but must not be negative"),
        (lambda: ProceduralCorpus(per_kind=0), "per_kind is 0 but must be 1 to 10000"),
        (lambda: ProceduralCorpus(per_kind=10_001), "per_kind is 10001"),
        (lambda: ProceduralCorpus(per_kind=1, seed=-1), "must not be negative"),
        (lambda: ProceduralCorpus(split="dev"), "'dev'; it has train, val, test"),
        (lambda: ProceduralCorpus(per_kind=1).audio("gong-train-0000"), "no procedural sound; ids are like"),
        (lambda: ProceduralCorpus(per_kind=1).audio("bell-train-1"), "no procedural sound; ids are like"),
    ],
)
def test_wrong_input_is_named(wrong, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=message):
        wrong()


def test_a_mode_is_a_decaying_sine() -> None:
    time = np.arange(round(0.3 * RATE_HZ)) / RATE_HZ
    wanted = 0.7 * np.sin(2 * np.pi * 432.1 * time) * 10 ** (-3 * time / 0.2)
    np.testing.assert_allclose(modes(0.3, [432.1, 12_000.0], [0.7, 1.0], [0.2, 0.2]), wanted, atol=1e-9)


def test_a_siren_sweeps_between_its_two_pitches() -> None:
    siren = Siren(low_hz=600.0, high_hz=1400.0, sweep_s=2.5, duration_s=5.0)
    track = pitch_track(rendered(siren))
    assert track.min() == pytest.approx(600, rel=0.04)
    assert track.max() == pytest.approx(1400, rel=0.04)
    assert period(track, rate_hz=RATE_HZ / 512, between_s=(1.5, 3.5)) == pytest.approx(2.5, abs=0.05)


def test_a_clock_ticks_with_its_period() -> None:
    assert beat(rendered(Clock(period_s=0.6, duration_s=6.0)), between_s=(0.3, 0.9)) == pytest.approx(0.6, abs=0.006)


def test_heavy_rain_is_broad_and_steady() -> None:
    rain = rendered(Rain(drops_hz=1200.0, duration_s=5.0))
    for low_hz, high_hz in ((500, 2000), (2000, 5000), (5000, 9000)):
        assert share_within(rain, low_hz, high_hz) > 0.1
    levels_db = 20 * np.log10(envelope(rain, step_s=0.5))
    assert levels_db.max() - levels_db.min() < 3


def test_an_engine_fires_half_its_cylinders_a_turn() -> None:
    engine = rendered(Engine(cylinders=4, idle_hz=12.5, revved=1.0, duration_s=5.0))
    # Low-passed: the noise of the valves has no pitch.
    spectrum = np.fft.rfft(engine)
    spectrum[np.fft.rfftfreq(len(engine), 1 / RATE_HZ) > 300] = 0
    lag_s = period(np.fft.irfft(spectrum), rate_hz=RATE_HZ, between_s=(0.03, 0.055))
    assert lag_s == pytest.approx(1 / (4 / 2 * 12.5), rel=0.03)


def test_an_engine_that_revs_is_louder_and_faster_in_the_middle() -> None:
    levels = envelope(rendered(Engine(cylinders=4, idle_hz=12.5, revved=3.0, duration_s=5.0)), step_s=0.5)
    assert levels[3:5].mean() > 1.5 * levels[[0, -1]].mean()


def test_helicopter_blades_slap_at_their_rate() -> None:
    helicopter = rendered(Helicopter(blade_hz=14.0, approach=False, duration_s=5.0))
    assert beat(helicopter, between_s=(0.05, 0.1)) == pytest.approx(1 / 14, rel=0.05)


def test_a_helicopter_that_comes_near_grows_louder() -> None:
    levels = envelope(rendered(Helicopter(blade_hz=14.0, approach=True, duration_s=5.0)), step_s=1.0)
    assert np.all(np.diff(levels) > 0)


@pytest.mark.parametrize(("order", "ratio"), [("hum", 0.5), ("prime", 1.0), ("tierce", 1.183), ("nominal", 2.0)])
def test_a_bell_has_the_partials_of_a_tuned_one(order: str, ratio: float) -> None:
    bell = Bell(pitch_hz=440.0, ring_s=8.0, strokes=1, period_s=1.0, duration_s=4.0)
    assert has_peak_at(rendered(bell), 440.0 * ratio), order


def test_a_bells_high_partials_die_first() -> None:
    bell = rendered(Bell(pitch_hz=440.0, ring_s=6.0, strokes=1, period_s=1.0, duration_s=4.0))
    early, late = bell[:RATE_HZ], bell[-RATE_HZ:]
    assert share_within(late, 700, 12_000) < 0.05 * share_within(early, 700, 12_000)


def test_a_drum_has_the_modes_of_a_membrane() -> None:
    drum = rendered(Drum(pitch_hz=150.0, period_s=0.7, duration_s=0.7))
    first = jn_zeros(0, 1)[0]
    for zero in (first, jn_zeros(1, 1)[0], jn_zeros(2, 1)[0]):
        assert has_peak_at(drum, 150.0 * zero / first, off=0.02)


def test_all_of_a_drums_ratios_are_zeros_of_bessel_functions() -> None:
    zeros = np.concatenate([jn_zeros(order, 4) for order in range(8)])
    off = np.abs(Drum._RATIOS[:, None] - zeros / zeros.min()).min(axis=1)
    assert off.max() < 2e-3


def test_a_guitar_plays_a_major_chord() -> None:
    guitar = rendered(Guitar(pitch_hz=110.0, period_s=0.03, duration_s=4.0))
    for semitones in (0, 7, 12, 16):
        assert has_peak_at(guitar, 110.0 * 2 ** (semitones / 12), off=0.006), semitones


def test_glasses_ring_at_the_modes_of_a_shell() -> None:
    glass = rendered(Glass(pitch_hz=1500.0, ring_s=1.0, clinks=1, duration_s=1.5))
    assert has_peak_at(glass, 1500.0, off=0.006)
    assert share_within(glass, 1400, 12_000) > 0.95


def test_knocks_can_be_counted() -> None:
    knock = rendered(Knock(knocks=4, period_s=0.4, hollow_hz=100.0, duration_s=2.0))
    level = envelope(knock, step_s=0.01)
    peaks, _ = find_peaks(level, height=0.3 * level.max(), distance=20)
    assert len(peaks) == 4
    np.testing.assert_allclose(np.diff(peaks) * 0.01, 0.4, atol=0.05)


def test_barks_can_be_counted() -> None:
    dog = rendered(Dog(size=1.0, barks=3, duration_s=2.4))
    level = envelope(dog, step_s=0.02)
    peaks, _ = find_peaks(level, height=0.3 * level.max(), distance=20)
    assert len(peaks) == 3


def test_a_larger_dog_is_deeper() -> None:
    hz, small = power_spectrum(rendered(Dog(size=0.7, barks=1, duration_s=0.9)))
    _, large = power_spectrum(rendered(Dog(size=1.5, barks=1, duration_s=0.9)))
    assert hz @ large / large.sum() < 0.8 * (hz @ small / small.sum())


def test_a_cricket_is_nearly_one_tone_in_chirps() -> None:
    cricket = rendered(Cricket(pitch_hz=4800.0, chirps_hz=2.0, duration_s=5.0))
    assert share_within(cricket, 0.95 * 4800, 1.05 * 4800) > 0.9
    assert beat(cricket, between_s=(0.3, 0.7)) == pytest.approx(0.5, abs=0.01)


def test_a_bird_sings_around_its_pitch() -> None:
    track = pitch_track(rendered(Bird(pitch_hz=3000.0, trill=False, duration_s=5.0)))
    assert 0.5 * 3000 < track.min() < track.max() < 1.75 * 3000


def test_drops_ring_at_the_frequency_of_their_bubble() -> None:
    # Minnaert: 3 m/s over the radius; radii differ by 7 %, a second bubble is smaller, and pitches rise.
    drip = rendered(Drip(radius_m=0.002, period_s=0.8, duration_s=5.0))
    hz, power = power_spectrum(drip)
    assert 0.9 * 1500 < hz[power.argmax()] < 1.2 * 1500


def test_fire_crackles_over_a_low_roar() -> None:
    fire = rendered(Fire(cracks_hz=20.0, duration_s=5.0))
    level = envelope(fire)
    # Cracks stand out of what is between them as no steady noise does (1.05 for Gaussian noise in 5 ms).
    assert level.max() / np.median(level) > 5


def test_footsteps_keep_their_pace() -> None:
    steps = rendered(Footsteps(period_s=0.6, ground="floor", duration_s=6.0))
    assert beat(steps, between_s=(0.4, 0.8)) == pytest.approx(0.6, abs=0.03)


def test_an_audience_is_steadier_than_a_few() -> None:
    few, many = (envelope(rendered(Applause(people=n, duration_s=4.0)), step_s=0.02)[25:] for n in (2, 120))
    assert np.std(many) / np.mean(many) < 0.5 * np.std(few) / np.mean(few)


def test_thunder_rumbles_low_and_fades() -> None:
    rolls = [rendered(Thunder(crack=False, duration_s=6.0), seed) for seed in range(4)]
    assert min(share_within(roll, 20, 300) for roll in rolls) > 0.8
    power = np.mean([envelope(roll, step_s=1.0) ** 2 for roll in rolls], axis=0)
    assert power[-1] < 0.5 * power[:3].max()


def test_a_crack_of_thunder_is_brighter_at_first() -> None:
    thunder = rendered(Thunder(crack=True, duration_s=6.0))
    assert share_within(thunder[:7200], 500, 6000) > 3 * share_within(thunder[-24_000:], 500, 6000)


def test_wind_is_low_and_howls_with_a_tone() -> None:
    rush, howl = (rendered(Wind(gusts_hz=0.5, howl=share, duration_s=5.0)) for share in (0.0, 1.0))
    assert share_within(rush, 20, 1500) > 0.85
    assert share_within(howl, 300, 1000) > 2 * share_within(rush, 300, 1000)


def test_waves_come_with_their_period() -> None:
    waves = envelope(rendered(Waves(period_s=1.6, duration_s=6.0)), step_s=0.05)
    assert period(waves, rate_hz=20, between_s=(1.0, 2.4)) == pytest.approx(1.6, abs=0.15)


@pytest.mark.parametrize("mechanical", [True, False])
def test_a_telephone_has_two_pitches(mechanical: bool) -> None:
    telephone = rendered(Telephone(mechanical=mechanical, pitch_hz=1000.0, ring_s=1.5, duration_s=3.0))
    higher = 1240.0 if mechanical else 1250.0
    hz, power = power_spectrum(telephone)
    by_tone = [power[np.abs(hz - tone) < 60].max() for tone in (1000.0, higher)]
    between = power[np.abs(hz - (1000.0 + higher) / 2) < 30].max()
    assert min(by_tone) > 5 * between


@pytest.mark.parametrize("group", [0, 3])
def test_an_alarm_beeps_with_its_period_and_leaves_one_out(group: int) -> None:
    alarm = rendered(Alarm(pitch_hz=2000.0, period_s=0.2, group=group, duration_s=4.0))
    assert np.abs(pitch_track(alarm) / 2000 - 1).max() < 0.05
    whole = 0.2 if not group else 0.2 * (group + 1)
    assert beat(alarm, between_s=(0.75 * whole, 1.25 * whole)) == pytest.approx(whole, abs=0.01)
    sounding = envelope(alarm) > 0.1
    assert sounding.mean() == pytest.approx(0.5 * (group / (group + 1) if group else 1), abs=0.1)


def test_a_horn_sounds_a_third() -> None:
    horn = rendered(Horn(pitch_hz=400.0, honks=1, duration_s=2.0))
    assert has_peak_at(horn, 400.0, off=0.01)
    hz, power = power_spectrum(horn)
    above = (hz > 450) & (hz < 560)
    assert 1.19 * 400 * 0.99 < hz[above][power[above].argmax()] < 1.27 * 400 * 1.01


@pytest.mark.parametrize("honks", [1, 3])
def test_honks_can_be_counted(honks: int) -> None:
    level = envelope(rendered(Horn(pitch_hz=400.0, honks=honks, duration_s=2.5)), step_s=0.02)
    assert np.sum(np.diff((level > 0.2 * level.max()).astype(int)) == 1) == honks


def test_a_pea_whistle_trills() -> None:
    whistle = rendered(Whistle(pitch_hz=3000.0, blasts=1, duration_s=1.8))
    assert np.median(pitch_track(whistle)) == pytest.approx(3000, rel=0.06)
    loudness = np.abs(hilbert(whistle))[:24_000:24]
    hz = np.fft.rfftfreq(1000, 1 / 1000)
    power = np.abs(np.fft.rfft((loudness - loudness.mean()) * np.hanning(1000))) ** 2
    assert 22 < hz[10 + power[10:60].argmax()] < 50


def test_longer_sounds_of_a_kind_only_last_longer() -> None:
    siren = Siren(low_hz=600.0, high_hz=1400.0, sweep_s=0.4, duration_s=4.0)
    assert len(rendered(replace(siren, duration_s=5.0))) - len(rendered(siren)) == RATE_HZ
