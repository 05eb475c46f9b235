"""Sources of scenes: each scene follows from its number, and fixed ones are shown once an epoch."""

import pickle
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from salm.acoustics.measured.base import MeasuredResponse, ResponseSet
from salm.errors import InputError
from salm.frame import parse_direction, sector_index
from salm.scenes.corpora.base import Corpus
from salm.scenes.corpora.procedural import ProceduralCorpus
from salm.scenes.rephrase.ask import Asker
from salm.scenes.rephrase.run import rephrase_scenes
from salm.scenes.rephrase.store import SpatialCaptions
from salm.scenes.sample import SceneRanges, draw_measured, draw_variants
from salm.scenes.scene import Scene
from salm.scenes.source import FixedScenes, FreshScenes, _caption_weights
from salm.scenes.storage import SceneTable

CAPTIONS = {"dog": ("A dog barks.", "Barking."), "hound": ("A dog barks.", "A hound."), "rain": ("Rain falls.",)}


@pytest.fixture
def toys(toy_corpus: Callable[..., Corpus]) -> Corpus:
    return toy_corpus(dict.fromkeys(CAPTIONS, np.ones(480)), CAPTIONS)


def variants(corpus: Corpus, *, seed: int = 0) -> list[Scene]:
    rng = np.random.default_rng(seed)
    return [scene for sound in corpus.sounds for scene in draw_variants(rng, sound)]


def drawn(source: FixedScenes | FreshScenes, numbers: range) -> list[Scene]:
    return [source.draw(number, np.random.default_rng(number)).scene for number in numbers]


@pytest.fixture
def fixed(toys: Corpus, scene_file: Callable[..., Path]) -> FixedScenes:
    table = SceneTable(scene_file("a.jsonl", {"train": variants(toys)}))
    return FixedScenes([(table, toys)], seed=3)


def test_fresh_scenes_come_by_the_share_of_their_corpus(toy_corpus: Callable[..., Corpus]) -> None:
    rare, common, never = (toy_corpus({name: np.ones(1)}) for name in ("dog", "bell", "rain"))
    source = FreshScenes([(rare, 1.0), (common, 3.0), (never, 0.0)])
    counts = Counter(scene.sources[0].sound_id for scene in drawn(source, range(400)))
    assert counts["rain"] == 0
    assert abs(counts["dog"] / 400 - 0.25) < 4 * np.sqrt(0.25 * 0.75 / 400)


def test_caption_weights_go_with_the_root_of_their_number(toy_corpus: Callable[..., Corpus]) -> None:
    captions = {name: ("Rain.", f"{name}.") for name in "abcd"} | {"e": ("Thunder.",)}
    weights = _caption_weights(toy_corpus(dict.fromkeys("abcde", np.ones(1)), captions).sounds)
    # Four sounds together count twice as much as one: 2 : 1.
    np.testing.assert_allclose(weights, [1 / 6, 1 / 6, 1 / 6, 1 / 6, 1 / 3])


def test_sounds_are_drawn_by_their_caption_weight(toys: Corpus) -> None:
    counts = Counter(scene.sources[0].sound_id for scene in drawn(FreshScenes([(toys, 1.0)]), range(600)))
    wanted = 1 / (1 + np.sqrt(2))
    assert abs(counts["rain"] / 600 - wanted) < 4 * np.sqrt(wanted * (1 - wanted) / 600)


def test_a_fresh_epoch_is_every_sound_at_three_places(toys: Corpus) -> None:
    assert len(FreshScenes([(toys, 1.0), (toys, 2.0)])) == 18


def test_fresh_scenes_follow_from_the_generator_and_the_ranges(toys: Corpus) -> None:
    source = FreshScenes([(toys, 1.0)], SceneRanges(anechoic=1.0))
    first, again = (source.draw(number, np.random.default_rng(7)) for number in (0, 9))
    assert first == again
    assert first.scene.room is None
    assert first.sound.id == first.scene.sources[0].sound_id


@pytest.mark.parametrize("epoch", [0, 1, 5])
def test_an_epoch_shows_every_scene_once(fixed: FixedScenes, toys: Corpus, epoch: int) -> None:
    scenes = drawn(fixed, range(epoch * 9, epoch * 9 + 9))
    assert sorted(scenes, key=repr) == sorted(variants(toys), key=repr)


def test_each_epoch_and_each_seed_has_its_own_order(fixed: FixedScenes) -> None:
    first, second = drawn(fixed, range(9)), drawn(fixed, range(9, 18))
    other = FixedScenes(list(zip(fixed.tables, fixed.corpora, strict=True)), seed=4)
    assert first != second
    assert first != drawn(other, range(9))
    # Whatever was drawn in between.
    assert first == drawn(fixed, range(9))


def test_a_fixed_scene_comes_with_its_sound(fixed: FixedScenes, toys: Corpus) -> None:
    for number in range(9):
        corpus, sound, scene, responses, said = fixed.draw(number, np.random.default_rng(0))
        assert responses is None
        assert said is None
        assert corpus is toys
        assert sound in toys.sounds
        assert sound.id == scene.sources[0].sound_id


def test_tables_are_shuffled_together(
    toys: Corpus, toy_corpus: Callable[..., Corpus], scene_file: Callable[..., Path]
) -> None:
    bells = toy_corpus({name: np.ones(1) for name in ("bell", "gong")})
    tables = [
        (SceneTable(scene_file(f"{len(corpus.sounds)}.jsonl", {"train": variants(corpus)})), corpus)
        for corpus in (toys, bells)
    ]
    source = FixedScenes(tables, seed=0)
    some = [source.draw(number, np.random.default_rng(0)) for number in range(15)]
    assert len(source) == 15
    assert sorted((one.scene for one in some), key=repr) == sorted(variants(toys) + variants(bells), key=repr)
    assert all(one.sound in one.corpus.sounds for one in some)
    assert {one.corpus is toys for one in some[:9]} == {True, False}


def test_a_source_goes_to_another_process(fixed: FixedScenes) -> None:
    assert drawn(pickle.loads(pickle.dumps(fixed)), range(18)) == drawn(fixed, range(18))


def test_files_are_opened_with_their_corpus_and_splits(scene_file: Callable[..., Path]) -> None:
    scenes = variants(ProceduralCorpus(split="train", per_kind=1))
    paths = [scene_file(f"{n}.jsonl", {"train": scenes[:n], "val": scenes[:2]}, split="train") for n in (3, 6)]
    assert len(FixedScenes.open(paths, seed=0)) == 9
    assert len(FixedScenes.open(paths, splits=("train", "val"), seed=0)) == 13
    with pytest.raises(InputError, match=r"3\.jsonl has no scenes of the split 'test'; it has train, val"):
        FixedScenes.open(paths, splits=("train", "test"), seed=0)


def test_a_sound_that_is_gone_is_named_at_once(
    toys: Corpus, toy_corpus: Callable[..., Corpus], scene_file: Callable[..., Path]
) -> None:
    table = SceneTable(scene_file("a.jsonl", {"train": variants(toys)}))
    fewer = toy_corpus({"dog": np.ones(1), "hound": np.ones(1)})
    with pytest.raises(InputError, match=r"a\.jsonl, line 8: the corpus toy has no sound 'rain'"):
        FixedScenes([(table, fewer)], seed=0)


def test_no_scenes_are_no_source(toys: Corpus, scene_file: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match=r"no scenes in .*a\.jsonl"):
        FixedScenes([(SceneTable(scene_file("a.jsonl", {})), toys)], seed=0)


def measured() -> ResponseSet:
    item = MeasuredResponse(id="a", room="hall", azimuth_deg=90.0, elevation_deg=0.0)
    return ResponseSet(name="made", items=(item,), reader=lambda _: (np.ones((4, 8), np.float32), 24_000))


def test_a_share_of_fresh_scenes_is_measured(toys: Corpus) -> None:
    source = FreshScenes([(toys, 1.0)], SceneRanges(anechoic=1.0), measured=(measured(), 0.25))
    found = [source.draw(0, np.random.default_rng(number)) for number in range(400)]
    through = [item for item in found if item.scene.responses == "made"]
    assert all((item.responses is not None) == (item.scene.responses is not None) for item in found)
    # Four standard deviations of a binomial share.
    assert abs(len(through) / 400 - 0.25) < 4 * np.sqrt(0.25 * 0.75 / 400)


def test_without_measured_responses_the_same_scenes_are_drawn_as_ever(toys: Corpus) -> None:
    plain, none = FreshScenes([(toys, 1.0)]), FreshScenes([(toys, 1.0)], measured=None)
    assert drawn(plain, range(5)) == drawn(none, range(5))
    with pytest.raises(InputError, match=r"share of measured responses is 1\.5"):
        FreshScenes([(toys, 1.0)], measured=(measured(), 1.5))


def test_fixed_measured_scenes_come_with_their_responses(toys: Corpus, scene_file: Callable[..., Path]) -> None:
    rng, responses = np.random.default_rng(0), measured()
    scenes = [draw_measured(rng, toys.sounds[0], responses), *variants(toys)]
    table = SceneTable(scene_file("m.jsonl", {"train": scenes}))
    source = FixedScenes([(table, toys)], seed=3, responses=responses)
    found = [source.draw(number, rng) for number in range(len(scenes))]
    assert sum(item.responses is responses for item in found) == 1
    assert all((item.responses is not None) == (item.scene.responses is not None) for item in found)


def test_spatial_captions_come_with_their_scene(toys: Corpus, scene_file: Callable[..., Path], tmp_path: Path) -> None:
    path = scene_file("a.jsonl", {"val": variants(toys)[:4], "train": variants(toys)[4:]})
    rephrase_scenes(path, tmp_path / "c", Asker(backend=None))
    table = SceneTable(path).select("train")
    source = FixedScenes([(table, toys)], seed=0, captions=[SpatialCaptions(tmp_path / "c", scenes=table)])
    again = pickle.loads(pickle.dumps(source))
    for number in range(2 * len(table)):
        for _, _, scene, _, said in (one.draw(number, np.random.default_rng(0)) for one in (source, again)):
            ((caption, sentence),) = said.items()
            place = parse_direction(sentence, facing="south")
            assert caption == scene.sources[0].caption
            assert sector_index(place.azimuth_deg) == scene.sources[0].sector


def test_each_table_needs_its_captions(toys: Corpus, scene_file: Callable[..., Path], tmp_path: Path) -> None:
    path = scene_file("a.jsonl", {"train": variants(toys)})
    rephrase_scenes(path, tmp_path / "c", Asker(backend=None))
    table = SceneTable(path)
    captions = SpatialCaptions(tmp_path / "c", scenes=table)
    with pytest.raises(ValueError, match="1 files of captions for 2 tables"):
        FixedScenes([(table, toys), (table, toys)], seed=0, captions=[captions])


def test_shares_of_scenes_with_one_two_and_three_sources(toy_corpus: Callable[..., Corpus]) -> None:
    corpus = toy_corpus({name: np.ones(480) for name in "abcdefgh"})
    source = FreshScenes([(corpus, 1.0)], SceneRanges(anechoic=1.0, sources=(5.0, 3.0, 2.0)))
    scenes = drawn(source, range(600))
    counts = Counter(len(scene.sources) for scene in scenes)
    for number, share in ((1, 0.5), (2, 0.3), (3, 0.2)):
        assert abs(counts[number] / 600 - share) < 4 * np.sqrt(share * (1 - share) / 600)
    assert all(len({part.sound_id for part in scene.sources}) == len(scene.sources) for scene in scenes)


def test_no_two_sounds_of_a_scene_share_a_caption(toys: Corpus) -> None:
    source = FreshScenes([(toys, 1.0)], SceneRanges(anechoic=1.0, sources=(0.0, 0.0, 1.0)))
    for scene in drawn(source, range(100)):
        # Dog and hound are both "A dog barks.", and so there are never three.
        assert [sound.sound_id == "rain" for sound in scene.sources].count(True) == 1
        assert len(scene.sources) == 2


def test_backgrounds_are_sounds_that_are_everywhere(toys: Corpus, toy_corpus: Callable[..., Corpus]) -> None:
    ranges = SceneRanges(anechoic=1.0, ambience=1.0)
    scenes = drawn(FreshScenes([(toys, 1.0)], ranges), range(30))
    assert {scene.ambience.sound_id for scene in scenes} == {"rain"}
    dogs = toy_corpus({"dog": np.ones(480), "train": np.ones(480)}, {"dog": ("A dog barks.",), "train": ("A train.",)})
    assert {scene.ambience.sound_id for scene in drawn(FreshScenes([(dogs, 1.0)], ranges), range(30))} == {None}
