"""What a language model has to do for captions, wherever it runs."""

from typing import Protocol

from salm.scenes.rephrase.prompts import Messages

__all__ = ["MODEL", "Backend"]

MODEL = "meta-llama/Llama-3.2-3B-Instruct"
"""The language model of the paper's section 3.1 (Llama 3.2, 3B), in its instruction-tuned form."""


class Backend(Protocol):
    """A language model that answers conversations."""

    @property
    def model(self) -> str:
        """Name of the model, which is written beside its captions."""

    def complete(self, messages: Messages, *, seed: int, temperature: float, max_tokens: int) -> str:
        """The answer to a conversation; the same seed gives the same one, as far as the model's runtime promises it.

        Raises
        ------
        salm.errors.InputError
            If there is no answer to be had.
        """
