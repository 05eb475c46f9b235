"""Ranks and recall against a slow, obvious version and against torchmetrics."""

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.retrieval import RetrievalHitRate

from salm.evaluation import retrieval as room
from salm.evaluation.intervals import plain
from salm.evaluation.retrieval import (
    cosine_similarities,
    owned_ranks,
    ranks,
    recall,
    recall_figures,
    retrieval,
    retrieval_figures,
)


def slow_ranks(similarities: np.ndarray, positives: np.ndarray) -> list[int]:
    """Sort the items of each query and look for the first that is right."""
    found = []
    for row, right in zip(similarities.tolist(), positives.tolist(), strict=True):
        order = sorted(range(len(row)), key=lambda item: (-row[item], item))
        found += [place for place, item in enumerate(order) if right[item]][:1]
    return found


@st.composite
def questions(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    shape = draw(st.tuples(st.integers(0, 6), st.integers(0, 6)))
    # Few different values, so that there are many ties.
    levels = st.sampled_from([-1.0, -0.5, 0.0, 0.25, 1.0])
    return draw(arrays.arrays(np.float32, shape, elements=levels)), draw(arrays.arrays(bool, shape))


@settings(deadline=None)
@given(questions())
def test_ranks_are_those_of_a_stable_sort(question: tuple[np.ndarray, np.ndarray]) -> None:
    assert ranks(*question).tolist() == slow_ranks(*question)


def test_ties_go_to_the_first() -> None:
    similarities = np.zeros((3, 3))
    assert ranks(similarities, np.eye(3, dtype=bool)).tolist() == [0, 1, 2]


def test_the_best_of_many_right_answers_counts() -> None:
    similarities = np.array([[0.9, 0.8, 0.7, 0.6], [0.1, 0.2, 0.3, 0.4]])
    positives = np.array([[False, True, False, True], [True, False, True, False]])
    assert ranks(similarities, positives).tolist() == [1, 1]


def test_queries_without_a_right_answer_do_not_count() -> None:
    positives = np.array([[False, True], [False, False]])
    assert ranks(np.array([[0.1, 0.2], [0.3, 0.4]]), positives).tolist() == [0]
    assert ranks(np.zeros((2, 0)), np.zeros((2, 0), bool)).tolist() == []
    assert recall(np.zeros(0, int)) == {"r1": 0.0, "r5": 0.0, "r10": 0.0}


def test_recall_is_the_share_of_ranks_below_k() -> None:
    assert recall(np.array([0, 0, 4, 5, 9, 10, 99, 1])) == {"r1": 2 / 8, "r5": 4 / 8, "r10": 6 / 8}


@pytest.mark.parametrize("k", [1, 5, 10])
def test_recall_is_the_hit_rate_of_torchmetrics(rng: np.random.Generator, k: int) -> None:
    similarities = rng.standard_normal((40, 30))
    positives = rng.random((40, 30)) < 0.06
    assert not positives.any(axis=1).all()
    metric = RetrievalHitRate(top_k=k, empty_target_action="skip")
    queries = torch.arange(40)[:, None].expand(40, 30).flatten()
    expected = metric(torch.tensor(similarities).flatten(), torch.tensor(positives).flatten(), indexes=queries)
    assert recall(ranks(similarities, positives))[f"r{k}"] == pytest.approx(expected.item())


def test_what_has_no_rank_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        ranks(np.array([[np.nan]]), np.array([[True]]))
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(3, 2\)"):
        ranks(np.zeros((2, 3)), np.zeros((3, 2), bool))


def test_cosines_do_not_look_at_lengths(rng: np.random.Generator) -> None:
    queries, items = rng.standard_normal((2, 4, 8))
    expected = [[q @ i / np.linalg.norm(q) / np.linalg.norm(i) for i in items] for q in queries]
    np.testing.assert_allclose(cosine_similarities(7 * queries, 0.01 * items), expected)
    assert not cosine_similarities(np.zeros((1, 8)), items).any()


def test_both_ways_of_many_to_many() -> None:
    """Three recordings and two captions; the first caption has two recordings."""
    audio = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    text = np.array([[1.0, 0.0], [0.0, 1.0]])
    positives = np.array([[True, False], [True, False], [False, True]])
    scores = retrieval(audio, text, positives)
    assert scores["text_to_audio"]["r1"] == 1.0
    assert scores["audio_to_text"] == {"r1": 2 / 3, "r5": 1.0, "r10": 1.0}
    assert plain(retrieval_figures(audio, text, positives)) == scores
    assert list(recall_figures(np.array([3]))) == ["r1", "r5", "r10"]


def slow_owned(audio: np.ndarray, captions: np.ndarray, owner: list[int]) -> tuple[list[int], list[int]]:
    """Every caption looks for its own recording; every recording for the best of its own captions."""
    to_audio, to_text = [], []
    for caption, own in zip(captions, owner, strict=True):
        order = sorted(range(len(audio)), key=lambda item: (-(caption @ audio[item]), item))
        to_audio.append(order.index(own))
    for number, recording in enumerate(audio):
        order = sorted(range(len(captions)), key=lambda item: (-(recording @ captions[item]), item))
        to_text.append(min(place for place, item in enumerate(order) if owner[item] == number))
    return to_audio, to_text


@pytest.mark.parametrize("block", [1, 3, 512])
def test_ranks_with_several_captions_are_those_of_loops(rng: np.random.Generator, monkeypatch, block: int) -> None:
    """Signs and axes, so that cosines are exact and many are equal; sentences that several recordings share."""
    monkeypatch.setattr(room, "_BLOCK", block)
    for _ in range(20):
        pool = np.concatenate([np.eye(5), -np.eye(5)])
        audio, sentences = pool[rng.integers(10, size=7)], pool[rng.permutation(10)[:6]]
        owner = rng.permutation(np.concatenate([np.arange(7), rng.integers(7, size=6)]))
        said = rng.integers(6, size=13)
        to_audio, to_text = owned_ranks(audio, sentences, said, owner)
        assert (to_audio.tolist(), to_text.tolist()) == slow_owned(audio, sentences[said], owner.tolist())


def test_only_its_own_recording_is_right() -> None:
    """Two recordings sound the same and have the same sentence: one of them must come second, both ways."""
    audio = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    to_audio, to_text = owned_ranks(audio, np.eye(2), np.array([0, 0, 1]), np.array([0, 1, 2]))
    assert to_audio.tolist() == to_text.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("count", "owner"), [(0, []), (2, [0, 0]), (2, [])], ids=["nothing", "one without a caption", "no captions"]
)
def test_galleries_that_are_not_whole_are_refused(count: int, owner: list[int]) -> None:
    with pytest.raises(ValueError, match=f"{count} recordings with {len(owner)} captions"):
        owned_ranks(np.ones((count, 4)), np.ones((1, 4)), np.zeros(len(owner), int), np.array(owner, int))
