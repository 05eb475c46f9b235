"""Measured spatial room impulse responses, in the layouts in which they are published, as AmbiX with directions."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from salm.acoustics.measured.base import ResponseSet
from salm.acoustics.measured.folder import open_folder
from salm.acoustics.measured.sofa import open_sofa
from salm.acoustics.measured.tau_srir import open_tau_srir
from salm.errors import InputError

__all__ = ["ResponseLayout", "ResponsesFrom", "open_responses"]

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


@dataclass(frozen=True, kw_only=True)
class ResponsesFrom:
    """How a set of measured responses is opened: plain data, so that a run or a file of scenes can name it."""

    path: str
    """Folder, or one SOFA file."""
    layout: ResponseLayout = "folder"
    """SOFA files, TAU-SRIR DB as it is published, or a folder of audio files with a table of directions."""
    channels: str | None = None
    """What the files hold, one of `salm.audio.arrays.CHANNELS`; left out, what the layout says."""
    split: str | None = None
    """Only of TAU-SRIR DB: train or test, which share no room."""
    rooms: tuple[str, ...] = ()
    """Only these rooms; left out, all of them."""

    def open(self) -> ResponseSet:
        """The set.

        Raises
        ------
        InputError
            If it is not where it is said to be, cannot be read, or lacks one of the rooms.
        """
        if not os.path.exists(self.path):
            raise InputError(f"{self.path} is not there; expected measured responses of the layout {self.layout}.")
        responses = open_responses(self.path, layout=self.layout, channels=self.channels, split=self.split)
        return responses.select(self.rooms) if self.rooms else responses

    def to_dict(self) -> dict[str, Any]:
        """Plain form, ready for JSON; what is left out stays out."""
        named = {name: getattr(self, name) for name in ("path", "layout", "channels", "split")}
        if self.rooms:
            named["rooms"] = list(self.rooms)
        return {name: value for name, value in named.items() if value is not None}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "ResponsesFrom":
        """From its plain form.

        Raises
        ------
        InputError
            If a field is unknown, missing, or of the wrong type.
        """
        rooms = plain.get("rooms", ())
        texts = [value for name, value in plain.items() if name != "rooms"]
        if not isinstance(rooms, list | tuple) or not all(isinstance(value, str) for value in (*rooms, *texts)):
            raise InputError(f"the measured responses are {dict(plain)} but must be named by text.")
        try:
            return cls(**{**plain, "rooms": tuple(rooms)})
        except TypeError as error:
            raise InputError(f"the measured responses are not named completely: {error}.") from error
