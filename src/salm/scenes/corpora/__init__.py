"""Corpora of dry sounds: a folder with a table, the paper's two, or the built-in synthesised one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

from salm.errors import InputError
from salm.scenes.corpora.audiocaps import AudioCapsCorpus
from salm.scenes.corpora.base import Corpus
from salm.scenes.corpora.clotho import ClothoCorpus
from salm.scenes.corpora.folder import FolderCorpus
from salm.scenes.corpora.procedural import ProceduralCorpus

__all__ = ["CorpusLayout", "open_corpus"]

CorpusLayout = Literal["manifest", "clotho", "audiocaps"]
"""How a folder is laid out: with a manifest of its own, or as Clotho or AudioCaps."""


def open_corpus(
    folder: str | Path | None,
    *,
    split: str | None,
    layout: CorpusLayout = "manifest",
    rows: Mapping[str, str] | None = None,
    per_kind: int = 50,
    keep_in_memory: bool = False,
) -> Corpus:
    """One split of a corpus, or all of it.

    Parameters
    ----------
    folder
        Folder with sounds and tables; None is the procedural corpus.
    split
        ``train``, ``val`` or ``test``; None is all of a folder.
    layout
        How the folder is laid out.
    rows
        Only rows of the manifest with these values.
    per_kind
        Procedural sounds of each kind; a folder does not look at it.
    keep_in_memory
        Decode or render each sound once.

    Raises
    ------
    InputError
        If the corpus cannot be read, has no such split or rows, or there is no manifest whose rows could be asked for;
        if the layout is unknown.
    """
    if layout not in get_args(CorpusLayout):
        raise InputError(f"the layout of a corpus is {layout!r} but must be {', '.join(get_args(CorpusLayout))}.")
    if folder is not None and layout == "manifest":
        return FolderCorpus(folder, keep_in_memory=keep_in_memory).select(split=split, rows=rows)
    if rows:
        which = "procedural corpus" if folder is None else f"layout {layout}"
        raise InputError(f"the {which} has no manifest with a column {next(iter(rows))!r}; leave the rows out.")
    if folder is not None:
        corpus = ClothoCorpus if layout == "clotho" else AudioCapsCorpus
        return corpus(folder, split=split, keep_in_memory=keep_in_memory)
    if layout != "manifest" or split is None:
        raise InputError("the procedural corpus has a layout and splits of its own; name a folder, or one split.")
    return ProceduralCorpus(per_kind=per_kind, split=split, keep_in_memory=keep_in_memory)
