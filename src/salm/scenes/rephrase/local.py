"""A language model in this process, by `transformers`."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from salm.errors import InputError
from salm.scenes.rephrase.prompts import Messages

__all__ = ["TransformersBackend"]


class TransformersBackend:
    """Answers of a causal language model with a chat template; one at a time.

    Parameters
    ----------
    model
        A folder, or a hub id.
    device
        Where it computes.

    Raises
    ------
    InputError
        If the model cannot be loaded, or has no chat template.
    """

    def __init__(self, model: str, *, device: str = "cpu") -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.model, self.device = model, device
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(model)
            self._network = AutoModelForCausalLM.from_pretrained(model, dtype="auto").to(device).eval()
        except (OSError, ValueError, RuntimeError, ImportError) as error:
            raise InputError(f"the language model {model} cannot be loaded: {_first_line(error)}") from error
        if not self._tokenizer.chat_template:
            raise InputError(f"the language model {model} has no chat template; take one that follows instructions.")
        self._stops = _stops(self._network.generation_config.eos_token_id, self._tokenizer.eos_token_id)

    @torch.inference_mode()
    def complete(self, messages: Messages, *, seed: int, temperature: float, max_tokens: int) -> str:
        """The answer to a conversation; temperature 0 takes the likeliest token each time.

        Raises
        ------
        InputError
            If the model's chat template refuses the conversation.
        """
        asked = self._tokens(messages)
        # Drawn here and not by `generate`, which knows only the global random state.
        generator = torch.Generator().manual_seed(seed)
        answer: list[int] = []
        step, past = asked, None
        while len(answer) < max_tokens:
            output = self._network(input_ids=step, past_key_values=past, use_cache=True)
            past = output.past_key_values
            token = _drawn(output.logits[0, -1].float().cpu(), temperature=temperature, generator=generator)
            if token in self._stops:
                break
            answer.append(token)
            step = torch.tensor([[token]], device=self.device)
        return str(self._tokenizer.decode(answer, skip_special_tokens=True)).strip()

    def _tokens(self, messages: Messages) -> Int[Tensor, "1 token"]:
        from jinja2 import TemplateError

        turns = [dict(message) for message in messages]
        try:
            tokens = self._tokenizer.apply_chat_template(
                turns, add_generation_prompt=True, return_tensors="pt", return_dict=True
            )["input_ids"]
        except TemplateError as error:
            raise InputError(
                f"the chat template of {self.model} refuses the request: {_first_line(error)} The prompt `paper` is a "
                "single turn, which every template takes."
            ) from error
        return torch.as_tensor(tokens, device=self.device)


def _drawn(logits: Float[Tensor, " token"], *, temperature: float, generator: torch.Generator) -> int:
    if temperature == 0:
        return int(logits.argmax())
    return int(torch.multinomial(torch.softmax(logits / temperature, 0), 1, generator=generator))


def _stops(*ids: Any) -> frozenset[int]:
    several = [item if isinstance(item, list) else [item] for item in ids if item is not None]
    return frozenset(token for tokens in several for token in tokens)


def _first_line(error: Exception) -> str:
    return f"{str(error).strip().splitlines()[0].rstrip('.:')}." if str(error).strip() else type(error).__name__
