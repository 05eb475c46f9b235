import numpy as np

from salm.evaluation.zero_shot import nearest_sector


def test_the_nearest_sentence_by_angle_not_by_length() -> None:
    sentences = np.array([[10.0, 0.0], [0.0, 0.1]])
    assert nearest_sector(np.array([[1.0, 2.0], [2.0, 1.0], [-1.0, 0.0]]), sentences).tolist() == [1, 0, 1]


def test_of_equals_the_first() -> None:
    assert nearest_sector(np.array([[1.0, 1.0], [0.0, 0.0]]), np.eye(2)).tolist() == [0, 0]


def test_every_sector_is_found(rng: np.random.Generator) -> None:
    sentences = rng.standard_normal((8, 32))
    noisy = 5 * sentences + rng.standard_normal((8, 32))
    assert nearest_sector(noisy, sentences).tolist() == list(range(8))
