"""Measured spatial room impulse responses, in the layouts in which they are published, as AmbiX with directions."""

from pathlib import Path
from typing import Literal

from salm.acoustics.measured.base import ResponseSet
from salm.acoustics.measured.folder import open_folder
from salm.acoustics.measured.sofa import open_sofa
from salm.acoustics.measured.tau_srir import open_tau_srir
from salm.errors import InputError

__all__ = ["ResponseLayout", "open_responses"]

ResponseLayout = Literal["sofa", "tau-srir", "folder"]
"""SOFA files, TAU-SRIR DB as it is published, or a folder of audio files with a table of directions."""


def open_responses(
    path: str | Path, *, layout: ResponseLayout, channels: str | None = None, split: str | None = None
) -> ResponseSet:
    """Measured responses of a layout.

    Parameters
    ----------
    path
        Folder, or one SOFA file.
    layout
        How it is laid out.
    channels
        What the files hold, one of `salm.audio.arrays.CHANNELS`; None is what the layout says, AmbiX for a folder. Of
        TAU-SRIR DB it is ``ambix`` or ``dcase-mic``.
    split
        Only of TAU-SRIR DB: ``train`` or ``test``, which share no room.

    Raises
    ------
    InputError
        If the layout is unknown, or there is nothing that can be read.
    """
    if split is not None and layout != "tau-srir":
        raise InputError(f"the layout {layout} has no splits; choose rooms of the set with select(rooms=...).")
    if layout == "sofa":
        return open_sofa(path, channels=channels)
    if layout == "tau-srir":
        return open_tau_srir(path, channels=channels or "ambix", split=split)
    if layout == "folder":
        return open_folder(path, channels=channels or "ambix")
    raise InputError(f"layout is {layout!r} but must be sofa, tau-srir or folder.")
