"""The battery: a model that hears holds every control, and each control is failed by the model it is meant to catch."""

import numpy as np
import pytest

from salm.evaluation import controls as battery
from salm.evaluation.controls import CONTROLS, controls
from salm.evaluation.gallery import true_directions
from salm.evaluation.intervals import plain
from salm.scenes.captions import HELD_OUT_PHRASINGS
from salm.scenes.rendering import render_scene

HELD_OUT_WORDS = (
    "can be heard",
    "The source lies",
    "Direction:",
    "Turn your head",
    "whoever listens",
    "compass pointed",
)
HELD_OUT_WORDS += ("Somewhere", "clock face")


@pytest.fixture
def memoriser(make_oracle, make_bench):
    """A model that knows where each sound was, and does not listen for it."""
    scenes = make_bench(make_oracle()).scenes
    known = dict(zip((s.sources[0].sound_id for s in scenes), true_directions(scenes), strict=True))
    return make_oracle(where=lambda name, _: known[name])


def test_a_model_that_hears_holds_all(make_oracle, make_bench) -> None:
    report = plain(controls(make_bench(make_oracle())))
    assert list(report) == list(CONTROLS)
    assert [name for name, control in report.items() if not control["holds"]] == []
    assert report["mirror"]["localisation"]["sector_accuracy"] == 1.0
    assert report["two_rooms"]["follows"] == 1.0
    assert report["direction_blind"]["joint_r1"] == 1.0
    assert all(isinstance(control["holds"], bool) and control["criterion"] for control in report.values())


@pytest.mark.parametrize("name", ["w_only", "other_xyz", "mirror", "yaw", "two_rooms"])
def test_directions_from_memory_are_caught(memoriser, make_bench, name: str) -> None:
    assert not CONTROLS[name](make_bench(memoriser))["holds"]


@pytest.mark.parametrize("name", ["silence", "direction_blind", "unseen_phrasings"])
def test_directions_from_memory_are_no_concern_of_the_others(memoriser, make_bench, name: str) -> None:
    assert CONTROLS[name](make_bench(memoriser))["holds"]


def test_a_model_that_answers_to_silence_is_caught(make_oracle, make_bench) -> None:
    bench = make_bench(make_oracle())
    texts = dict(zip(bench.gallery, bench.unseen, strict=True))
    cheat = make_oracle(silence=lambda number: texts.get(number, bench.unseen[0]))
    control = plain(CONTROLS["silence"](make_bench(cheat)))
    assert not control["holds"]
    assert control["text_to_audio"]["r10"] == 1.0
    assert control["chance_r10"] == pytest.approx(10 / len(bench.gallery))


def test_a_joint_embedding_without_direction_is_caught(make_oracle, make_bench) -> None:
    control = plain(CONTROLS["direction_blind"](make_bench(make_oracle(joint_weight=0.0))))
    assert not control["holds"]
    assert control["gain_r1"] == 0.0


def test_a_model_for_its_own_phrasings_only_is_caught(make_oracle, make_bench) -> None:
    assert all(any(words in p.template for words in HELD_OUT_WORDS) for p in HELD_OUT_PHRASINGS)
    bench = make_bench(make_oracle(hard_of=HELD_OUT_WORDS))
    control = plain(CONTROLS["unseen_phrasings"](bench))
    assert not control["holds"]
    assert control["trained_r1"] == 1.0
    assert control["unseen_r1"] == pytest.approx(1 / len(bench.gallery))


def test_a_model_of_rooms_not_of_sounds_is_caught(make_oracle, make_bench) -> None:
    bench = make_bench(make_oracle())
    bench.heard.embeddings.semantic[:] = np.roll(bench.heard.embeddings.semantic, 1, axis=0)
    control = plain(CONTROLS["two_rooms"](bench))
    assert not control["holds"]
    assert control["follows"] == 1.0
    assert control["same_sound_r1"] < 0.1


def test_what_the_model_gets_to_hear(make_oracle, make_bench, toy_corpus) -> None:
    oracle = make_oracle()
    bench = make_bench(oracle, scenes=3)
    first, second, third = (render_scene(scene, toy_corpus, rate_hz=8000) for scene in bench.scenes)

    def heard_in(name: str) -> list[np.ndarray]:
        oracle.heard.clear()
        CONTROLS[name](bench)
        return oracle.heard

    w_only = heard_in("w_only")
    np.testing.assert_array_equal(w_only[1][0], second[0])
    assert not np.any([samples[1:] for samples in w_only])
    other = heard_in("other_xyz")
    for own, before, samples in zip((first, second, third), (third, first, second), other, strict=True):
        np.testing.assert_array_equal(samples, [own[0], *before[1:]])
    assert not np.any(heard_in("silence"))
    np.testing.assert_array_equal(heard_in("mirror")[0], first * np.array([[1], [-1], [1], [1]], np.float32))
    w, y, z, x = first
    np.testing.assert_allclose(heard_in("yaw")[0], [w, x, z, -y], atol=1e-6)


def test_only_the_first_scenes_are_heard_again(make_oracle, make_bench, monkeypatch) -> None:
    monkeypatch.setattr(battery, "CONTROL_SCENES", 4)
    oracle = make_oracle()
    bench = make_bench(oracle, scenes=9)
    for name in ("w_only", "other_xyz", "silence", "mirror", "yaw", "two_rooms"):
        oracle.heard.clear()
        CONTROLS[name](bench)
        assert len(oracle.heard) == 4


def test_figures_outside_their_intervals_fail_the_mirror(make_oracle, make_bench) -> None:
    """Few enough wrong scenes leave the median turn alone; the figures notice them."""
    held = {}
    for lost in (0, 40):
        calls = iter(range(10_000))
        oracle = make_oracle()
        bench = make_bench(oracle)
        where = oracle._where
        oracle._where = lambda name, x, calls=calls, lost=lost, where=where: (
            np.array([0.0, 0.0, 1.0]) if next(calls) < lost else where(name, x)
        )
        held[lost] = CONTROLS["mirror"](bench)["holds"]
    assert held == {0: True, 40: False}
