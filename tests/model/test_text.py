"""The text tower against published similarities, the usual recipe of mean pooling, and itself in other company."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast, RobertaConfig, RobertaModel

from salm.errors import InputError
from salm.model import hub
from salm.model.config import RobertaSize
from salm.model.text import RobertaTower, SentenceTower

SENTENCES = [
    "A dog barks on the left.",
    "Rain.",
    "A large audience applauds in a hall, and somebody far away behind you on your left whistles twice.",
    "",
    "A bell rings.",
    "A dog barks on the left.",
    "It's half past 10: Ünïcode, 17 °C & «quotes»!",
]


def cosines(vectors: Tensor) -> np.ndarray:
    unit = torch.nn.functional.normalize(vectors, dim=-1)
    return (unit @ unit.T).numpy()


def test_similarities_are_those_of_the_published_model(tower: SentenceTower) -> None:
    # From the front page of sbert.net, for all-MiniLM-L6-v2. Half precision costs the last digit.
    sentences = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
    published = [[1.0, 0.6660, 0.1046], [0.6660, 1.0, 0.1411], [0.1046, 0.1411, 1.0]]
    np.testing.assert_allclose(cosines(tower(sentences)), published, atol=3e-4)


def test_similarities_are_those_of_the_hubs_example(tower: SentenceTower) -> None:
    # From the documentation of the Hugging Face inference API, for the same model.
    sentences = ["That is a happy person", "That is a happy dog", "That is a very happy person", "Today is a sunny day"]
    np.testing.assert_allclose(cosines(tower(sentences))[0, 1:], [0.69458, 0.94292, 0.25688], atol=3e-4)


def test_untrained_it_hardly_tells_left_from_right(tower: SentenceTower) -> None:
    # Measured on the publisher's weights before they became ours.
    left, _ = cosines(tower(["A dog barks on the left", "A dog barks on the right"]))
    assert left[1] == pytest.approx(0.967, abs=6e-4)


def test_what_is_said_counts_more_than_how(tower: SentenceTower) -> None:
    said = ["A dog barks on the left.", "On your left, a dog is barking.", "A cat meows on the left.", "Rain falls."]
    paraphrase, cat, rain = cosines(tower(said))[0, 1:]
    assert paraphrase > 0.8 > cat > rain


def mean_pooled(sentences: list[str]) -> Tensor:
    """The recipe of the model's card: padding, the whole batch at once, a mean under the attention mask."""
    folder = hub.WEIGHTS / "minilm-l6-v2"
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_file(str(folder / "tokenizer.json")), pad_token="[PAD]", model_max_length=64
    )
    config = BertConfig(**json.loads((folder / "config.json").read_text(encoding="utf-8")))
    network = BertModel(config, add_pooling_layer=False).eval()
    network.load_state_dict({key: value.float() for key, value in load_file(folder / "model.safetensors").items()})
    encoded = tokenizer(sentences, padding=True, truncation=True, return_tensors="pt")
    with torch.no_grad():
        states = network(input_ids=encoded["input_ids"], attention_mask=encoded["attention_mask"])[0]
    mask = encoded["attention_mask"].unsqueeze(-1).expand(states.size()).float()
    pooled = (states * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
    return torch.nn.functional.normalize(pooled, p=2, dim=1)


def test_vectors_are_those_of_mean_pooling(tower: SentenceTower) -> None:
    vectors = tower(SENTENCES)
    torch.testing.assert_close(vectors / 384**0.5, mean_pooled(SENTENCES), atol=2e-6, rtol=0)


def test_tokens_with_padding_give_the_same_vectors(tower: SentenceTower) -> None:
    encoded = tower.tokenizer.encode_batch(SENTENCES)
    longest = max(len(one.ids) for one in encoded)
    # Whatever the padding holds.
    ids = torch.tensor([one.ids + [17] * (longest - len(one.ids)) for one in encoded])
    mask = torch.tensor([[1] * len(one.ids) + [0] * (longest - len(one.ids)) for one in encoded])
    torch.testing.assert_close(tower.encode(ids, mask), tower(SENTENCES), atol=1e-5, rtol=0)


def test_coordinates_have_unit_variance(tower: SentenceTower) -> None:
    torch.testing.assert_close(tower(SENTENCES).square().mean(1), torch.ones(len(SENTENCES)))


def test_order_does_not_matter(tower: SentenceTower) -> None:
    order = [4, 2, 0, 6, 3, 1, 5]
    assert torch.equal(tower([SENTENCES[i] for i in order]), tower(SENTENCES)[order])


def test_company_does_not_matter(tower: SentenceTower) -> None:
    alone = torch.cat([tower([sentence]) for sentence in SENTENCES])
    together = tower([*SENTENCES, *(f"{number} bells ring." for number in range(30))])[: len(SENTENCES)]
    # With one thread nothing is rounded otherwise; with more, products are split by the size of the batch.
    if torch.get_num_threads() == 1:
        assert torch.equal(together, alone)
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize("words", ["", "rain", "rain falls", "a dog barks on the left"])
def test_not_even_the_last_bit_depends_on_company(tower: SentenceTower, words: str) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        alone = tower([words])[0]
        for company in (1, 4, 70):
            others = [f"{words} {number}" for number in range(9)]
            assert all(torch.equal(vector, alone) for vector in tower([words] * company + others)[:company])
    finally:
        torch.set_num_threads(threads)


def test_more_sentences_than_a_batch_keep_their_order(tower: SentenceTower) -> None:
    numbers = [f"{number} bells" for number in range(10, 90)]
    torch.testing.assert_close(tower(numbers)[[0, 70, 79]], tower(["10 bells", "80 bells", "89 bells"]))


def test_no_sentences_are_no_vectors(tower: SentenceTower) -> None:
    assert tower([]).shape == (0, 384)


def test_case_does_not_matter(tower: SentenceTower) -> None:
    assert torch.equal(tower(["a DOG barks"]), tower(["A dog barks"]))


def test_of_a_long_text_the_beginning_counts(tower: SentenceTower) -> None:
    text = "bark " * 100
    torch.testing.assert_close(tower([text]), tower([text + "rain " * 50]))
    # Of 64 tokens two are the marks of beginning and end.
    assert not torch.allclose(tower(["bark " * 61 + "rain"]), tower(["bark " * 62]))
    torch.testing.assert_close(tower(["bark " * 62 + "rain"]), tower(["bark " * 62]))


def test_it_is_frozen(tower: SentenceTower) -> None:
    assert not any(parameter.requires_grad for parameter in tower.parameters())
    assert not tower(["Rain."]).requires_grad
    assert not any(module.training for module in tower.train().modules())


SMALL = RobertaSize(vocabulary=8, dim=16, layers=2, heads=2, hidden=32, max_tokens=6)


@pytest.fixture
def roberta(eight_words: Tokenizer) -> RobertaTower:
    """A RoBERTa of eight words."""
    torch.manual_seed(0)
    return RobertaTower(SMALL, tokenizer=eight_words.to_str()).eval()


def test_roberta_is_transformers_own_with_its_pooler(roberta: RobertaTower) -> None:
    config = RobertaConfig(
        vocab_size=8,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=514,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
    )
    peer = RobertaModel(config).eval()
    peer.load_state_dict(roberta.roberta.state_dict())
    with torch.no_grad():
        for sentence, ids in (("dog barks", [0, 4, 5, 2]), ("rain left rain", [0, 6, 7, 6, 2]), ("", [0, 2])):
            expected = peer(input_ids=torch.tensor([ids])).pooler_output
            torch.testing.assert_close(roberta([sentence]), expected, atol=1e-6, rtol=0)


@torch.no_grad()
def test_padding_changes_no_vector(roberta: RobertaTower) -> None:
    together = roberta(["dog", "dog barks left", "rain"])
    alone = torch.cat([roberta([sentence]) for sentence in ("dog", "dog barks left", "rain")])
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=0)


def test_tokens_are_padded_as_roberta_pads(roberta: RobertaTower) -> None:
    ids, mask = roberta.tokens(["dog", "dog barks rain dog barks rain"])
    # Six tokens are all it takes: the last sentence is cut, its end mark is not.
    assert ids.tolist() == [[0, 4, 2, 1, 1, 1], [0, 4, 5, 6, 4, 2]]
    assert mask.tolist() == [[1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 1]]


def test_roberta_is_trained_along(roberta: RobertaTower) -> None:
    roberta(["dog"]).sum().backward()
    assert all(parameter.grad is not None for parameter in roberta.roberta.pooler.parameters())
    assert not roberta.frozen


def test_of_no_sentences_roberta_makes_no_vectors(roberta: RobertaTower) -> None:
    assert roberta([]).shape == (0, 16)


def test_without_a_tokenizer_only_tokens_are_read() -> None:
    tower = RobertaTower(SMALL)
    assert tower.encode(torch.tensor([[0, 4, 2]]), torch.ones(1, 3, dtype=torch.long)).shape == (1, 16)
    with pytest.raises(InputError, match=r"no tokenizer.*put the tokenizer\.json of roberta-base"):
        tower(["dog"])


def test_roberta_is_the_published_size() -> None:
    config = RobertaTower().roberta.config
    assert (config.vocab_size, config.hidden_size, config.num_hidden_layers) == (50_265, 768, 12)
    assert (config.layer_norm_eps, config.max_position_embeddings, config.pad_token_id) == (1e-5, 514, 1)
    assert RobertaTower(SMALL).max_tokens == 6
    assert RobertaSize().max_tokens == 77


def test_a_sentence_that_is_no_unicode_is_refused(tower: SentenceTower) -> None:
    with pytest.raises(InputError, match=r"'dog\\udcff' is no Unicode text"):
        tower(["rain", "dog\udcff"])
