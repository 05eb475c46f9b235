"""Attention maps over tokens: what they pool, what they do not look at, and that they are stored with the model."""

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
from salm.model.text import SentenceTower, States, TokenMaps

SENTENCES = [
    "A dog barks on the left.",
    "Rain.",
    "Turn your head to the right and you will face what is described as “a bell that rings twice”.",
    "A bell rings.",
    "A dog barks on the left.",
]


@pytest.fixture
def mapped(tower: SentenceTower) -> SentenceTower:
    torch.manual_seed(0)
    return tower.mapped(3)


def test_each_map_is_a_weighted_mean_of_tokens(rng: np.random.Generator) -> None:
    torch.manual_seed(0)
    maps = TokenMaps(6, maps=2)
    states, lengths = rng.standard_normal((3, 5, 6)).astype(np.float32), [5, 2, 1]
    mask = (np.arange(5) < np.array(lengths)[:, None]).astype(int)
    found = maps(torch.from_numpy(states), torch.from_numpy(mask)).detach().numpy()
    weight, bias = (value.detach().numpy() for value in (maps.scores.weight, maps.scores.bias))
    for row, length in enumerate(lengths):
        tokens = [token / np.linalg.norm(token) * 6**0.5 for token in states[row, :length]]
        for number in range(2):
            scores = np.exp([weight[number] @ token + bias[number] for token in tokens])
            expected = sum(s * token for s, token in zip(scores / scores.sum(), tokens, strict=True))
            np.testing.assert_allclose(found[row, 6 * number : 6 * number + 6], expected, atol=1e-5)


def test_the_mean_stays_what_it_was(mapped: SentenceTower, tower: SentenceTower) -> None:
    vectors = mapped(SENTENCES)
    assert vectors.shape == (5, 4 * 384)
    assert mapped.dim == 4 * 384
    assert torch.equal(vectors[:, :384], tower(SENTENCES))
    assert tower.maps is None
    assert tower.frozen
    assert not mapped.frozen


def test_a_vector_is_the_same_in_any_company(mapped: SentenceTower) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        together = mapped(SENTENCES)
        for sentence, vector in zip(SENTENCES, together, strict=True):
            torch.testing.assert_close(mapped([sentence])[0], vector, atol=1e-5, rtol=0)
        assert torch.equal(together[0], together[4])
    finally:
        torch.set_num_threads(threads)


def test_in_training_and_in_batches_of_tokens_vectors_are_the_same(mapped: SentenceTower) -> None:
    states = mapped.below(SENTENCES)
    lengths = torch.tensor([len(one) for one in states])
    values = torch.nn.utils.rnn.pad_sequence(states, batch_first=True)
    mask = (torch.arange(values.shape[1]) < lengths[:, None]).long()
    noisy = values + 100.0 * (1 - mask[..., None])
    torch.testing.assert_close(mapped.above(States(noisy, mask)), mapped(SENTENCES), atol=2e-5, rtol=0)
    encoded = [one.ids for one in mapped.tokenizer.encode_batch(SENTENCES)]
    ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(one) for one in encoded], batch_first=True)
    torch.testing.assert_close(mapped.encode(ids, mask), mapped(SENTENCES), atol=2e-5, rtol=0)


def test_gradients_reach_the_maps_and_nothing_else(mapped: SentenceTower) -> None:
    states = mapped.below(SENTENCES[:1])[0][None]
    mapped.above(States(states, torch.ones(1, states.shape[1], dtype=torch.long))).square().sum().backward()
    with_gradient = {name for name, parameter in mapped.named_parameters() if parameter.grad is not None}
    assert with_gradient == {"maps.scores.weight", "maps.scores.bias"}
    assert mapped.maps is not None
    assert mapped.maps.scores.weight.grad is not None
    assert mapped.maps.scores.weight.grad.abs().max() > 0


def test_they_go_with_adapters(mapped: SentenceTower, tower: SentenceTower) -> None:
    both = mapped.adapted(rank=2, layers=1)
    assert torch.equal(both(SENTENCES), mapped(SENTENCES))
    assert both.merged().state_dict().keys() == mapped.state_dict().keys()
    assert len(tower.adapted(rank=2, layers=1).mapped(3).state_dict()) == len(both.state_dict())


def test_they_are_stored_with_the_model_and_exported(
    tower: SentenceTower, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "text_tower", lambda name: tower)
    config = replace(preset("tiny"), text_maps=3)
    model = Model(hub.build_frozen(config), config)
    model.save(tmp_path, dtype=torch.float32)
    stored = {name for name in load_file(tmp_path / "model.safetensors") if name.startswith("text.")}
    assert stored == {"text.maps.scores.weight", "text.maps.scores.bias"}
    network, loaded = hub.load(tmp_path)
    assert loaded == config
    np.testing.assert_array_equal(Model(network, config).embed_text(SENTENCES), model.embed_text(SENTENCES))
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    assert export(model, tmp_path / "onnx") < 1e-4


def test_maps_that_cannot_be_are_refused(mapped: SentenceTower, tower: SentenceTower) -> None:
    with pytest.raises(InputError, match="0 attention maps cannot"):
        tower.mapped(0)
    with pytest.raises(InputError, match="a text tower that has some"):
        mapped.mapped(2)
    with pytest.raises(InputError, match="text_maps is 4 but RoBERTa is trained whole"):
        hub.build_frozen(replace(preset("tiny"), text="roberta", text_maps=4))
