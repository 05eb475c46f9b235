"""What a run starts from."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaModel

from salm.errors import InputError
from salm.model import hub
from salm.model.config import RobertaSize
from salm.model.presets import preset
from salm.model.text import RobertaTower
from salm.training.config import TrainConfig
from salm.training.start import initial

SIZE = RobertaSize(vocabulary=8, dim=16, layers=2, heads=2, hidden=32, max_tokens=6)


@pytest.fixture
def published(eight_words: Tokenizer, tmp_path: Path) -> Path:
    """RoBERTa as transformers saves it, at the smallest size."""
    torch.manual_seed(3)
    config = RobertaConfig(
        vocab_size=8,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=514,
        type_vocab_size=1,
    )
    RobertaModel(config).save_pretrained(tmp_path / "roberta")
    PreTrainedTokenizerFast(tokenizer_object=eight_words, pad_token="<pad>").save_pretrained(tmp_path / "roberta")
    return tmp_path / "roberta"


def run(**settings: object) -> TrainConfig:
    model = replace(preset("tiny"), text="roberta", roberta=SIZE, temperature="raw", facing="south")
    return TrainConfig(model=model, **settings)  # type: ignore[arg-type]


def test_robertas_weights_and_words_come_from_a_folder(published: Path) -> None:
    network, model = initial(run(roberta=str(published)))
    peer = RobertaModel.from_pretrained(published).eval()
    assert isinstance(network.text, RobertaTower)
    ids, mask = network.text.tokens(["dog barks left"])
    assert ids.tolist() == [[0, 4, 5, 7, 2]]
    with torch.no_grad():
        expected = peer(input_ids=ids, attention_mask=mask).pooler_output
        torch.testing.assert_close(network.text.eval()(["dog barks left"]), expected)
    # transformers' own default, which is not the original's: a published folder says what it is.
    assert model.roberta == replace(SIZE, layer_norm_eps=1e-12)
    assert not [p for p in network.text.parameters() if not p.requires_grad and p.numel()]


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be read as RoBERTa") as caught:
        initial(run(roberta=str(tmp_path)))
    assert "\n" not in str(caught.value)


def test_roberta_is_not_trained_from_nothing() -> None:
    with pytest.raises(InputError, match="tiny trains RoBERTa, whose weights and tokenizer have to come"):
        initial(run())


def test_a_model_to_start_from_brings_its_words(published: Path, tmp_path: Path) -> None:
    given, model = initial(run(roberta=str(published)))
    hub.save(
        given, replace(model, temperature="exp", facing="north", name="given"), tmp_path / "m", dtype=torch.float32
    )
    network, started = initial(run(), init=tmp_path / "m")
    assert started == replace(model, confidence=model.confidence)
    assert network.temperature == "raw"
    assert isinstance(network.text, RobertaTower)
    assert network.text.tokens(["rain"]).ids.tolist() == [[0, 6, 2]]
    for key, value in given.state_dict().items():
        assert torch.equal(network.state_dict()[key], value), key


@pytest.mark.parametrize("change", [{"width": 16}, {"roberta": replace(SIZE, hidden=64)}, {"pair": "single_htsat"}])
def test_weights_of_another_size_are_no_start(change: dict, tmp_path: Path) -> None:
    model = replace(run().model, **change)
    hub.save(hub.build_frozen(model), model, tmp_path)
    with pytest.raises(InputError, match="is another model than tiny; a run starts from weights of the same sizes"):
        initial(run(), init=tmp_path)


def test_a_frozen_tower_is_the_shipped_one() -> None:
    network, model = initial(TrainConfig(model=preset("tiny")))
    assert model == preset("tiny")
    assert network.text.frozen


def test_adapters_can_be_added_to_a_model_that_has_none(tmp_path: Path) -> None:
    plain = TrainConfig(model=preset("tiny"))
    given, _ = initial(plain)
    hub.save(given, plain.model, tmp_path, dtype=torch.float32)
    wanted = replace(plain.model, text_adapter_rank=2, text_adapter_layers=3)
    network, model = initial(replace(plain, model=wanted), init=tmp_path)
    assert model == wanted
    assert not network.text.frozen
    assert torch.equal(network.embed_sentences(["Rain falls."]), given.eval().embed_sentences(["Rain falls."]))
    hub.save(network, model, tmp_path / "adapted")
    with pytest.raises(InputError, match="another model than tiny"):
        initial(replace(plain, model=replace(wanted, text_adapter_rank=3)), init=tmp_path / "adapted")
