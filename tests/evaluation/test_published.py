"""The paper's galleries: three positions a clip, every caption of it, identity targets."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from salm.acoustics.measured.base import MeasuredResponse, ResponseSet
from salm.audio.formats import encode_plane_wave
from salm.errors import InputError
from salm.evaluation.intervals import intervals, plain
from salm.evaluation.published import hear_clips, published_measured, published_tables
from salm.scenes.recipes import JITTERS, clip_scenes

ALL = (1, 2, 3)


@pytest.fixture
def two_captions(toy_corpus):
    """A corpus of eight clips of which every other has two captions."""
    corpus = type(toy_corpus)(8)
    corpus.sounds = tuple(
        replace(sound, captions=(*sound.captions, f"{sound.caption} once more")) if number % 2 else sound
        for number, sound in enumerate(corpus.sounds)
    )
    return corpus


@pytest.fixture
def in_the_free_field(monkeypatch) -> None:
    """Rooms without walls: the stand-in recognises dry sounds."""
    from salm.evaluation import published

    monkeypatch.setattr(
        published,
        "clip_scenes",
        lambda sound, **given: tuple(replace(scene, room=None) for scene in clip_scenes(sound, **given)),
    )


@pytest.fixture
def clips(make_oracle, two_captions, in_the_free_field):
    return hear_clips(make_oracle(), two_captions, scenes=None, seed=3)


def test_scenes_are_those_of_the_paper_s_data_sets(make_oracle, toy_corpus, in_the_free_field) -> None:
    clips = hear_clips(make_oracle(), toy_corpus, scenes=20, seed=3)
    assert len(clips.scenes) == 18
    assert clips.clip.tolist() == np.repeat(np.arange(6), 3).tolist()
    for number, sound in enumerate(clips.sounds):
        own = clips.scenes[3 * number : 3 * number + 3]
        made = clip_scenes(sound, seed=3, ranges=JITTERS["wide"])
        assert own == tuple(replace(scene, room=None) for scene in made)
        assert len({scene.sources[0].sector for scene in own}) == 3
    assert clips.sounds != hear_clips(make_oracle(), toy_corpus, scenes=20, seed=4).sounds


def test_every_caption_is_said_of_every_position(clips) -> None:
    said = clips.spatial_captions
    assert Counter(said.owner.tolist()) == {scene: 1 + scene // 3 % 2 for scene in range(24)}
    # Eight clips with twelve captions at three different sectors.
    assert len(said.sentences) == len(said.said) == 36


def test_the_words_are_the_paper_s_in_the_compass_of_the_model(make_oracle, two_captions, in_the_free_field) -> None:
    heard = []
    oracle = make_oracle()
    oracle.config.facing = "south"
    said = oracle.embed_text
    oracle.embed_text = lambda sentences: heard.extend(sentences) or said(sentences)
    clips = hear_clips(oracle, two_captions, scenes=None, seed=3)
    first = clips.scenes[0].sources[0]
    winds = ("south", "southeast", "east", "northeast", "north", "northwest", "west", "southwest")
    assert clips.direction_sentences.shape == (8, oracle._width)
    assert [f"The sound is coming from the {wind}." for wind in winds] == heard[-8:]
    assert clips.spatial_captions.sentences.shape[0] == 36
    assert f"The sound: {first.caption} is coming from the {winds[first.sector]}." in heard


def test_a_perfect_model_has_perfect_tables(clips) -> None:
    figures = plain(published_tables(clips, ALL))
    assert figures["localisation"]["mean_deg"] == pytest.approx(0, abs=1e-3)
    assert set(figures["zero_shot"].values()) == {1.0}
    for row in figures["editing"].values():
        assert row["text_to_audio"]["r1"] == row["audio_to_text"]["r1"] == row["sector_accuracy"] == 1.0
    assert figures["retrieval"]["text_to_audio"]["r1"] == 1.0
    # Nothing but the place tells the three positions of a clip apart.
    assert figures["retrieval"]["direction_blind"]["audio_to_text"] == {"r1": 1 / 3, "r5": 1.0, "r10": 1.0}


def test_a_change_that_is_not_made_is_not_found(clips) -> None:
    """Without weight in the joint embedding an edit of the place changes nothing, and no embedding knows it."""
    clips.model.network.joint_weight[:] = 0
    editing = plain(published_tables(clips, (3,)))["editing"]
    assert editing["change"]["text_to_audio"]["r1"] == pytest.approx(1 / 3)
    assert editing["none"]["text_to_audio"]["r1"] == editing["arithmetic"]["text_to_audio"]["r1"] == 1.0


def test_a_change_goes_to_another_position_of_the_same_clip(clips) -> None:
    """Of embeddings that stay where they are, none is found: the right captions are those of another place."""
    from salm.evaluation.published import _targets

    targets = _targets(clips)
    assert sorted(targets.tolist()) == list(range(24))
    assert np.array_equal(targets // 3, np.arange(24) // 3)
    assert not np.any(targets == np.arange(24))
    said = clips.spatial_captions.handed_over(np.argsort(targets))
    for caption, owner in enumerate(clips.spatial_captions.owner.tolist()):
        assert targets[said.owner[caption]] == owner


def test_only_the_tables_that_were_asked_for(clips) -> None:
    assert published_tables(clips, (2,)).keys() == {"zero_shot"}
    assert published_tables(clips, (1,)).keys() == {"localisation", "baselines", "directions", "retrieval"}
    assert published_tables(clips, (3,)).keys() == {"editing"}


def test_intervals_are_by_clip(clips) -> None:
    """Three positions that are all wrong or all right: eight draws, not twenty-four."""
    wrong = np.repeat(np.arange(8) < 4, 3)
    clips.heard.direction[wrong] *= -1
    tree = published_tables(clips, (1,))
    low, high = intervals(tree)["localisation"]["sector_accuracy"]
    assert plain(tree)["localisation"]["sector_accuracy"] == 0.5
    assert (8 * low) % 1 == pytest.approx(0, abs=1e-9)
    assert high - low >= 0.5


def test_a_window_is_what_the_model_hears_at_once(make_oracle, two_captions, in_the_free_field) -> None:
    oracle = make_oracle()
    oracle.config.features.window_samples = 4000
    clips = hear_clips(oracle, two_captions, scenes=6, seed=3)
    assert {samples.shape for samples in oracle.heard} == {(4, 4000)}
    source = clips.scenes[0].sources[0]
    wave = encode_plane_wave(two_captions.audio(source.sound_id), source.azimuth_deg, source.elevation_deg)
    np.testing.assert_allclose(oracle.heard[0], np.pad(np.tile(wave, 2), ((0, 0), (0, 1000))), atol=1e-6)


def test_too_few_clips(make_oracle, toy_corpus) -> None:
    with pytest.raises(InputError, match="at least 2 clips at 3 positions each; these are 5 scenes of 96 sounds"):
        hear_clips(make_oracle(), toy_corpus, scenes=5, seed=0)
    with pytest.raises(InputError, match="these are 1 sounds"):
        hear_clips(make_oracle(), type(toy_corpus)(1), scenes=None, seed=0)


@pytest.fixture
def responses() -> ResponseSet:
    """Two rooms: one with all sectors, one with two."""
    places = {f"hall-{number}": ("hall", 45.0 * number) for number in range(8)}
    places |= {"cabin-0": ("cabin", 10.0), "cabin-1": ("cabin", 100.0)}
    items = [
        MeasuredResponse(id=name, room=room, azimuth_deg=azimuth_deg, elevation_deg=0.0)
        for name, (room, azimuth_deg) in places.items()
    ]
    impulse = np.ones(1, np.float32)
    return ResponseSet(
        name="rooms",
        items=tuple(items),
        reader=lambda name: (encode_plane_wave(np.pad(impulse, (0, 48)), places[name][1], 0.0), 8000),
    )


def test_measured_rooms_have_as_many_positions_as_they_can(make_oracle, two_captions, responses) -> None:
    clips = hear_clips(make_oracle(), two_captions, scenes=None, seed=1, responses=responses)
    for number in range(8):
        own = [scene.sources[0] for scene, clip in zip(clips.scenes, clips.clip, strict=True) if clip == number]
        rooms = {responses[source.response_id].room for source in own}
        assert len(rooms) == 1
        assert len({source.sector for source in own}) == len(own) == (3 if rooms == {"hall"} else 2)
    assert {responses[scene.sources[0].response_id].room for scene in clips.scenes} == {"hall", "cabin"}
    figures = plain(published_measured(clips, ALL))
    assert figures.keys() == {"localisation", "baselines", "directions", "retrieval", "zero_shot"}
    assert figures["localisation"]["mean_deg"] == pytest.approx(0, abs=1e-3)
    assert figures["retrieval"]["text_to_audio"]["r1"] == 1.0
