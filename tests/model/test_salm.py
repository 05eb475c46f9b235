"""The joint model: Eq. 2, its heads, its temperature."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from salm.model.encoders import Encoded, EncoderPair, Observation
from salm.model.inference import Model
from salm.model.network import projection
from salm.model.salm import SALM


class Words(nn.Module):
    """A text tower of one number a sentence: its length."""

    dim = 1

    def forward(self, sentences: list[str]) -> Tensor:
        return torch.tensor([[float(len(sentence))] for sentence in sentences])


class Toy(EncoderPair):
    """Encodings that are the features' first values."""

    what_dim, where_dim = 3, 2

    def __init__(self, *, has_direction: bool = False) -> None:
        super().__init__()
        self.has_direction = has_direction

    def forward(self, observation: Observation) -> Encoded:
        flat = observation.features.flatten(1)
        return Encoded(flat[:, :3], flat[:, 3:5], flat[:, 5:8])


def salm(**changes: object) -> SALM:
    return SALM(pair=Toy(**changes), text=Words(), width=6)  # type: ignore[arg-type]


def observed(rng: np.random.Generator, batch: int = 4) -> Observation:
    features = torch.tensor(rng.standard_normal((batch, 7, 2, 1)), dtype=torch.float32)
    empty = torch.zeros(batch, 0)
    return Observation(features, empty, empty, torch.zeros(batch, 0, 0, 0))


def test_eq_2_by_hand() -> None:
    model = salm()
    model.joint_weight.data = torch.tensor([1.0, 0.0, -1.0, 2.0, 0.5, 10.0])
    semantic = torch.tensor([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]])
    spatial = torch.tensor([[10.0, 10.0, 10.0, 10.0, 10.0, 10.0]])
    wanted = torch.tensor([[11.0, 2.0, -7.0, 24.0, 10.0, 106.0]])
    torch.testing.assert_close(model.joint(semantic, spatial), wanted)


def test_s_begins_as_ones_and_is_learned() -> None:
    model = salm()
    assert torch.equal(model.joint_weight, torch.ones(6))
    assert model.joint_weight.requires_grad


def test_joint_embeddings_are_eq_2_of_the_two_others(rng: np.random.Generator) -> None:
    model = salm()
    model.joint_weight.data = torch.linspace(-1, 2, 6)
    heard = model(observed(rng))
    torch.testing.assert_close(heard.joint, heard.semantic + torch.linspace(-1, 2, 6) * heard.spatial)


def test_embeddings_are_raw(rng: np.random.Generator) -> None:
    heard = salm()(observed(rng))
    for part in (heard.joint, heard.semantic, heard.spatial):
        assert part.norm(dim=1).std() > 1e-3


def test_what_and_where_do_not_mix_before_eq_2(rng: np.random.Generator) -> None:
    model, first = salm(), observed(rng)
    features = first.features.clone().flatten(1)
    features[:, 3:] += 1.0
    elsewhere = model(first._replace(features=features.unflatten(1, (7, 2, 1))))
    assert torch.equal(elsewhere.semantic, model(first).semantic)
    assert not torch.equal(elsewhere.spatial, model(first).spatial)


def test_a_projection_is_linear_relu_linear(rng: np.random.Generator) -> None:
    layers = projection(3, 5, out_features=2).double()
    x = rng.standard_normal((4, 3))
    (w1, b1, w2, b2) = (parameter.detach().numpy() for parameter in layers.parameters())
    wanted = np.maximum(x @ w1.T + b1, 0) @ w2.T + b2
    np.testing.assert_allclose(layers(torch.tensor(x)).detach().numpy(), wanted)


def test_dropout_is_at_the_input_and_only_in_training() -> None:
    layers = projection(8, 8, dropout=0.5)
    x = torch.ones(1, 8)
    assert torch.equal(layers.eval()(x), layers(x))
    torch.manual_seed(0)
    assert len({layers.train()(x).sum().item() for _ in range(8)}) > 1


def test_the_direction_head_corrects_the_pairs_first_answer(rng: np.random.Generator) -> None:
    model, seen = salm(has_direction=True), observed(rng)
    heard = model(seen)
    # At first there is no correction.
    assert torch.equal(heard.direction, seen.features.flatten(1)[:, 5:8])
    model.direction_head[0][-1].bias.data = torch.tensor([0.5, 0.0, -5.0])
    correction = torch.tanh(torch.tensor([0.5, 0.0, -5.0])).expand(4, 3)
    torch.testing.assert_close(model(seen).direction - heard.direction, correction)


def test_without_a_first_answer_the_head_says_it_all(rng: np.random.Generator) -> None:
    model, seen = salm(), observed(rng)
    heard = model(seen)
    directions = heard.direction - seen.features.flatten(1)[:, 5:8]
    torch.testing.assert_close(directions, model.direction_head(heard.spatial))
    assert directions.abs().max() <= 1
    assert directions.abs().min() > 0


def test_the_temperature_begins_at_clips(rng: np.random.Generator) -> None:
    assert salm().scale.item() == pytest.approx(1 / 0.07, rel=1e-5)


@pytest.mark.parametrize(("logit", "scale"), [(0.0, 1.0), (-2.0, math.exp(-2)), (4.0, math.exp(4))])
def test_the_temperature_is_a_logarithm(logit: float, scale: float) -> None:
    model = salm()
    model.logit_scale.data = torch.tensor(logit)
    assert model.scale.item() == pytest.approx(scale, rel=1e-5)


def test_a_raw_temperature_is_the_factor_itself() -> None:
    model = SALM(pair=Toy(), text=Words(), width=6, temperature="raw")  # type: ignore[arg-type]
    assert model.scale.item() == pytest.approx(math.log(1 / 0.07), rel=1e-5)
    model.logit_scale.data = torch.tensor(4.5)
    assert model.scale.item() == 4.5


@pytest.mark.parametrize(("logit", "kept"), [(-2.0, 0.0), (4.0, 4.0), (9.0, math.log(100))])
def test_the_temperature_is_kept_below_a_hundred(logit: float, kept: float) -> None:
    model = salm()
    model.logit_scale.data = torch.tensor(logit)
    model.clamp_scale()
    assert model.logit_scale.item() == pytest.approx(kept, rel=1e-6)


def test_sentences_go_through_tower_and_projection() -> None:
    model = salm()
    embedded = model.embed_sentences(["ab", "abcd"])
    torch.testing.assert_close(embedded, model.text_projection(torch.tensor([[2.0], [4.0]])))


def test_every_trained_weight_gets_a_gradient(model: Model, windows: Tensor) -> None:
    network = model.network
    heard = network(network.observe(windows))
    loss = sum(part.square().sum() for part in heard) + network.embed_sentences(["Rain."]).square().sum()
    trained = {name: p for name, p in network.named_parameters() if p.requires_grad and name != "logit_scale"}
    gradients = torch.autograd.grad(loss, list(trained.values()), allow_unused=True)
    assert [name for name, gradient in zip(trained, gradients, strict=True) if gradient is None] == []


def test_frozen_towers_are_not_trained(model: Model) -> None:
    trained = {name for name, p in model.network.named_parameters() if p.requires_grad}
    assert not {name for name in trained if name.startswith(("text.bert", "pair.tagger."))}
    assert "logit_scale" in trained
