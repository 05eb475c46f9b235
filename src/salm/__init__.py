"""Find, locate and edit spatial sound with words.

Angles, axes, sectors and words mean what :mod:`salm.frame` says, everywhere. Importing this package is fast: every name
below is imported from its module when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from salm.audio.recording import Recording, read, write
    from salm.editing.sound import edit
    from salm.errors import InputError
    from salm.frame import Direction
    from salm.library.index import Library
    from salm.model.inference import AudioEmbeddings, Location, Model, load
    from salm.scanning.event import Event
    from salm.scanning.timeline import Timeline, scan

__version__ = "0.1.0"

__all__ = [
    "AudioEmbeddings",
    "Direction",
    "Event",
    "InputError",
    "Library",
    "Location",
    "Model",
    "Recording",
    "Timeline",
    "edit",
    "load",
    "read",
    "scan",
    "write",
]

_HOMES = {
    "AudioEmbeddings": "salm.model.inference",
    "Direction": "salm.frame",
    "Event": "salm.scanning.event",
    "InputError": "salm.errors",
    "Library": "salm.library.index",
    "Location": "salm.model.inference",
    "Model": "salm.model.inference",
    "Recording": "salm.audio.recording",
    "Timeline": "salm.scanning.timeline",
    "edit": "salm.editing.sound",
    "load": "salm.model.inference",
    "read": "salm.audio.recording",
    "scan": "salm.scanning.timeline",
    "write": "salm.audio.recording",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'salm' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
