"""Corpora of dry sounds: a folder with a table, or the built-in synthesised one."""

from collections.abc import Mapping
from pathlib import Path

from salm.errors import InputError
from salm.scenes.corpora.base import Corpus
from salm.scenes.corpora.folder import FolderCorpus
from salm.scenes.corpora.procedural import ProceduralCorpus

__all__ = ["open_corpus"]


def open_corpus(
    folder: str | Path | None,
    *,
    split: str,
    rows: Mapping[str, str] | None = None,
    per_kind: int = 50,
    keep_in_memory: bool = False,
) -> Corpus:
    """One split of a corpus.

    Parameters
    ----------
    folder
        Folder with sounds and a manifest; None is the procedural corpus.
    split
        ``train``, ``val`` or ``test``.
    rows
        Only rows of the manifest with these values.
    per_kind
        Procedural sounds of each kind; a folder does not look at it.
    keep_in_memory
        Decode or render each sound once.

    Raises
    ------
    InputError
        If the corpus cannot be read, has no such split or rows, or rows of the procedural corpus are asked for.
    """
    if folder is not None:
        return FolderCorpus(folder, keep_in_memory=keep_in_memory).select(split=split, rows=rows)
    if rows:
        raise InputError(
            f"the procedural corpus has no manifest with a column {next(iter(rows))!r}; leave the rows out."
        )
    return ProceduralCorpus(per_kind=per_kind, split=split, keep_in_memory=keep_in_memory)
