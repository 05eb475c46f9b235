"""RoBERTa's tokenizer from whatever public form it has, as the one file that a text tower reads."""

from pathlib import Path

from salm.errors import InputError
from salm.model.checkpoints import downloaded

__all__ = ["TOKENIZER_FILES", "read_tokenizer", "tokenizer_in"]

_WHOLE, _PARTS = "tokenizer.json", ("vocab.json", "merges.txt")
TOKENIZER_FILES = (_WHOLE, *_PARTS)
"""Everything that is read of a folder or a repository on the hub."""

_MARKS = [0, 2]
"""RoBERTa's tokens of an empty sentence: its beginning and its end."""


def tokenizer_in(folder: Path) -> bool:
    """Whether a folder holds a tokenizer."""
    return (folder / _WHOLE).is_file() or all((folder / part).is_file() for part in _PARTS)


def read_tokenizer(source: str | Path, *, vocabulary: int) -> str:
    """A tokenizer as the content of a ``tokenizer.json``.

    Parameters
    ----------
    source
        A ``tokenizer.json``, a folder with one or with ``vocab.json`` and ``merges.txt``, or a hub id.
    vocabulary
        Tokens that the text tower knows.

    Raises
    ------
    InputError
        If there is none, or it is not RoBERTa's.
    """
    found = Path(source)
    if str(source).count("/") == 1 and not found.exists():
        found = downloaded(str(source), TOKENIZER_FILES)
    if not found.is_file() and not tokenizer_in(found):
        raise InputError(f"{source}: there is no tokenizer; expected {_WHOLE}, or {' and '.join(_PARTS)}.")
    try:
        tokenizer = _read(found)
        # The text tower pads and cuts by itself.
        tokenizer.no_padding()
        tokenizer.no_truncation()
        marks, size = tokenizer.encode("").ids, tokenizer.get_vocab_size()
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{source} cannot be read as a tokenizer: {reason}.") from error
    if marks != _MARKS or size > vocabulary:
        raise InputError(
            f"{source} is another tokenizer than RoBERTa's: it marks sentences with {marks} and has {size} tokens; "
            f"expected {_MARKS} and at most {vocabulary}."
        )
    return str(tokenizer.to_str())


def _read(found: Path):  # type: ignore[no-untyped-def]
    from tokenizers import Tokenizer

    whole = found if found.is_file() else found / _WHOLE
    if whole.is_file():
        return Tokenizer.from_file(str(whole))
    from transformers import RobertaTokenizerFast

    return RobertaTokenizerFast.from_pretrained(str(found)).backend_tokenizer
