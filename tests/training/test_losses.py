"""Losses against slow, obvious versions."""

import math

import numpy as np
import pytest
import torch

from salm.training.losses import (
    LossWeights,
    contrastive,
    direction_of_arrival,
    label_distillation,
    nearest_sentence,
    total,
)


def clip_loss(audio: np.ndarray, text: np.ndarray, scale: float) -> float:
    """CLIP's loss, one pair at a time."""
    losses = []
    for queries, keys in ((audio, text), (text, audio)):
        for i, query in enumerate(queries):
            cosines = [query @ key / np.linalg.norm(query) / np.linalg.norm(key) for key in keys]
            losses.append(-math.log(math.exp(scale * cosines[i]) / sum(math.exp(scale * c) for c in cosines)))
    return sum(losses) / len(losses)


def test_identity_targets_are_clip_loss(rng: np.random.Generator) -> None:
    audio, text = rng.standard_normal((2, 5, 8))
    loss = contrastive(
        torch.tensor(audio), torch.tensor(text), scale=torch.tensor(3.0), positives=torch.eye(5, dtype=torch.bool)
    )
    assert loss.item() == pytest.approx(clip_loss(audio, text, 3.0), rel=1e-5)


def test_length_of_embeddings_does_not_matter(rng: np.random.Generator) -> None:
    audio, text = torch.tensor(rng.standard_normal((2, 5, 8)))
    eye = torch.eye(5, dtype=torch.bool)
    short = contrastive(audio, text, scale=torch.tensor(3.0), positives=eye)
    long = contrastive(7 * audio, 0.1 * text, scale=torch.tensor(3.0), positives=eye)
    torch.testing.assert_close(short, long)


def test_two_equal_texts_share_the_target() -> None:
    audio = torch.eye(3)
    text = torch.eye(3)[[0, 0, 2]]
    positives = torch.tensor([[1, 1, 0], [0, 0, 0], [0, 0, 1]], dtype=torch.bool)
    loss = contrastive(audio, text, scale=torch.tensor(math.log(2.0)), positives=positives)
    # Rows: item 0 has similarities (2, 2, 1) of which both 2s are right; item 1 has no positive and does not count.
    to_text = (-math.log(2 / 5) - math.log(2 / 4)) / 2
    to_audio = (-math.log(2 / 4) * 2 - math.log(2 / 4)) / 3
    assert loss.item() == pytest.approx((to_text + to_audio) / 2, rel=1e-5)


def test_a_rival_that_fits_better_costs() -> None:
    audio, text = torch.eye(2), torch.eye(2)
    eye = torch.eye(2, dtype=torch.bool)
    scale = torch.tensor(math.log(3.0))
    far = contrastive(audio, text, scale=scale, positives=eye, rivals=-torch.eye(2)[:, None])
    near = contrastive(audio, text, scale=scale, positives=eye, rivals=torch.eye(2)[:, None])
    to_audio = -math.log(3 / 4)
    assert far.item() == pytest.approx((to_audio - math.log(3 / (4 + 1 / 3))) / 2, rel=1e-5)
    assert near.item() == pytest.approx((to_audio - math.log(3 / 7)) / 2, rel=1e-5)


@pytest.mark.parametrize(("angle_deg", "loss"), [(0, 0.0), (60, 0.5), (90, 1.0), (180, 2.0)])
def test_direction_loss_is_one_minus_cosine(angle_deg: float, loss: float) -> None:
    angle = math.radians(angle_deg)
    predicted = 0.3 * torch.tensor([[math.cos(angle), math.sin(angle), 0.0]])
    assert direction_of_arrival(predicted, torch.tensor([[1.0, 0.0, 0.0]])).item() == pytest.approx(loss, abs=1e-6)


def test_nearest_sentence_is_cross_entropy_of_cosines() -> None:
    loss = nearest_sentence(torch.eye(8)[:1], torch.eye(8), scale=torch.tensor(math.log(7.0)), sector=torch.tensor([0]))
    assert loss.item() == pytest.approx(-math.log(7 / 14), rel=1e-5)


def test_label_distillation_is_least_where_the_tagger_points() -> None:
    tag_logits = torch.tensor([[-20.0, 20.0, -20.0]])
    scale = torch.tensor(5.0)
    losses = [label_distillation(torch.eye(3)[[i]], torch.eye(3), scale=scale, tag_logits=tag_logits) for i in range(3)]
    assert losses[1] < losses[0]
    assert losses[1] < losses[2]


def test_total_is_eq_1_by_default() -> None:
    terms = {name: torch.tensor(value) for name, value in (("cl", 2.0), ("scl", 4.0), ("doa", 0.5), ("labels", 9.0))}
    assert total(terms, LossWeights()).item() == pytest.approx(0.5 * (2.0 + 4.0) + 0.5)


def soft_cross_entropy(logits: np.ndarray, targets: np.ndarray) -> list[float]:
    """One row at a time: minus the mean log probability of the row's targets, rows without any left out."""
    losses = []
    for row, wanted in zip(logits, targets, strict=True):
        log_sum = math.log(sum(math.exp(value) for value in row))
        right = [value - log_sum for value, is_right in zip(row, wanted, strict=False) if is_right]
        losses += [-sum(right) / len(right)] if right else []
    return losses


@pytest.mark.parametrize("with_rivals", [False, True])
def test_many_positives_equal_a_slow_loop(rng: np.random.Generator, with_rivals: bool) -> None:
    audio, text, rivals = rng.standard_normal((6, 5)), rng.standard_normal((6, 5)), rng.standard_normal((6, 3, 5))
    positives = np.eye(6, dtype=bool) | (rng.random((6, 6)) < 0.3)
    positives[4, 0] = positives[0, 2] = True
    # One clip without a text, one text without a clip: they do not count.
    positives[2] = positives[:, 4] = False
    unit_audio, unit_text, unit_rivals = (x / np.linalg.norm(x, axis=-1, keepdims=True) for x in (audio, text, rivals))
    logits = 4.0 * unit_audio @ unit_text.T
    wrong = np.array([[4.0 * a @ r for r in group] for a, group in zip(unit_audio, unit_rivals, strict=True)])
    to_text = soft_cross_entropy(np.hstack([logits, wrong]) if with_rivals else logits, positives)
    to_audio = soft_cross_entropy(logits.T, positives.T)
    assert len(to_text) == len(to_audio) == 5
    loss = contrastive(
        torch.tensor(audio),
        torch.tensor(text),
        scale=torch.tensor(4.0),
        positives=torch.tensor(positives),
        rivals=torch.tensor(rivals) if with_rivals else None,
    )
    assert loss.item() == pytest.approx((np.mean(to_text) + np.mean(to_audio)) / 2, rel=1e-5)


def test_without_any_positive_the_loss_is_zero_and_has_a_gradient() -> None:
    audio = torch.randn(3, 4, generator=torch.Generator().manual_seed(0), requires_grad=True)
    loss = contrastive(audio, torch.eye(4)[:3], scale=torch.tensor(5.0), positives=torch.zeros(3, 3, dtype=torch.bool))
    assert loss.item() == 0
    assert torch.equal(torch.autograd.grad(loss, audio)[0], torch.zeros(3, 4))


def test_nearest_sentence_equals_torchs_cross_entropy(rng: np.random.Generator) -> None:
    spatial, sentences = (torch.tensor(rng.standard_normal((n, 6)), dtype=torch.float32) for n in (10, 8))
    sector = torch.tensor(rng.integers(0, 8, 10))
    cosines = torch.nn.functional.cosine_similarity(spatial[:, None], sentences[None], dim=-1)
    loss = nearest_sentence(spatial, sentences, scale=torch.tensor(9.0), sector=sector)
    torch.testing.assert_close(loss, torch.nn.CrossEntropyLoss()(9.0 * cosines, sector))


def test_label_distillation_equals_torchs_soft_cross_entropy(rng: np.random.Generator) -> None:
    semantic, labels = (torch.tensor(rng.standard_normal((n, 6)), dtype=torch.float32) for n in (5, 12))
    tag_logits = torch.tensor(rng.standard_normal((5, 12)) - 2, dtype=torch.float32)
    cosines = torch.nn.functional.cosine_similarity(semantic[:, None], labels[None], dim=-1)
    chances = 1 / (1 + torch.exp(-tag_logits))
    loss = label_distillation(semantic, labels, scale=torch.tensor(9.0), tag_logits=tag_logits)
    wanted = torch.nn.CrossEntropyLoss()(9.0 * cosines, chances / chances.sum(1, keepdim=True))
    torch.testing.assert_close(loss, wanted)


def test_every_weight_scales_its_own_term() -> None:
    names = ("cl", "scl", "doa", "sentence", "labels")
    terms = {name: torch.tensor(10.0**place) for place, name in enumerate(names)}
    weights = LossWeights(cl=1, scl=2, doa=3, sentence=4, labels=5)
    assert total(terms, weights).item() == pytest.approx(54_321)


def embedded(flat: torch.Tensor, observation: torch.Tensor, sentences: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Eqs. 2 and 1 of a network of two layers of tanh and a text projection, its weights in one row."""
    what, where, text, head, joint_weight, log_scale = torch.split(flat, [24, 24, 16, 12, 4, 1])
    semantic = (observation @ what.reshape(6, 4)).tanh()
    spatial = (observation @ where.reshape(6, 4)).tanh()
    # The direction head learns from the spatial embedding alone.
    direction = (spatial @ head.reshape(4, 3)).tanh()
    return semantic, semantic + joint_weight * spatial, direction, sentences @ text.reshape(4, 4), log_scale[0].exp()


def test_the_gradient_of_eq_1_is_that_of_finite_differences(rng: np.random.Generator) -> None:
    items = 5
    observation, captions, placed = (torch.tensor(rng.standard_normal((items, n))) for n in (6, 4, 4))
    rivals = torch.tensor(rng.standard_normal((items, 2, 4)))
    true = torch.nn.functional.normalize(torch.tensor(rng.standard_normal((items, 3))), dim=-1)
    same = torch.eye(items, dtype=torch.bool)
    # Two clips with one caption, so that there are several positives.
    same[0, 3] = same[3, 0] = True
    weights = torch.tensor(0.5 * rng.standard_normal(81), requires_grad=True)

    def loss(flat: torch.Tensor) -> torch.Tensor:
        sentences = torch.cat([captions, placed, rivals.flatten(0, 1)])
        semantic, joint, direction, text, scale = embedded(flat, observation, sentences)
        caption, spatial, rival = torch.split(text, [items, items, 2 * items])
        terms = {
            "cl": contrastive(semantic, caption, scale=scale, positives=same),
            "scl": contrastive(
                joint,
                spatial,
                scale=scale,
                positives=torch.eye(items, dtype=torch.bool),
                rivals=rival.unflatten(0, (items, 2)),
            ),
            "doa": direction_of_arrival(direction, true),
        }
        return total(terms, LossWeights())

    (gradient,) = torch.autograd.grad(loss(weights), weights)
    assert gradient.dtype == torch.float64
    step = 1e-6
    with torch.no_grad():
        differences = [
            (loss(weights + step * unit) - loss(weights - step * unit)) / (2 * step)
            for unit in torch.eye(81, dtype=torch.float64)
        ]
    assert (gradient.abs() > 1e-8).all()
    torch.testing.assert_close(gradient, torch.stack(differences), rtol=1e-6, atol=1e-9)
