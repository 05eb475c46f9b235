"""Files that are whole or not there: written under a temporary name, renamed when they are done."""

import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from salm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

__all__ = ["check_outputs", "folder_written_whole", "tensors_written_whole", "written_whole"]


def check_outputs(outputs: Iterable[str | Path | None], *, inputs: Iterable[str | Path | None]) -> None:
    """Refuse to write over what is read, or two things into one file; what is None is not given.

    Raises
    ------
    InputError
        If an output is an input or another output, also by another path or a link.
    """
    kept = {os.path.realpath(path) for path in inputs if path is not None}
    written: set[str] = set()
    for path in outputs:
        if path is None:
            continue
        real = os.path.realpath(path)
        if real in kept:
            raise InputError(f"{path} is the input, which is never altered; give the output another name.")
        if real in written:
            raise InputError(f"{path} cannot be two outputs at once; give each a name of its own.")
        written.add(real)


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """A temporary path to write to; it takes the place of ``path`` when the block ends, and is removed if it fails.

    Folders on the way are made. What stood there before stays until then. The temporary name is nobody else's: an
    ``out.wav.part`` may be a recording. What a killed process left of this file goes.

    Raises
    ------
    InputError
        If the file cannot be written, or something else than a file is there: a folder, a device.
    """
    path = Path(path)
    # A device would be replaced like a file.
    if os.path.exists(path) and not os.path.isfile(path):
        raise InputError(f"{path} cannot be written: it is no file; give another name.")
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from error
    try:
        yield part
        if not os.path.exists(part):
            raise InputError(f"{path} cannot be written: another process writes it too; let one of them end first.")
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InputError(f"{path} cannot be written: {error.strerror or error}.") from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _sweep(path: Path) -> None:
    """Delete what killed processes left of a file, where that can be seen."""
    left = re.compile(rf"{re.escape(path.name)}\.[0-9a-f]{{8}}\.part")
    with suppress(OSError):
        for name in filter(left.fullmatch, os.listdir(path.parent)):
            path.with_name(name).unlink(missing_ok=True)


def tensors_written_whole(
    path: str | Path, tensors: "Mapping[str, Tensor]", *, metadata: "Mapping[str, str] | None" = None
) -> None:
    """Write tensors as safetensors, the whole file or nothing.

    Raises
    ------
    InputError
        If the file cannot be written: a full disk, for example.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    with written_whole(path) as part:
        try:
            # Whoever may read other new files of this user may read this one: safetensors makes it for the user alone.
            part.touch()
            mode = part.stat().st_mode
            save_file(dict(tensors), part, metadata=dict(metadata or {}))
            if part.stat().st_mode != mode:
                part.chmod(mode)
        except SafetensorError as error:
            # What the system said is at the end of its message: no room is left, for example.
            raise OSError(str(error).rpartition(": ")[2]) from error


@contextmanager
def folder_written_whole(path: str | Path) -> Iterator[Path]:
    """A temporary folder to write into; it becomes ``path`` when the block ends, and is removed if it fails.

    Raises
    ------
    InputError
        If there is something at ``path`` other than an empty folder, or it cannot be written.
    """
    path = Path(path).absolute()
    try:
        if path.is_file() or (path.is_dir() and any(path.iterdir())):
            raise InputError(f"{path} is there already; give a new folder.")
        nearest = next(folder for folder in path.parents if folder.is_dir())
        with TemporaryDirectory(prefix=f".{path.name}.", dir=nearest, ignore_cleanup_errors=True) as beside:
            # A folder inside: the temporary one may be read by nobody else.
            part = Path(beside) / path.name
            part.mkdir()
            yield part
            path.parent.mkdir(parents=True, exist_ok=True)
            os.replace(part, path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}.") from error
