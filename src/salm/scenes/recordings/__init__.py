"""Labelled Ambisonic recordings for evaluation: published ones as they are laid out, or a folder of one's own.

Whether a copy is in the frame of its labels is for :func:`salm.scenes.recordings.check.frame_errors` to say.
"""

from pathlib import Path
from typing import Literal, get_args

from salm.errors import InputError
from salm.scenes.recordings.base import Item, Label, Place, RecordingFiles, RecordingSet
from salm.scenes.recordings.events import EVENT_SETS, open_events
from salm.scenes.recordings.folder import open_folder
from salm.scenes.recordings.frames import open_frames
from salm.scenes.recordings.single import Stretch, heard_in, single_source_stretches, spread_stretches

__all__ = [
    "Item",
    "Label",
    "Place",
    "RecordingFiles",
    "RecordingLayout",
    "RecordingSet",
    "Stretch",
    "heard_in",
    "open_recordings",
    "single_source_stretches",
    "spread_stretches",
]

RecordingLayout = Literal[
    "folder", "starss22", "starss23", "dcase22-synth", "tau-nigens-2020", "tau-nigens-2021", "tut-2018", "tau-2019"
]
"""How a folder of recordings is laid out: with a ``labels.csv`` of one's own, or as it was published."""


def open_recordings(
    root: str | Path, *, layout: RecordingLayout = "folder", split: str | None = None, channels: str | None = None
) -> RecordingFiles:
    """Labelled recordings of a folder.

    Parameters
    ----------
    root
        Folder with recordings and labels.
    layout
        How it is laid out.
    split
        Only recordings of this split, by its published name; None is all.
    channels
        What the channels of the files are, one of `salm.audio.formats.LAYOUTS`; None is what is published of them.

    Raises
    ------
    InputError
        If the layout is unknown, the folder cannot be read so, or there is nothing of the split.
    """
    if layout not in get_args(RecordingLayout):
        raise InputError(f"the layout of recordings is {layout!r} but must be {', '.join(get_args(RecordingLayout))}.")
    if layout == "folder":
        return open_folder(root, channels=channels or "ambix").select(split)
    if layout in EVENT_SETS:
        return open_events(root, release=layout, channels=channels).select(split)
    return open_frames(root, release=layout, channels=channels or "ambix").select(split)
