"""The transformers backend, on a tiny network of random weights: the way of a call, not what is said."""

import json
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from salm.errors import InputError
from salm.scenes.rephrase.local import TransformersBackend, _Drawn

TURNS = [
    {"role": "system", "content": "Rephrase."},
    {"role": "user", "content": "A dog barks is coming from the east."},
]
CHAT = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
NO_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" + CHAT


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    out = tmp_path_factory.mktemp("tiny-llama")
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: number for number, letter in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>", pad_token="<|pad|>")
    fast.chat_template = CHAT
    fast.save_pretrained(out)
    config = LlamaConfig(
        vocab_size=len(fast),
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=512,
        bos_token_id=None,
        eos_token_id=fast.eos_token_id,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        LlamaForCausalLM(config).save_pretrained(out)
    return out


@pytest.fixture(scope="module")
def backend(folder: Path) -> TransformersBackend:
    return TransformersBackend(str(folder))


def ask(backend: TransformersBackend, *, seed: int = 0, temperature: float = 1.0, max_tokens: int = 12) -> str:
    return backend.complete(TURNS, seed=seed, temperature=temperature, max_tokens=max_tokens)


def test_the_seed_decides_and_the_global_one_is_left_alone(backend: TransformersBackend) -> None:
    before = torch.random.get_rng_state()
    said = [ask(backend, seed=seed) for seed in (0, 1, 0)]
    assert said[0] == said[2]
    assert said[0] != said[1]
    assert torch.equal(before, torch.random.get_rng_state())


def test_without_temperature_it_is_transformers_greedy_answer(backend: TransformersBackend, folder: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer, network = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    text = "<|system|>Rephrase.<|end|><|user|>A dog barks is coming from the east.<|end|><|assistant|>"
    asked = tokenizer(text, add_special_tokens=False, return_tensors="pt")
    answer = network.generate(**asked, do_sample=False, max_new_tokens=12, pad_token_id=tokenizer.pad_token_id)
    expected = tokenizer.decode(answer[0, asked["input_ids"].shape[1] :], skip_special_tokens=True).strip()
    assert ask(backend, temperature=0.0) == ask(backend, seed=9, temperature=0.0) == expected


def test_it_stops_where_the_model_does(backend: TransformersBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend._network.generation_config, "eos_token_id", list(range(258)))
    assert len(ask(backend)) <= 1


def test_tokens_are_drawn_by_their_chances() -> None:
    scores = torch.tensor([[0.0, 1.0, 2.0, -1.0]])
    draw = _Drawn(0.5, torch.Generator().manual_seed(3))
    counts = torch.bincount(torch.stack([draw(torch.zeros(1, 1), scores).argmax() for _ in range(4000)]), minlength=4)
    # Three standard deviations of a share of one half are 0.024.
    assert counts / 4000 == pytest.approx(torch.softmax(scores[0] / 0.5, 0).numpy(), abs=0.024)


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"the language model {tmp_path} cannot be loaded: ") as caught:
        TransformersBackend(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_pickle_is_not_opened(folder: Path, tmp_path: Path) -> None:
    copied(folder, tmp_path, CHAT)
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "pytorch_model.bin").write_bytes(b"opened, it would be no pickle")
    with pytest.raises(InputError, match=r"cannot be loaded: .*no file named model\.safetensors"):
        TransformersBackend(str(tmp_path))


def copied(folder: Path, to: Path, chat: str | None) -> str:
    for file in folder.iterdir():
        (to / file.name).write_bytes(file.read_bytes())
    (to / "chat_template.jinja").unlink(missing_ok=True)
    config = json.loads((to / "tokenizer_config.json").read_text(encoding="utf-8"))
    config.pop("chat_template", None)
    (to / "tokenizer_config.json").write_text(json.dumps(config | ({"chat_template": chat} if chat else {})))
    return str(to)


def test_a_model_without_a_chat_template_follows_no_instructions(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no chat template; take one that follows instructions"):
        TransformersBackend(copied(folder, tmp_path, None))


def test_a_template_without_system_turns(folder: Path, tmp_path: Path) -> None:
    backend = TransformersBackend(copied(folder, tmp_path, NO_SYSTEM))
    with pytest.raises(
        InputError, match=r"refuses the request: System role not supported\. The prompt `paper` is a single"
    ):
        ask(backend)
    assert isinstance(backend.complete(TURNS[1:], seed=0, temperature=1.0, max_tokens=4), str)
