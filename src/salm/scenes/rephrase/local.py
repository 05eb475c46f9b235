"""A language model in this process, by `transformers`."""

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
        A folder, or a hub id; weights are read from safetensors alone.
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
            network = AutoModelForCausalLM.from_pretrained(model, dtype="auto", use_safetensors=True)
            self._network = network.to(device).eval()
        except (OSError, ValueError, RuntimeError, ImportError) as error:
            raise InputError(f"the language model {model} cannot be loaded: {_first_line(error)}") from error
        if not self._tokenizer.chat_template:
            raise InputError(f"the language model {model} has no chat template; take one that follows instructions.")
        # Nothing is padded, but `generate` wants to know.
        self._pad = (
            self._tokenizer.eos_token_id if self._tokenizer.pad_token_id is None else self._tokenizer.pad_token_id
        )

    @torch.inference_mode()
    def complete(self, messages: Messages, *, seed: int, temperature: float, max_tokens: int) -> str:
        """The answer to a conversation; temperature 0 takes the likeliest token each time.

        Raises
        ------
        InputError
            If the model's chat template refuses the conversation.
        """
        asked = self._tokens(messages)
        answer = self._network.generate(
            **asked,
            do_sample=False,
            max_new_tokens=max_tokens,
            pad_token_id=self._pad,
            logits_processor=[_Drawn(temperature, torch.Generator().manual_seed(seed))] if temperature else [],
        )
        own = answer[0, asked["input_ids"].shape[1] :]
        return str(self._tokenizer.decode(own, skip_special_tokens=True)).strip()

    def _tokens(self, messages: Messages) -> dict[str, Tensor]:
        from jinja2 import TemplateError

        turns = [dict(message) for message in messages]
        try:
            tokens = self._tokenizer.apply_chat_template(
                turns, add_generation_prompt=True, return_tensors="pt", return_dict=True
            )
        except TemplateError as error:
            raise InputError(
                f"the chat template of {self.model} refuses the request: {_first_line(error)} The prompt `paper` is a "
                "single turn, which every template takes."
            ) from error
        return {name: tokens[name].to(self.device) for name in ("input_ids", "attention_mask")}


class _Drawn:
    """Makes the likeliest token one that is drawn from softmax(scores / temperature), by Gumbel noise.

    The sampling of `generate` knows only the global random state, which is nobody's to seed.
    """

    def __init__(self, temperature: float, generator: torch.Generator) -> None:
        self.temperature, self.generator = temperature, generator

    def __call__(
        self, input_ids: Int[Tensor, "batch token"], scores: Float[Tensor, "batch entry"]
    ) -> Float[Tensor, "batch entry"]:
        """Scores whose largest is the token that was drawn."""
        del input_ids
        noise = -torch.empty(scores.shape).exponential_(generator=self.generator).log()
        return scores / self.temperature + noise.to(scores)


def _first_line(error: Exception) -> str:
    return f"{str(error).strip().splitlines()[0].rstrip('.:')}." if str(error).strip() else type(error).__name__
