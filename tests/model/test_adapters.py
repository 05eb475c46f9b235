"""Adapters of the frozen text tower: nothing at first, trained along, stored with the model, multiplied out."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from salm.errors import InputError
from salm.model import hub
from salm.model.export import export
from salm.model.inference import Model
from salm.model.presets import preset
from salm.model.text import AdaptedLinear, SentenceTower, States
from salm.training.sentences import StateCache

SENTENCES = ["A dog barks on the left.", "Rain.", "Somebody far away behind you whistles twice.", "A bell rings."]


def trained(tower: SentenceTower, *, rank: int = 4, layers: int = 2) -> SentenceTower:
    """Adapters as after some training."""
    torch.manual_seed(1)
    adapted = tower.adapted(rank=rank, layers=layers)
    for module in adapted.modules():
        if isinstance(module, AdaptedLinear):
            torch.nn.init.normal_(module.up, std=0.05)
    return adapted


def whole(tower: SentenceTower, sentences: list[str]) -> States:
    """What is below the adapters, in full precision."""
    states = tower.below(sentences)
    lengths = torch.tensor([len(one) for one in states])
    values = torch.nn.utils.rnn.pad_sequence(states, batch_first=True)
    return States(values, (torch.arange(values.shape[1]) < lengths[:, None]).long())


def test_rank_zero_is_the_tower_itself() -> None:
    torch.manual_seed(0)
    before = hub.build_frozen(preset("tiny")).state_dict()
    torch.manual_seed(0)
    model = hub.build_frozen(replace(preset("tiny"), text_adapter_rank=0, text_adapter_layers=5))
    assert before.keys() == model.state_dict().keys()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert model.text.frozen


@pytest.mark.parametrize("layers", [1, 6])
def test_new_adapters_change_no_bit(tower: SentenceTower, layers: int) -> None:
    adapted = tower.adapted(rank=4, layers=layers)
    assert torch.equal(adapted(SENTENCES), tower(SENTENCES))
    assert not adapted.frozen
    assert tower.frozen
    assert not any(isinstance(module, AdaptedLinear) for module in tower.modules())


def test_an_adapter_is_a_product_of_two_matrices(rng: np.random.Generator) -> None:
    adapted = AdaptedLinear(torch.nn.Linear(6, 5), rank=2)
    adapted.up.data.normal_()
    x = torch.randn(3, 6)
    weight, bias, down, up = (
        value.detach().numpy() for value in (adapted.linear.weight, adapted.linear.bias, adapted.down, adapted.up)
    )
    expected = x.numpy() @ (weight + up @ down).T + bias
    np.testing.assert_allclose(adapted(x).detach(), expected, atol=1e-5)
    np.testing.assert_allclose(adapted.merged()(x).detach(), expected, atol=1e-5)


@pytest.mark.parametrize("layers", [1, 3, 6])
def test_in_training_vectors_are_those_of_the_whole_tower(tower: SentenceTower, layers: int) -> None:
    adapted = trained(tower, layers=layers)
    states = whole(adapted, SENTENCES)
    found = adapted.above(states)
    torch.testing.assert_close(found, adapted(SENTENCES), atol=2e-5, rtol=0)
    assert (found - tower(SENTENCES)).abs().max() > 0.05
    # Trained on, they are others, and what is kept of the sentences still serves.
    for module in adapted.modules():
        if isinstance(module, AdaptedLinear):
            module.up.data.mul_(-1)
    torch.testing.assert_close(adapted.above(states), adapted(SENTENCES), atol=2e-5, rtol=0)


def test_gradients_reach_the_adapters_and_nothing_else(tower: SentenceTower) -> None:
    adapted = trained(tower)
    adapted.above(StateCache(adapted)(SENTENCES))[:, 0].sum().backward()
    with_gradient = {name for name, parameter in adapted.named_parameters() if parameter.grad is not None}
    # Six matrices a layer, two factors each.
    assert len(with_gradient) == 2 * 6 * 2
    assert all(name.endswith((".up", ".down")) for name in with_gradient)
    assert all(
        parameter.grad.abs().max() > 0 for name, parameter in adapted.named_parameters() if name in with_gradient
    )
    assert {name.split(".")[3] for name in with_gradient} == {"4", "5"}


def test_states_are_kept_in_half_precision(tower: SentenceTower) -> None:
    adapted = trained(tower)
    (found, mask), (values, tokens) = StateCache(adapted)(SENTENCES), whole(adapted, SENTENCES)
    assert torch.equal(mask, tokens)
    assert torch.equal(found, values.half().float())
    # A vector has length sqrt(384): an error of at most one in a thousand.
    error = (adapted.above(States(found, mask)) - adapted(SENTENCES)).norm(dim=1)
    assert error.max() < 1e-3 * 384**0.5


def test_states_of_sentences_are_kept_and_the_oldest_go(tower: SentenceTower, monkeypatch: pytest.MonkeyPatch) -> None:
    adapted = tower.adapted(rank=2, layers=1)
    asked: list[str] = []
    below = adapted.below
    monkeypatch.setattr(adapted, "below", lambda new: asked.extend(new) or below(new))
    cache = StateCache(adapted, most=2)
    first = cache(["one", "two", "one", "three"])
    assert asked == ["one", "two", "three"]
    assert torch.equal(first.values[0], first.values[2])
    cache(["two", "three"])
    assert asked == ["one", "two", "three"]
    assert torch.equal(cache(["one"]).values[0], first.values[0])
    assert asked == ["one", "two", "three", "one"]
    assert adapted.above(cache([])).shape == (0, 384)


def test_padding_is_not_looked_at(tower: SentenceTower) -> None:
    adapted = trained(tower)
    values, mask = whole(adapted, SENTENCES)
    noisy = values + 100.0 * (1 - mask[..., None])
    torch.testing.assert_close(adapted.above(States(noisy, mask)), adapted(SENTENCES), atol=2e-5, rtol=0)


@pytest.fixture
def model(tower: SentenceTower, monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.setattr(hub, "text_tower", lambda name: tower)
    config = replace(preset("tiny"), text_adapter_rank=4)
    network = hub.build_frozen(config)
    network.text = trained(tower)
    return Model(network, config)


def test_they_are_stored_with_the_model_and_the_tower_is_not(model: Model, tmp_path: Path) -> None:
    model.save(tmp_path, dtype=torch.float32)
    stored = {name for name in load_file(tmp_path / "model.safetensors") if name.startswith("text.")}
    assert len(stored) == 24
    assert all(name.endswith((".up", ".down")) for name in stored)
    network, config = hub.load(tmp_path)
    assert config == model.config
    np.testing.assert_array_equal(Model(network, config).embed_text(SENTENCES), model.embed_text(SENTENCES))


def test_weights_of_adapters_that_are_missing_are_named(model: Model, tmp_path: Path) -> None:
    hub.save(hub.build_frozen(preset("tiny")), model.config, tmp_path)
    with pytest.raises(InputError, match="24 weights are missing"):
        hub.load(tmp_path)


def test_multiplied_out_they_are_an_ordinary_tower(model: Model, tower: SentenceTower) -> None:
    merged = model.network.text.merged()
    assert merged.frozen
    assert merged.state_dict().keys() == tower.state_dict().keys()
    torch.testing.assert_close(merged(SENTENCES), model.network.text(SENTENCES), atol=2e-5, rtol=0)
    assert not model.network.text.frozen


def test_onnx_files_have_them_multiplied_out(model: Model, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    session = pytest.importorskip("onnxruntime").InferenceSession
    assert export(model, tmp_path) < 1e-4
    assert not model.network.text.frozen
    from tokenizers import Tokenizer

    encoded = Tokenizer.from_file(str(tmp_path / "tokenizer.json")).encode_batch(SENTENCES)
    tokens = {
        "input_ids": np.array([one.ids for one in encoded]),
        "attention_mask": np.array([one.attention_mask for one in encoded]),
    }
    (found,) = session(str(tmp_path / "text.onnx")).run(None, tokens)
    np.testing.assert_allclose(
        found / np.linalg.norm(found, axis=1, keepdims=True), model.embed_text(SENTENCES), atol=1e-4
    )
    # As many products as without adapters.
    products = sum(node.op_type in ("MatMul", "Gemm") for node in onnx.load(tmp_path / "text.onnx").graph.node)
    plain = Model(hub.build_frozen(preset("tiny")), preset("tiny"))
    export(plain, tmp_path / "plain")
    others = onnx.load(tmp_path / "plain" / "text.onnx").graph.node
    assert products == sum(node.op_type in ("MatMul", "Gemm") for node in others)
    assert json.loads((tmp_path / "export.json").read_text(encoding="utf-8"))["largest_difference"] < 1e-4


@pytest.mark.parametrize(("rank", "layers"), [(0, 2), (4, 0), (4, 7)])
def test_adapters_that_cannot_be_are_refused(tower: SentenceTower, rank: int, layers: int) -> None:
    with pytest.raises(InputError, match="cannot be put on a text tower of 6 layers"):
        tower.adapted(rank=rank, layers=layers)


def test_a_tower_that_is_trained_whole_has_no_adapters() -> None:
    with pytest.raises(InputError, match="text_adapter_rank is 4 but RoBERTa is trained whole"):
        hub.build_frozen(replace(preset("tiny"), text="roberta", text_adapter_rank=4))
