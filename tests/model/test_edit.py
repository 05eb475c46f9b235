"""Eq. 3 by hand: what an edited embedding keeps and what it exchanges."""

import numpy as np
import pytest

from salm.model.edit import edit_embeddings, edited_joint, rescaled
from salm.model.inference import AudioEmbeddings, Model


def vectors(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


def test_eq_3_by_hand() -> None:
    semantic = np.array([[1.0, 2.0], [0.0, -1.0]])
    spatial = np.array([[3.0, 4.0], [0.0, 2.0]])
    direction = np.array([[0.6, -0.8]])
    s = np.array([10.0, 1.0])
    # Lengths 5 and 2: the direction becomes (3, -4) and (1.2, -1.6).
    wanted = [[1 + 10 * 3.0, 2 - 4.0], [0 + 10 * 1.2, -1 - 1.6]]
    np.testing.assert_allclose(edited_joint(semantic, spatial, direction, joint_weight=s), wanted)


@pytest.mark.parametrize("count", [1, 5])
def test_the_length_of_the_spatial_embedding_is_kept(rng: np.random.Generator, count: int) -> None:
    spatial, direction = vectors(rng, 5, 8), vectors(rng, count, 8)
    moved = rescaled(direction, spatial)
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), np.linalg.norm(spatial, axis=1), rtol=1e-6)
    for row, text in zip(moved, np.broadcast_to(direction, (5, 8)), strict=True):
        assert row @ text / np.linalg.norm(row) / np.linalg.norm(text) == pytest.approx(1, abs=1e-6)


def test_the_length_of_the_text_embedding_does_not_matter(rng: np.random.Generator) -> None:
    spatial, direction = vectors(rng, 3, 8), vectors(rng, 1, 8)
    np.testing.assert_allclose(rescaled(7.5 * direction, spatial), rescaled(direction, spatial), rtol=1e-5)


def test_what_was_nowhere_stays_nowhere(rng: np.random.Generator) -> None:
    assert not rescaled(vectors(rng, 1, 8), np.zeros((2, 8), np.float32)).any()


def test_a_direction_without_length_moves_to_nowhere_and_not_to_nan(rng: np.random.Generator) -> None:
    assert not rescaled(np.zeros((1, 8), np.float32), vectors(rng, 2, 8)).any()


def test_the_input_is_left_alone(rng: np.random.Generator) -> None:
    arrays = [vectors(rng, 2, 8) for _ in range(3)]
    copies = [array.copy() for array in arrays]
    edited_joint(*arrays, joint_weight=np.ones(8))
    for array, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.fixture
def embeddings(rng: np.random.Generator, model: Model) -> AudioEmbeddings:
    semantic, spatial = vectors(rng, 3, 32), vectors(rng, 3, 32)
    return AudioEmbeddings(semantic + spatial, semantic, spatial)


def test_an_edit_by_words_is_one_by_their_embedding(model: Model, embeddings: AudioEmbeddings) -> None:
    sentence = "The sound is coming from the left."
    by_words = edit_embeddings(model, embeddings, sentence)
    by_vector = edit_embeddings(model, embeddings, 3 * model.embed_text([sentence]))
    for a, b in zip(by_words, by_vector, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_the_same_sound_somewhere_else(model: Model, embeddings: AudioEmbeddings) -> None:
    edited = edit_embeddings(model, embeddings, "It comes from behind.")
    np.testing.assert_array_equal(edited.semantic, embeddings.semantic)
    cosine = edited.normalised().spatial @ model.embed_text(["It comes from behind."])[0]
    np.testing.assert_allclose(cosine, 1, atol=1e-6)
    # s of an untrained model is one.
    np.testing.assert_allclose(edited.joint, edited.semantic + edited.spatial, atol=1e-6)


def test_each_item_can_go_its_own_way(model: Model, embeddings: AudioEmbeddings) -> None:
    sentences = ["It comes from behind.", "It comes from the left.", "It comes from the front."]
    together = edit_embeddings(model, embeddings, model.embed_text(sentences))
    for row, sentence in enumerate(sentences):
        one = AudioEmbeddings(*(part[row : row + 1] for part in embeddings))
        np.testing.assert_allclose(together.joint[row], edit_embeddings(model, one, sentence).joint[0], atol=1e-5)


def test_moving_to_where_it_is_changes_nothing(model: Model, embeddings: AudioEmbeddings) -> None:
    stayed = edit_embeddings(model, embeddings, embeddings.spatial)
    np.testing.assert_allclose(stayed.joint, embeddings.joint, atol=1e-5)
