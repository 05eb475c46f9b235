"""Scenes of a file in the paper's protocol, with the spatial captions that were made of them."""

import json

import numpy as np
import pytest

from salm.errors import InputError
from salm.evaluation.intervals import plain
from salm.evaluation.made import open_made
from salm.evaluation.protocol import evaluate
from salm.evaluation.published import hear_clips, published_tables
from salm.scenes.rephrase.store import FORMAT, scenes_digest
from salm.scenes.sample import SceneRanges, draw_scene

FREE_FIELD = SceneRanges(anechoic=1.0, noise_db=None)


@pytest.fixture
def scenes(tmp_path, toy_corpus, monkeypatch):
    """A file with four sounds of the stand-in, each in two or three sectors, three for testing and one not."""
    monkeypatch.setattr("salm.scenes.storage.open_corpus", lambda *_, **__: toy_corpus)
    rng = np.random.default_rng(5)
    rows = []
    for number, sound in enumerate(toy_corpus.sounds[:4]):
        for sector in rng.permutation(8)[: 2 + number % 2]:
            scene = draw_scene(rng, sound, ranges=FREE_FIELD, sector=int(sector))
            rows.append({"split": "val" if number == 3 else "test", **scene.to_dict()})
    path = tmp_path / "scenes.jsonl"
    head = {"corpus": None, "layout": "manifest", "split": None}
    path.write_text("".join(json.dumps(line) + "\n" for line in (head, *rows)), encoding="utf-8")
    return path


@pytest.fixture
def captions(scenes, tmp_path):
    """Two spatial captions of every scene, in words of nobody's."""
    lines = [{"format": FORMAT, "scenes": scenes_digest(scenes)}]
    for number, line in enumerate(scenes.read_text(encoding="utf-8").splitlines()[1:]):
        (source,) = json.loads(line)["sources"]
        place = f"{source['azimuth_deg']:.0f} degrees to the left"
        for text in (source["caption"], f"{source['caption']} again"):
            said = {"row": number, "key": "", "caption": text, "spatial_caption": f"{text}, at {place}."}
            lines.append({**said, "verdict": "accepted", "tries": 1, "seed": 0, "refused": []})
    path = tmp_path / "captions.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_the_scenes_of_a_split_are_heard_as_they_are(scenes, make_oracle) -> None:
    corpus, made = open_made(scenes, split="test")
    assert [sound.id for sound in corpus.sounds] == ["toy-0", "toy-1", "toy-2"]
    clips = hear_clips(make_oracle(), corpus, scenes=None, seed=1, made=made)
    assert clips.scenes == tuple(scene for sound in corpus.sounds for scene in made.positions[sound.id])
    assert clips.clip.tolist() == [0, 0, 1, 1, 1, 2, 2]
    figures = plain(published_tables(clips, (1, 2, 3)))
    assert figures["localisation"]["mean_deg"] == pytest.approx(0, abs=1e-3)
    assert figures["editing"]["change"]["text_to_audio"]["r1"] == 1.0


def test_captions_of_a_language_model_take_the_template_s_place(scenes, captions, make_oracle) -> None:
    corpus, made = open_made(scenes, split="test", captions=captions)
    oracle, heard = make_oracle(), []
    said = oracle.embed_text
    oracle.embed_text = lambda sentences: heard.extend(sentences) or said(sentences)
    clips = hear_clips(oracle, corpus, scenes=None, seed=1, made=made)
    assert clips.spatial_captions.owner.tolist() == np.repeat(np.arange(7), 2).tolist()
    assert clips.phrasings["caption_phrasing"] == "as they were rephrased"
    assert set(heard) == {text for own in made.said.values() for texts in own for text in texts}
    assert "again, at" in heard[1]
    assert plain(published_tables(clips, (1,)))["retrieval"]["text_to_audio"]["r1"] == 1.0


def test_files_that_do_not_do(scenes, toy_corpus, make_oracle) -> None:
    with pytest.raises(InputError, match="no scenes of the split 'train'; it has test, val"):
        open_made(scenes, split="train")
    head, *rows = scenes.read_text(encoding="utf-8").splitlines()
    scenes.write_text("\n".join([head, *rows[1:]]) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="has the sound toy-0 in one scene only"):
        open_made(scenes, split="test")
    corpus, made = open_made(scenes, split="val")
    with pytest.raises(InputError, match="belong to the paper's protocol"):
        evaluate(make_oracle(), corpus, made=made)
    two = json.loads(rows[0])
    two["sources"] *= 2
    scenes.write_text("\n".join([head, json.dumps(two)]) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="several sources"):
        open_made(scenes, split="test")


def test_a_part_of_a_corpus_has_the_same_sounds(scenes, toy_corpus) -> None:
    corpus, _ = open_made(scenes, split="val")
    assert corpus.name == toy_corpus.name
    np.testing.assert_array_equal(corpus.audio("toy-3", rate_hz=8000), toy_corpus.audio("toy-3"))
    assert corpus.sounds == toy_corpus.sounds[3:4]
