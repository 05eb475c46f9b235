"""Corpora of dry sounds: a folder with a table, published ones as they are laid out, or the synthesised one."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args

from salm.errors import InputError
from salm.scenes.corpora.audiocaps import AudioCapsCorpus
from salm.scenes.corpora.base import Corpus
from salm.scenes.corpora.clotho import ClothoCorpus
from salm.scenes.corpora.esc50 import Esc50Corpus
from salm.scenes.corpora.folder import FolderCorpus
from salm.scenes.corpora.fsd50k import Fsd50kCorpus
from salm.scenes.corpora.procedural import ProceduralCorpus

__all__ = ["CorpusLayout", "open_corpus"]

CorpusLayout = Literal["manifest", "clotho", "audiocaps", "fsd50k", "esc50"]
"""How a folder is laid out: with a manifest of its own, or as Clotho, AudioCaps, FSD50K or ESC-50 are published."""

_PUBLISHED: Mapping[str, type[ClothoCorpus | AudioCapsCorpus | Fsd50kCorpus | Esc50Corpus]] = MappingProxyType(
    {"clotho": ClothoCorpus, "audiocaps": AudioCapsCorpus, "fsd50k": Fsd50kCorpus, "esc50": Esc50Corpus}
)


def open_corpus(
    folder: str | Path | None,
    *,
    split: str | None,
    layout: CorpusLayout = "manifest",
    rows: Mapping[str, str] | None = None,
    per_kind: int = 50,
    keep_in_memory: bool = False,
    check_files: bool = True,
) -> Corpus:
    """One split of a corpus, or all of it.

    Parameters
    ----------
    folder
        Folder with sounds and tables, or with the layout ``manifest`` also a CSV table beside its sounds, whatever its
        name; None is the procedural corpus.
    split
        ``train``, ``val`` or ``test``; None is all of a folder.
    layout
        How the folder is laid out.
    rows
        Only rows of the manifest with these values; of a published corpus, of what
        :data:`~salm.scenes.corpora.clips.SELECTABLE` names.
    per_kind
        Procedural sounds of each kind; a folder does not look at it.
    keep_in_memory
        Decode or render each sound once.
    check_files
        Refuse a manifest whose audio is not all there; see :class:`~salm.scenes.corpora.folder.FolderCorpus`.

    Raises
    ------
    InputError
        If the corpus cannot be read, has no such split or rows, or there is no manifest whose rows could be asked for;
        if the layout is unknown.
    """
    if layout not in get_args(CorpusLayout):
        raise InputError(f"the layout of a corpus is {layout!r} but must be {', '.join(get_args(CorpusLayout))}.")
    if folder is not None and layout == "manifest":
        path = Path(folder)
        place, table = (path.parent, path.name) if path.suffix.lower() == ".csv" else (path, "manifest.csv")
        opened = FolderCorpus(place, manifest=table, keep_in_memory=keep_in_memory, check_files=check_files)
        return opened.select(split=split, rows=rows)
    if folder is not None:
        corpus = _PUBLISHED[layout](folder, split=split, keep_in_memory=keep_in_memory)
        return corpus.select(rows) if rows else corpus
    if rows:
        raise InputError(f"the procedural corpus has no manifest with a column {next(iter(rows))!r}; leave it out.")
    if layout != "manifest" or split is None:
        raise InputError("the procedural corpus has a layout and splits of its own; name a folder, or one split.")
    return ProceduralCorpus(per_kind=per_kind, split=split, keep_in_memory=keep_in_memory)
