"""The scenes of the protocol, the gallery, and what is heard of them."""

from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from salm.audio.recording import Recording
from salm.errors import InputError
from salm.evaluation.gallery import (
    draw_scenes,
    gallery_indices,
    hear_beside_baselines,
    hear_samples,
    hear_scenes,
    rendered,
    source_recordings,
    true_directions,
    true_sectors,
)
from salm.frame import angle_between_deg, unit_vector
from salm.model.inference import AudioEmbeddings
from salm.scenes.sample import SceneRanges
from salm.scenes.scene import Scene, Source


def scene(caption: str, azimuth_deg: float, sound_id: str = "toy-0") -> Scene:
    source = Source(sound_id=sound_id, caption=caption, azimuth_deg=azimuth_deg, elevation_deg=30.0, distance_m=1.0)
    return Scene(seed=0, sources=(source, replace(source, azimuth_deg=-170.0)))


def test_scenes_use_all_sounds_about_equally(toy_corpus) -> None:
    drawn = draw_scenes(toy_corpus, count=230, seed=1)
    uses = Counter(scene.sources[0].sound_id for scene in drawn)
    assert (len(uses), min(uses.values()), max(uses.values())) == (96, 2, 3)
    assert set(Counter(s.sources[0].sound_id for s in drawn[:96]).values()) == {1}


def test_scenes_depend_on_the_seed_alone(toy_corpus) -> None:
    assert draw_scenes(toy_corpus, count=5, seed=1) == draw_scenes(toy_corpus, count=5, seed=1)
    assert draw_scenes(toy_corpus, count=5, seed=1) != draw_scenes(toy_corpus, count=5, seed=2)
    assert draw_scenes(toy_corpus, count=9, seed=1)[:5] == draw_scenes(toy_corpus, count=5, seed=1)


def test_azimuths_have_no_gaps(toy_corpus) -> None:
    ranges = SceneRanges(anechoic=1.0)
    drawn = true_directions(draw_scenes(toy_corpus, count=400, seed=0, ranges=ranges))
    counts, _ = np.histogram(np.rad2deg(np.arctan2(drawn[:, 1], drawn[:, 0])), bins=16, range=(-180, 180))
    # 25 are expected in each; five standard deviations are 24.
    assert counts.min() > 1


def test_nothing_to_draw_from(toy_corpus) -> None:
    with pytest.raises(InputError, match="at least 1"):
        draw_scenes(toy_corpus, count=0, seed=0)
    with pytest.raises(InputError, match="0 sounds"):
        draw_scenes(type(toy_corpus)(0), count=3, seed=0)


def test_the_gallery_has_each_pair_once() -> None:
    scenes = [scene("a", 0), scene("b", 0), scene("a", 20), scene("a", 90), scene("b", 90), scene("a", -1)]
    assert gallery_indices(scenes) == [0, 1, 3, 4]
    assert gallery_indices(scenes, count=2) == [0, 1]


def test_the_first_source_is_the_truth() -> None:
    scenes = [scene("a", 90), scene("b", -44)]
    np.testing.assert_allclose(true_directions(scenes), unit_vector(np.array([90.0, -44.0]), 30.0))
    assert true_sectors(scenes).tolist() == [2, 7]


def test_a_recording_is_the_mean_of_its_windows(rng: np.random.Generator) -> None:
    rows = [rng.standard_normal((windows, 9)) for windows in (3, 1)]

    def hear(recording: Recording) -> SimpleNamespace:
        assert (recording.rate_hz, recording.layout) == (8000, "foa")
        parts = rows[recording.samples.shape[1]]
        embeddings = AudioEmbeddings(parts[:, :2], parts[:, 2:4], parts[:, 4:6])
        return SimpleNamespace(embeddings=embeddings, direction=parts[:, 6:])

    model = SimpleNamespace(hear=hear, config=SimpleNamespace(features=SimpleNamespace(rate_hz=8000)))
    rows.insert(0, np.zeros(0))
    heard = hear_samples(model, (np.zeros((4, length), np.float32) for length in (1, 2)))
    together = np.concatenate([*heard.embeddings, heard.direction], axis=1)
    np.testing.assert_allclose(together, [rows[1].mean(axis=0), rows[2][0]])
    np.testing.assert_array_equal(heard.take([1]).direction, heard.direction[1:])
    np.testing.assert_array_equal(heard.take(np.array([1, 0])).embeddings.joint, heard.embeddings.joint[::-1])


def test_scenes_are_heard_in_order(toy_corpus, make_oracle) -> None:
    scenes = draw_scenes(toy_corpus, count=6, seed=4, ranges=SceneRanges(anechoic=1.0, noise_db=None))
    heard = hear_scenes(make_oracle(), toy_corpus, scenes)
    np.testing.assert_allclose(heard.direction, true_directions(scenes), atol=1e-6)


def test_baselines_find_plane_waves(toy_corpus, make_oracle) -> None:
    scenes = draw_scenes(toy_corpus, count=4, seed=4, ranges=SceneRanges(anechoic=1.0, noise_db=None))
    oracle = make_oracle()
    heard, found = hear_beside_baselines(oracle, rendered(toy_corpus, scenes, rate_hz=8000))
    assert len(oracle.heard) == 4
    np.testing.assert_array_equal(heard.direction, hear_scenes(make_oracle(), toy_corpus, scenes).direction)
    assert list(found) == ["intensity", "intensity_onset"]
    for directions in found.values():
        np.testing.assert_allclose(angle_between_deg(directions, true_directions(scenes)), 0, atol=0.01)


def test_cuts_of_one_recording_are_one(toy_corpus) -> None:
    """Without a group a sound is a recording of its own."""
    sounds = [replace(sound, group=group) for sound, group in zip(toy_corpus.sounds, ("x", "y", "x", ""), strict=False)]
    corpus = SimpleNamespace(sounds=tuple(sounds))
    drawn = [scene("a", 0, sound_id=f"toy-{number}") for number in (2, 1, 0, 3, 2)]
    numbers = source_recordings(corpus, drawn).tolist()
    assert numbers[0] == numbers[2] == numbers[4]
    assert len(set(numbers)) == 3
