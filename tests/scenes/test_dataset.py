"""Batches follow from (seed, number) alone; what they say is read back from their sound and their sentences."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from salm.acoustics.measured.base import MeasuredResponse, ResponseSet
from salm.audio.formats import encode_plane_wave
from salm.audio.window import fit_to_window
from salm.errors import InputError
from salm.frame import SECTORS, angle_between_deg, parse_direction, sector_index, sector_indices, unit_vector
from salm.scenes.attributes import ATTRIBUTES
from salm.scenes.captions import TRAINING_PHRASINGS, VOCABULARY_SHARES, place_words, spatial_caption
from salm.scenes.corpora.base import Corpus
from salm.scenes.dataset import Batch, SceneBatches, WindowRanges, _low_passed
from salm.scenes.rendering import render_scene
from salm.scenes.sample import SceneRanges
from salm.scenes.scene import Scene, Source
from salm.scenes.source import Drawn, FreshScenes

RATE_HZ = 24_000
# Only what a test looks at may vary.
FREE_FIELD = SceneRanges(anechoic=1.0, noise_db=None)
# High and low often enough to be said.
STEEP = SceneRanges(anechoic=1.0, noise_db=None, elevation_deg=80.0)
PLAIN = WindowRanges(looped=0.0, level_db=(0.0, 0.0), low_pass=0.0)


class Seen(NamedTuple):
    windows: Tensor


def seen(foa: Tensor) -> Seen:
    return Seen(foa.clone())


def batches(
    corpora: Corpus | Sequence[tuple[Corpus, float]], *, scene_ranges: SceneRanges = FREE_FIELD, **changes: Any
) -> SceneBatches[Seen]:
    arguments: dict[str, Any] = {
        "source": FreshScenes(corpora if isinstance(corpora, list) else [(corpora, 1.0)], scene_ranges),
        "observe": seen,
        "window_samples": 4800,
        "rate_hz": RATE_HZ,
        "batch_size": 8,
        "batches": 100,
        "seed": 3,
        "window_ranges": PLAIN,
    }
    return SceneBatches(**arguments | changes)


def w(batch: Batch[Seen]) -> np.ndarray:
    return batch.observation.windows[:, 0].numpy()


def assert_equal(a: Batch[Seen], b: Batch[Seen]) -> None:
    for left, right in zip((*a.observation, *a[1:]), (*b.observation, *b[1:]), strict=True):
        assert torch.equal(left, right) if isinstance(left, Tensor) else left == right


@pytest.fixture
def noises(toy_corpus: Callable[..., Corpus], rng: np.random.Generator) -> Corpus:
    lengths = {"dog": 2000, "bell": 9000, "rain": 4800}
    return toy_corpus({name: 0.1 * rng.standard_normal(length) for name, length in lengths.items()})


LEVELS = {"dog": 0.1, "hound": 0.2, "rain": 0.3}
CAPTIONS = {"dog": ("A dog barks.", "Barking."), "hound": ("A dog barks.", "A hound."), "rain": ("Rain falls.",)}


@pytest.fixture
def levels(toy_corpus: Callable[..., Corpus]) -> Corpus:
    """Sounds that can be told by their level, two of which share a caption."""
    return toy_corpus({name: np.full(480, level) for name, level in LEVELS.items()}, CAPTIONS)


def of_levels(levels: Corpus, **changes: Any) -> SceneBatches[Seen]:
    return batches(levels, window_samples=480, **changes)


def height(up_deg: float) -> str | None:
    """What is said of an elevation."""
    return "above" if up_deg > 40 else "below" if up_deg < -40 else None


def elevations_deg(batch: Batch[Seen]) -> list[float]:
    return np.rad2deg(np.arcsin(batch.direction[:, 2].numpy())).tolist()


def heard_sounds(batch: Batch[Seen]) -> list[str]:
    names = {round(level, 4): name for name, level in LEVELS.items()}
    return [names[round(float(level), 4)] for level in w(batch)[:, 0]]


def test_a_batch_follows_from_its_number(noises: Corpus) -> None:
    changes = {"window_ranges": WindowRanges(), "scene_ranges": SceneRanges(), "batch_size": 3}
    first, second = batches(noises, **changes), batches(noises, **changes)
    second[1]
    assert_equal(first[4], second[4])


def test_numbers_and_seeds_give_other_batches(noises: Corpus) -> None:
    base = batches(noises)[4]
    for other in (batches(noises)[5], batches(noises, seed=4)[4]):
        assert not torch.equal(base.observation.windows, other.observation.windows)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_loader_processes_change_nothing(noises: Corpus) -> None:
    dataset = batches(noises, batches=3, window_ranges=WindowRanges(), batch_size=3)
    alone, in_process = (list(DataLoader(dataset, batch_size=None, num_workers=count)) for count in (0, 1))
    assert len(alone) == 3
    for a, b in zip(alone, in_process, strict=True):
        assert_equal(a, b)


def test_it_is_a_sequence_of_so_many_batches(noises: Corpus) -> None:
    dataset = batches(noises, batches=3)
    assert len(dataset) == len(list(dataset)) == 3
    for number in (-1, 3):
        with pytest.raises(IndexError, match=f"no batch {number} of 3"):
            dataset[number]


def test_windows_are_observed_by_pieces_in_order(noises: Corpus) -> None:
    sizes: list[int] = []

    def noted(foa: Tensor) -> Seen:
        sizes.append(len(foa))
        return seen(foa)

    observed = batches(noises, observe=noted, batch_size=10)[0]
    assert len(sizes) > 1
    assert sum(sizes) == 10
    whole = batches(noises, batch_size=10)
    whole._observed = whole.observe  # type: ignore[method-assign]
    assert torch.equal(observed.observation.windows, whole[0].observation.windows)


def test_directions_and_sectors_are_those_of_the_sound(levels: Corpus) -> None:
    batch = of_levels(levels, batch_size=16)[0]
    windows = batch.observation.windows
    # In the free field X, Y, Z over W is the direction.
    torch.testing.assert_close(windows[:, [3, 1, 2], 0] / windows[:, :1, 0], batch.direction, atol=1e-6, rtol=0)
    x, y, _ = batch.direction.double().T.numpy()
    np.testing.assert_array_equal(batch.sector, sector_indices(np.rad2deg(np.arctan2(y, x))))


def test_captions_are_of_the_sound_that_is_heard(levels: Corpus) -> None:
    batch = of_levels(levels, batch_size=32)[0]
    assert all(caption in CAPTIONS[name] for name, caption in zip(heard_sounds(batch), batch.captions, strict=True))
    assert set(batch.captions) == {caption for some in CAPTIONS.values() for caption in some}


@pytest.mark.parametrize("facing", ["north", "southeast"])
def test_spatial_captions_say_sector_and_height(levels: Corpus, facing: str) -> None:
    ranges = WindowRanges(looped=0.0, attribute_words={"elevation": 1.0})
    batch = of_levels(levels, facing=facing, scene_ranges=STEEP, window_ranges=ranges, batch_size=32)[0]
    for sentence, sector, up_deg in zip(batch.spatial_captions, batch.sector, elevations_deg(batch), strict=True):
        said = parse_direction(sentence, facing=facing)
        assert said is not None
        assert said.sector == SECTORS[sector]
        assert said.elevation == height(up_deg), sentence


def test_heights_are_said_as_often_as_asked(levels: Corpus) -> None:
    ranges = WindowRanges(looped=0.0, attribute_words={"elevation": 0.3})
    batch = of_levels(levels, scene_ranges=STEEP, window_ranges=ranges, batch_size=400)[0]
    raised = [
        parse_direction(sentence).elevation is not None  # type: ignore[union-attr]
        for sentence, up_deg in zip(batch.spatial_captions, elevations_deg(batch), strict=True)
        if abs(up_deg) > 40.001
    ]
    # Four standard deviations of a binomial share.
    assert abs(np.mean(raised) - 0.3) < 4 * np.sqrt(0.3 * 0.7 / len(raised))


def test_positives_are_those_of_a_double_loop(levels: Corpus) -> None:
    ranges = WindowRanges(looped=0.0, level_db=(0.0, 0.0), low_pass=0.0, attribute_words={"elevation": 0.7})
    batch = of_levels(levels, scene_ranges=STEEP, window_ranges=ranges, batch_size=60)[0]
    sounds = heard_sounds(batch)
    heights = [height(up_deg) for up_deg in elevations_deg(batch)]
    for i, sound in enumerate(sounds):
        for j, (caption, sentence) in enumerate(zip(batch.captions, batch.spatial_captions, strict=True)):
            said = parse_direction(sentence)
            assert said is not None
            fits_sound = caption in CAPTIONS[sound]
            fits_place = said.sector == SECTORS[batch.sector[i]] and said.elevation in (None, heights[i])
            assert batch.same_sound[i, j] == fits_sound
            assert batch.same_scene[i, j] == (fits_sound and fits_place)
    assert batch.same_sound.diagonal().all()
    assert batch.same_scene.diagonal().all()
    # The case would be trivial without positives and without wrong heights off the diagonal.
    assert batch.same_scene.sum() > len(sounds)
    assert (batch.same_sound & (batch.sector[:, None] == batch.sector) & ~batch.same_scene).any()


def test_identity_targets_know_only_the_own_text(levels: Corpus) -> None:
    ranges = WindowRanges(looped=0.0, identity_targets=True, attribute_words={"elevation": 1.0})
    batch = of_levels(levels, window_ranges=ranges, batch_size=40)[0]
    eye = torch.eye(40, dtype=torch.bool)
    assert torch.equal(batch.same_sound, eye)
    assert torch.equal(batch.same_scene, eye)


def test_rivals_are_the_same_sentence_in_the_seven_wrong_sectors(levels: Corpus) -> None:
    ranges = WindowRanges(looped=0.0, attribute_words={"elevation": 0.5})
    batch = of_levels(levels, window_ranges=ranges, batch_size=24)[0]
    for sentence, rivals, sector, caption in zip(
        batch.spatial_captions, batch.rivals, batch.sector, batch.captions, strict=True
    ):
        said, height = parse_direction(sentence), None
        assert said is not None
        height = said.elevation
        wanted = [
            {spatial_caption(caption, s, phrasing=phrasing, elevation=height) for s in range(8) if s != sector}
            for phrasing in TRAINING_PHRASINGS
            if spatial_caption(caption, int(sector), phrasing=phrasing, elevation=height) == sentence
        ]
        assert len(rivals) == 7
        assert set(rivals) in wanted


def test_rivals_come_in_random_order(levels: Corpus) -> None:
    batch = of_levels(levels, batch_size=200)[0]
    first = [parse_direction(rivals[0]) for rivals in batch.rivals]
    turns = {(SECTORS.index(said.sector) - int(s)) % 8 for said, s in zip(first, batch.sector, strict=True)}  # type: ignore[arg-type, union-attr]
    assert turns == set(range(1, 8))


@pytest.mark.parametrize(("length", "repeats", "silent"), [(1000, 4, 800), (2400, 2, 0), (2500, 1, 2300), (4800, 1, 0)])
def test_short_recordings_repeat_as_in_the_paper(
    toy_corpus: Callable[..., Corpus], length: int, repeats: int, silent: int
) -> None:
    ramp = np.linspace(0.1, 0.9, length)
    batch = batches(toy_corpus({"ramp": ramp}))[0]
    wanted = np.concatenate([*[ramp] * repeats, np.zeros(silent)])
    np.testing.assert_allclose(w(batch), np.tile(wanted, (8, 1)), atol=1e-6)


def test_of_a_long_sound_a_random_piece_is_taken(toy_corpus: Callable[..., Corpus]) -> None:
    ramp = np.arange(10_000) / 10_000
    starts = w(batches(toy_corpus({"ramp": ramp}), batch_size=64)[0])
    np.testing.assert_allclose(np.diff(starts), 1e-4, atol=1e-6)
    assert starts[:, 0].min() < 0.1
    assert starts[:, 0].max() > 0.42
    assert starts[:, 0].max() <= 0.52 + 1e-6


def test_looped_sounds_repeat_through_the_window_with_one_pause(toy_corpus: Callable[..., Corpus]) -> None:
    ranges = WindowRanges(looped=1.0, level_db=(0.0, 0.0), low_pass=0.0)
    dataset = batches(toy_corpus({"one": np.ones(600)}), window_ranges=ranges, window_samples=48_000, batch_size=16)
    pauses = []
    for window in w(dataset[0]):
        edges = np.flatnonzero(np.diff(np.concatenate([[0.0], window])))
        periods = np.diff([edge for edge in edges if window[edge] and edge])
        assert len(set(periods)) <= 1
        pauses += [int(period) - 600 for period in periods[:1]]
        assert window.any()
    assert len(set(pauses)) > 8
    assert 0 <= min(pauses) <= max(pauses) < RATE_HZ // 2


def test_a_loop_begins_anywhere(toy_corpus: Callable[..., Corpus]) -> None:
    ranges = WindowRanges(looped=1.0, level_db=(0.0, 0.0), low_pass=0.0)
    ramp = np.linspace(0.01, 1.0, 4800)
    first = w(batches(toy_corpus({"ramp": ramp}), window_ranges=ranges, batch_size=32)[0])[:, 0]
    # Pauses are longer than the sound, so that more than half may begin in one.
    assert len(set(first)) > 8


def test_looped_rooms_ring_to_the_end_of_the_window(toy_corpus: Callable[..., Corpus]) -> None:
    click = np.zeros(200)
    click[0] = 0.7
    rooms = SceneRanges(noise_db=None)
    looped, paper = (
        w(batches(toy_corpus({"a": click}), batch_size=4, scene_ranges=rooms, window_ranges=ranges)[0])
        for ranges in (WindowRanges(looped=1.0, low_pass=0.0), WindowRanges(looped=0.0, low_pass=0.0))
    )
    # The paper's recording ends with the dry sound: what the room adds later is cut and the cut piece repeats.
    assert paper.any()
    np.testing.assert_array_equal(paper[:, :200], paper[:, 200:400])
    assert not np.array_equal(looped[:, :200], looped[:, 200:400])


def test_levels_fill_their_range(levels: Corpus) -> None:
    ranges = WindowRanges(looped=0.0, level_db=(-25.0, 5.0), low_pass=0.0)
    dataset = of_levels(levels, window_ranges=ranges, batch_size=200)
    gain_db = 20 * np.log10(w(dataset[0])[:, 0])
    loudest, softest = (20 * np.log10(f(LEVELS.values())) for f in (max, min))
    assert softest - 25 <= gain_db.min() < softest - 20
    assert loudest < gain_db.max() <= loudest + 5


def test_low_passed_noise_has_nothing_above_the_cutoff(rng: np.random.Generator) -> None:
    noise = rng.standard_normal(48_000).astype(np.float32)
    filtered = _low_passed(noise, 5000.0, rate_hz=RATE_HZ)
    assert filtered.dtype == np.float32
    assert filtered.shape == noise.shape
    before, after = (np.abs(np.fft.rfft(x)) ** 2 for x in (noise, filtered))
    hz = np.fft.rfftfreq(len(noise), 1 / RATE_HZ)
    # 63 taps of a Hamming window change from pass to stop within 1.3 kHz.
    passed, stopped = hz < 4300, hz > 5700
    assert 10 * np.log10(after[passed].sum() / before[passed].sum()) == pytest.approx(0, abs=0.1)
    assert 10 * np.log10(after[stopped].sum() / before[stopped].sum()) < -45


def test_a_low_pass_does_not_delay(rng: np.random.Generator) -> None:
    smooth = np.sin(2 * np.pi * 500 * np.arange(4800) / RATE_HZ).astype(np.float32)
    filtered = _low_passed(smooth, 4000.0, rate_hz=RATE_HZ)
    np.testing.assert_allclose(filtered[100:-100], smooth[100:-100], atol=5e-3)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_the_share_of_low_passed_windows(toy_corpus: Callable[..., Corpus], share: float) -> None:
    corpus = toy_corpus({"noise": np.random.default_rng(0).standard_normal(4800)})
    dataset = batches(corpus, window_ranges=WindowRanges(looped=0.0, low_pass=share), batch_size=100)
    power = np.abs(np.fft.rfft(w(dataset[0]))) ** 2
    # The highest cut-off is 11 kHz: above 11.7 nothing is left of a filtered window.
    dull = power[:, -60:].sum(axis=1) / power.sum(axis=1) < 1e-3
    assert abs(dull.mean() - share) <= 4 * np.sqrt(share * (1 - share) / 100)


class InOrder:
    """A source whose scenes tell their number: by the seed, and by the elevation in hundredths of a degree."""

    def __init__(self, corpus: Corpus, count: int, sound: str = "noise") -> None:
        self.corpus, self.count, self.sound = corpus, count, sound

    def __len__(self) -> int:
        return self.count

    def draw(self, number: int, rng: np.random.Generator) -> Drawn:
        (sound,) = (sound for sound in self.corpus.sounds if sound.id == self.sound)
        source = Source(
            sound_id=sound.id, caption=sound.caption, azimuth_deg=0.0, elevation_deg=number / 100, distance_m=1.0
        )
        return Drawn(self.corpus, sound, Scene(seed=number, sources=(source,)))


@pytest.fixture
def noise(toy_corpus: Callable[..., Corpus], rng: np.random.Generator) -> Corpus:
    return toy_corpus({"noise": 0.1 * rng.standard_normal(12_000)})


def numbers(batch: Batch[Seen]) -> list[int]:
    return [round(100 * up_deg) for up_deg in elevations_deg(batch)]


def test_scenes_are_asked_for_in_order_and_epochs_drop_what_is_left_over(noise: Corpus) -> None:
    dataset = batches(noise, source=InOrder(noise, 11), batch_size=4, batches=5)
    assert dataset.epoch_batches == 2
    assert [numbers(batch) for batch in dataset] == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [11, 12, 13, 14],
        [15, 16, 17, 18],
        [22, 23, 24, 25],
    ]


def test_batches_of_more_than_an_epoch_run_on(noise: Corpus) -> None:
    dataset = batches(noise, source=InOrder(noise, 3), batch_size=4, batches=2)
    assert [numbers(batch) for batch in dataset] == [[0, 1, 2, 3], [4, 5, 6, 7]]


@pytest.mark.parametrize("identity", [False, True])
@pytest.mark.parametrize("parts", [1, 2, 4])
def test_the_parts_of_a_batch_are_the_batch(noises: Corpus, parts: int, identity: bool) -> None:
    ranges = WindowRanges(attribute_words={"elevation": 0.5}, identity_targets=identity)
    rooms = SceneRanges(anechoic=0.7)
    whole = batches(noises, scene_ranges=rooms, window_ranges=ranges)[3]
    split = [batches(noises, scene_ranges=rooms, window_ranges=ranges, part=(rank, parts))[3] for rank in range(parts)]
    assert {part.same_sound.shape for part in split} == {(8 // parts, 8)}
    joined = Batch(
        observation=Seen(torch.cat([part.observation.windows for part in split])),
        **{
            name: torch.cat([getattr(part, name) for part in split])
            if isinstance(getattr(whole, name), Tensor)
            else [entry for part in split for entry in getattr(part, name)]
            for name in Batch._fields[1:]
        },
    )
    assert_equal(joined, whole)


def test_a_part_renders_only_its_own_items(noises: Corpus) -> None:
    seen_items = []
    dataset = batches(noises, observe=lambda foa: seen_items.append(len(foa)) or seen(foa), part=(1, 4))
    assert dataset[0].observation.windows.shape == (2, 4, 4800)
    assert sum(seen_items) == 2


@pytest.mark.parametrize("part", [(0, 3), (2, 2), (-1, 2), (0, 0)])
def test_parts_that_cannot_be_are_refused(noises: Corpus, part: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"part {part[0]} of {part[1]} is none of a batch of 8 items"):
        batches(noises, part=part)


def test_a_long_sound_is_heard_in_its_room_before_a_piece_is_taken(noise: Corpus) -> None:
    rooms = SceneRanges(noise_db=None)
    dataset = batches(noise, source=FreshScenes([(noise, 1.0)], rooms), batch_size=2)
    for place, window in enumerate(dataset[0].observation.windows.numpy()):
        item = dataset._item(0, place)
        wanted = fit_to_window(render_scene(item.scene, noise, rate_hz=RATE_HZ), 4800, rng=item.rng)
        np.testing.assert_allclose(window, wanted, rtol=0, atol=2e-6 * np.abs(wanted).max())


@pytest.mark.parametrize("looped", [0.0, 1.0])
@pytest.mark.parametrize("fixed", [True, False])
def test_a_fixed_crop_is_the_same_in_every_epoch(toy_corpus: Callable[..., Corpus], fixed: bool, looped: float) -> None:
    class Always(InOrder):
        def draw(self, number: int, rng: np.random.Generator) -> Drawn:
            return super().draw(number % self.count, rng)

    ramp = toy_corpus({"noise": np.arange(1.0, 24_001)})
    ranges = WindowRanges(looped=looped, level_db=(0.0, 0.0), low_pass=0.0, fixed_crop=fixed)
    # At this rate a pause has less than 100 samples, so that a loop shows all but 100 of its piece.
    dataset = batches(ramp, source=Always(ramp, 8), window_ranges=ranges, rate_hz=200)
    first, second = (np.where(w(dataset[number]) > 0, w(dataset[number]), np.inf).min(axis=1) for number in (0, 1))
    assert len(set(first)) == 8
    assert (np.abs(first - second).max() < 100) == fixed


@pytest.mark.parametrize("name", ["listener", "compass", "clock"])
def test_captions_are_of_the_vocabularies_that_are_asked_for(levels: Corpus, name: str) -> None:
    ranges = WindowRanges(looped=0.0, low_pass=0.0, attribute_words={}, vocabularies={name: 0.5})
    batch = of_levels(levels, window_ranges=ranges, batch_size=40)[0]
    for sentence, caption, sector in zip(batch.spatial_captions, batch.captions, batch.sector, strict=True):
        assert sentence in {
            spatial_caption(caption, int(sector), phrasing=phrasing)
            for phrasing in TRAINING_PHRASINGS
            if phrasing.vocabulary == name
        }


@pytest.mark.parametrize(
    ("vocabularies", "message"),
    [
        ({"compass": 1.0, "nautical": 0.1}, "'nautical' but may have listener, compass, clock"),
        ({}, r"\[\] but must not be negative, nor all zero"),
        ({"compass": 0.0}, "nor all zero"),
        ({"compass": 1.0, "clock": -0.1}, "must not be negative"),
        ({"compass": float("nan")}, "must not be negative"),
    ],
)
def test_impossible_vocabularies_are_refused(vocabularies: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        WindowRanges(vocabularies=vocabularies)


def test_identity_targets_hold_for_scenes_that_are_alike(noise: Corpus) -> None:
    ranges = WindowRanges(looped=0.0, low_pass=0.0, identity_targets=True)
    batch = batches(noise, source=InOrder(noise, 8), window_ranges=ranges)[0]
    assert torch.equal(batch.same_scene, torch.eye(8, dtype=torch.bool))
    np.testing.assert_allclose(batch.direction[5], unit_vector(0.0, 0.05), atol=1e-7)


@pytest.mark.parametrize("changes", [{}, {"looped": 1.0}], ids=["piece", "looped"])
def test_measured_scenes_are_heard_where_their_responses_are(
    toy_corpus: Callable[..., Corpus], changes: dict[str, float]
) -> None:
    samples = np.zeros(500, np.float32)
    samples[20] = 0.01
    items = [
        MeasuredResponse(id=str(azimuth), room="hall", azimuth_deg=azimuth, elevation_deg=0.0) for azimuth in (90, -45)
    ]
    responses = ResponseSet(
        name="made", items=tuple(items), reader=lambda name: (encode_plane_wave(samples, float(name)), RATE_HZ)
    )
    corpus = toy_corpus({"dog": np.random.default_rng(0).standard_normal(9600)})
    source = FreshScenes([(corpus, 1.0)], FREE_FIELD, measured=(responses, 1.0))
    changed = replace(PLAIN, **changes)
    batch = batches(corpus, source=source, window_ranges=changed, window_samples=24_000)[0]
    windows = batch.observation.windows.numpy()
    intensity = np.stack([(windows[:, 0] * windows[:, axis]).sum(axis=1) for axis in (3, 1, 2)], axis=1)
    assert angle_between_deg(intensity, batch.direction.numpy()).max() < 0.5
    assert set(batch.sector.tolist()) == {2, 7}


SEVERAL = SceneRanges(anechoic=1.0, noise_db=None, sources=(0.0, 1.0, 0.0))


def test_two_sounds_are_named_with_their_places(levels: Corpus) -> None:
    batch = of_levels(levels, scene_ranges=SEVERAL, batch_size=32)[0]
    assert not batch.located.any()
    for caption, sentence, sector in zip(batch.captions, batch.spatial_captions, batch.sector, strict=True):
        assert " and " in caption
        with pytest.raises(InputError, match="several directions"):
            parse_direction(sentence)
        words = {
            place
            for vocabulary in VOCABULARY_SHARES
            for place in place_words(int(sector), vocabulary=vocabulary).values()
        }
        assert any(re.search(rf"\b{word}\b", sentence, re.IGNORECASE) for word in words)


def test_a_rival_has_two_sounds_exchanged(levels: Corpus) -> None:
    ranges = WindowRanges(looped=0.0, low_pass=0.0, vocabularies={"listener": 1.0}, attribute_words={})
    batch = of_levels(levels, scene_ranges=SEVERAL, window_ranges=ranges, batch_size=64)[0]
    for sentence, (exchanged, *turned) in zip(batch.spatial_captions, batch.rivals, strict=True):
        assert sorted(re.findall(r"\w+", exchanged.lower())) == sorted(re.findall(r"\w+", sentence.lower()))
        assert exchanged != sentence
        # Of sounds on opposite sides, to exchange is to turn.
        assert len({sentence, *turned}) == 7


def test_a_moving_source_goes_from_where_it_is_said_to_where_it_is_said(levels: Corpus) -> None:
    ranges = SceneRanges(anechoic=1.0, noise_db=None, moving=1.0)
    batch = of_levels(levels, scene_ranges=ranges, batch_size=64)[0]
    assert not batch.located.any()
    moving = [sentence for sentence in batch.spatial_captions if "moving" in sentence]
    # The toy sounds last 20 ms: nothing gets far enough for another sector, unless it begins beside the border.
    assert len(moving) < len(batch.spatial_captions) // 4


def test_attributes_are_said_where_they_are_true(noises: Corpus) -> None:
    every = dict.fromkeys(ATTRIBUTES, 1.0)
    rooms = SceneRanges(noise_db=None, nearest_m=0.4, gain_db=(-20.0, 20.0))
    windows = WindowRanges(looped=0.0, low_pass=0.0, attribute_words=every)
    dataset = batches(noises, scene_ranges=rooms, window_ranges=windows, batch_size=48)
    drawn = [dataset.source.draw(number, rng_of(number)).scene for number in range(48)]
    for sentence, scene in zip(dataset[0].spatial_captions, drawn, strict=True):
        source = scene.sources[0]
        length_m, width_m, _ = scene.room.size_m
        assert ("close by" in sentence) == (source.distance_m < 1)
        assert ("far away" in sentence) == (source.distance_m > 2)
        assert (re.search(r"\bsmall\b", sentence) is not None) == (length_m * width_m < 50)
        assert (re.search(r"\blarge\b", sentence) is not None) == (length_m * width_m > 100)
        assert ("reverberant" in sentence) == (scene.room.mid_rt60_s > 1)
        assert (re.search(r"\bdry\b", sentence) is not None) == (scene.room.mid_rt60_s < 0.2)
        assert ("loud" in sentence) == (source.gain_db > 10)
        assert ("quiet" in sentence) == (source.gain_db < -10)


def rng_of(place: int) -> np.random.Generator:
    """The generator of an item of the first batch."""
    return np.random.default_rng([3, 0, place])


def test_unknown_attributes_are_refused() -> None:
    with pytest.raises(InputError, match="attribute_words has 'colour' but may have elevation, distance"):
        WindowRanges(attribute_words={"colour": 0.5})


@pytest.mark.parametrize("changes", [{"turned": 1.0}, {"mirrored": 1.0}, {"turned": 0.5, "mirrored": 0.5}])
def test_windows_turn_with_their_labels_and_sentences(noises: Corpus, changes: dict[str, float]) -> None:
    ranges = WindowRanges(looped=0.0, level_db=(0.0, 0.0), low_pass=0.0, attribute_words={}, **changes)
    batch, plain = (batches(noises, window_ranges=each, batch_size=24)[0] for each in (ranges, PLAIN))
    assert not torch.allclose(batch.direction, plain.direction)
    for window, direction, sector, sentence in zip(
        batch.observation.windows.numpy(), batch.direction.numpy(), batch.sector, batch.spatial_captions, strict=True
    ):
        w, y, z, x = window.astype(np.float64)
        assert angle_between_deg(np.array([(w * x).sum(), (w * y).sum(), (w * z).sum()]), direction) < 0.1
        assert sector_index(float(np.rad2deg(np.arctan2(direction[1], direction[0])))) == sector
        assert parse_direction(sentence).sector == SECTORS[sector]  # type: ignore[union-attr]


def test_what_says_a_place_itself_is_neither_turned_nor_mirrored(toy_corpus: Callable[..., Corpus]) -> None:
    captions = {"car": ("A car passes from left to right.",), "dog": ("A dog barks.",)}
    corpus = toy_corpus({name: np.full(480, 0.1) for name in captions}, captions)
    ranges = WindowRanges(looped=0.0, level_db=(0.0, 0.0), low_pass=0.0, attribute_words={}, turned=1.0, mirrored=1.0)
    batch, plain = (of_levels(corpus, window_ranges=each, batch_size=40)[0] for each in (ranges, PLAIN))
    stayed = (batch.direction == plain.direction).all(dim=1)
    assert stayed.tolist() == ["left to right" in caption for caption in batch.captions]
    assert 5 < stayed.sum() < 35


def test_a_moving_source_is_heard_where_its_sentence_says(toy_corpus: Callable[..., Corpus]) -> None:
    rng = np.random.default_rng(0)
    corpus = toy_corpus({"car": 0.1 * rng.standard_normal(240_000)}, {"car": ("A car passes.",)})
    scenes = SceneRanges(anechoic=1.0, noise_db=None, moving=1.0, elevation_deg=0.0)
    ranges = WindowRanges(looped=0.0, level_db=(0.0, 0.0), low_pass=0.0, turned=1.0, vocabularies={"listener": 1.0})
    # Windows of half the sound: the way that is heard is half of the way that was drawn.
    batch = batches(corpus, scene_ranges=scenes, window_ranges=ranges, window_samples=120_000, batch_size=16)[0]
    ways = 0
    for window, sentence in zip(batch.observation.windows.numpy(), batch.spatial_captions, strict=True):
        ends = [sector_of(window[:, :400]), sector_of(window[:, -400:])]
        _, _, way = sentence.partition(", moving ")
        if not way:
            assert ends[0] == ends[1] == parse_direction(sentence).sector  # type: ignore[union-attr]
            continue
        ways += 1
        start, _, end = way.partition(" to the ")
        assert parse_direction(start).sector == ends[0]  # type: ignore[union-attr]
        assert parse_direction(f"from the {end}").sector == ends[1]  # type: ignore[union-attr]
    assert ways > 4


def sector_of(samples: np.ndarray) -> str:
    w, y, _, x = samples.astype(np.float64)
    return SECTORS[sector_index(float(np.rad2deg(np.arctan2((w * y).sum(), (w * x).sum()))))]


@pytest.mark.parametrize("name", ["turned", "mirrored"])
def test_shares_that_cannot_be_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"{name} is 1.5 but must be a share"):
        WindowRanges(**{name: 1.5})  # type: ignore[arg-type]
