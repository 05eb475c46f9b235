"""What a language model is told: the paper's prompt, the form of its code line, and one with three examples."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from salm.errors import InputError
from salm.scenes.captions import PAPER_PHRASING, Phrasing, spatial_caption

__all__ = ["INSTRUCTION", "PROMPTS", "Message", "Messages", "messages"]

Message = Mapping[str, str]
"""One turn of a conversation: ``role`` (system, user or assistant) and ``content``."""
Messages = Sequence[Message]

INSTRUCTION = "Rephrase the sentence in English to concisely describe the sound detail and the direction of its source."
"""What the paper's section 3.1 asks for."""

_KEEP = (
    "You are told what is heard and the direction that it comes from. Answer with one short English sentence that "
    "keeps every sound of the description and names this direction and no other."
)

_SAID = {"listener": PAPER_PHRASING.template, "compass": PAPER_PHRASING.template}
# "From the half past ten" is no English.
_SAID["clock"] = "The sound: {sentence} is coming {from}."

# Caption, sector, and the two parts of its answer.
_EXAMPLES = (
    ("A dog barks twice", 2, "{sentence} {from}.", "A dog barks twice"),
    ("Rain falling on metal with distant thunder", 5, "{from}, {clause}.", "Rain falls on metal with distant thunder"),
    ("A man speaking followed by a door closing", 0, "{sentence} {at}.", "A man speaks and then a door closes"),
)


def messages(caption: str, sector: int, *, prompt: str, vocabulary: str, facing: str) -> list[Message]:
    """The conversation that ends with the request for one spatial caption.

    Parameters
    ----------
    caption
        What is heard, without place words.
    sector
        Index into `salm.frame.SECTORS`.
    prompt
        One of `PROMPTS`: ``paper`` is one turn, word for word that of section 3.1; ``code`` has the instruction in a
        system turn and the quoted caption with its direction in the user's, as the paper's code line; ``examples``
        shows three answers first.
    vocabulary, facing
        How the direction is said, as in `salm.frame.direction_word`.

    Raises
    ------
    InputError
        If the caption is empty, or the prompt, sector, vocabulary or facing is unknown.
    """
    if prompt not in PROMPTS:
        raise InputError(f"the prompt is {prompt!r} but must be one of {', '.join(PROMPTS)}.")
    return PROMPTS[prompt](caption, sector, vocabulary, facing)


def _paper(caption: str, sector: int, vocabulary: str, facing: str) -> list[Message]:
    return [_turn("user", f"{_told(caption, sector, vocabulary, facing)} {INSTRUCTION}")]


def _code(caption: str, sector: int, vocabulary: str, facing: str) -> list[Message]:
    quoted = _said(vocabulary).replace("The sound: {sentence}", '"{sentence}"')
    user = spatial_caption(caption, sector, phrasing=Phrasing(quoted, vocabulary), facing=facing)
    return [_turn("system", INSTRUCTION), _turn("user", user)]


def _examples(caption: str, sector: int, vocabulary: str, facing: str) -> list[Message]:
    turns = [_turn("system", _KEEP)]
    for told, place, shape, answer in _EXAMPLES:
        phrasing = Phrasing(shape, vocabulary)
        turns.append(_turn("user", _told(told, place, vocabulary, facing)))
        turns.append(_turn("assistant", spatial_caption(answer, place, phrasing=phrasing, facing=facing)))
    return [*turns, _turn("user", _told(caption, sector, vocabulary, facing))]


def _told(caption: str, sector: int, vocabulary: str, facing: str) -> str:
    return spatial_caption(caption, sector, phrasing=Phrasing(_said(vocabulary), vocabulary), facing=facing)


def _said(vocabulary: str) -> str:
    if vocabulary not in _SAID:
        raise InputError(f"vocabulary is {vocabulary!r} but must be one of {', '.join(_SAID)}.")
    return _SAID[vocabulary]


def _turn(role: str, content: str) -> Message:
    return {"role": role, "content": content}


PROMPTS: Mapping[str, Callable[[str, int, str, str], list[Message]]] = MappingProxyType(
    {"paper": _paper, "code": _code, "examples": _examples}
)
"""Every form of the request by its name."""
