"""Which items of a batch count in which term of the loss."""

from typing import Any

import pytest
import torch
from torch import Tensor

from salm.scenes.dataset import Batch
from salm.training.devices import OneProcess
from salm.training.losses import LossWeights, direction_of_arrival
from salm.training.terms import StandingSentences, loss_terms, told
from salm.training.towers import Embedded

ITEMS, WIDTH = 6, 5
WEIGHTS = LossWeights(cl=0.0, scl=0.0, doa=1.0, sentence=1.0, labels=0.0)


@pytest.fixture
def batch() -> Batch[Any]:
    torch.manual_seed(0)
    names = [str(item) for item in range(ITEMS)]
    return Batch(
        observation=(torch.zeros(ITEMS),),
        direction=torch.nn.functional.normalize(torch.randn(ITEMS, 3), dim=-1),
        sector=torch.arange(ITEMS),
        located=torch.tensor([True, False, True, False, False, True]),
        captions=names,
        spatial_captions=names,
        rivals=[[]] * ITEMS,
        same_sound=torch.eye(ITEMS, dtype=torch.bool),
        same_scene=torch.eye(ITEMS, dtype=torch.bool),
    )


def terms(batch: Batch[Any]) -> tuple[dict[str, Tensor], Embedded]:
    torch.manual_seed(1)
    sentences = told(
        batch, StandingSentences(directions=(tuple("abcdefgh"),), labels=()), weights=WEIGHTS, rivals=0, step=0
    )
    embedded = Embedded(
        **{name: torch.randn(ITEMS, WIDTH) for name in ("semantic", "spatial", "joint")},
        direction=torch.randn(ITEMS, 3),
        text=torch.randn(len(sentences.all), WIDTH),
        scale=torch.tensor(10.0),
    )
    return loss_terms(embedded, batch, sentences, weights=WEIGHTS, devices=OneProcess("cpu")), embedded


def test_a_direction_is_learned_only_from_scenes_that_have_one(batch: Batch[Any]) -> None:
    found, embedded = terms(batch)
    alone = [0, 2, 5]
    torch.testing.assert_close(found["doa"], direction_of_arrival(embedded.direction[alone], batch.direction[alone]))
    similarity = torch.nn.functional.cosine_similarity(embedded.spatial[:, None], embedded.text[None], dim=-1)
    probability = torch.softmax(10 * similarity, dim=1)
    torch.testing.assert_close(found["sentence"], -torch.stack([probability[i, i].log() for i in alone]).mean())


def test_a_batch_without_any_has_no_such_term(batch: Batch[Any]) -> None:
    found, _ = terms(batch._replace(located=torch.zeros(ITEMS, dtype=torch.bool)))
    assert not found
