"""Checkpoints of others, read without running anything that is in them.

Safetensors hold numbers only. What `torch.save` writes is a pickle, which can name any function of any package and
have it called. Such a file is read by torch's weights-only reader, which knows tensors and plain containers, and
besides them only the names in `UNREAD`: what training frameworks leave beside the weights. They stand for nothing here,
so not even their own code runs. A file that names anything else is refused.
"""

import pickletools
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from salm.errors import InputError

__all__ = ["UNREAD", "Unread", "downloaded", "read_tensors"]

UNREAD = (
    # numpy's numbers, which LAION-CLAP's files hold as losses and recalls
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.dtype",
    # settings that Lightning stores as hyper-parameters
    "argparse.Namespace",
    "collections.defaultdict",
    "omegaconf.base.ContainerMetadata",
    "omegaconf.base.Metadata",
    "omegaconf.dictconfig.DictConfig",
    "omegaconf.listconfig.ListConfig",
    "omegaconf.nodes.AnyNode",
    "pathlib.PosixPath",
    "pathlib._local.PosixPath",
    "typing.Any",
    *(f"builtins.{name}" for name in ("bool", "dict", "float", "int", "list", "str")),
)
"""Names that a pickle may hold beside tensors and plain containers."""

_FORMATS = "expected safetensors or what torch.save writes"
_HARMLESS = ("torch", "collections", "_codecs")
_MOST_PICKLES = 8


class Unread:
    """Stands for whatever a checkpoint holds under one of the names in `UNREAD`."""

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, _: object) -> None:
        pass


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The weights of a checkpoint by name: what stands under ``state_dict``, or all of it.

    Raises
    ------
    InputError
        If the file cannot be read, holds something else, or wants code to be run.
    """
    head = _head(path)
    return _tensors(_safetensors(path) if head[8:] == b"{" else _pickled(path), path)


def downloaded(hub_id: str, patterns: Sequence[str]) -> Path:
    """Folder with those files of a repository on the hub whose names fit.

    Raises
    ------
    InputError
        If the hub does not give them.
    """
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(hub_id, allow_patterns=list(patterns)))
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{hub_id}: not a folder here, and the hub did not give it: {reason}") from error


def _head(path: Path) -> bytes:
    if path.is_dir():
        raise InputError(f"{path} is a folder; give a checkpoint file.")
    try:
        with path.open("rb") as file:
            head = file.read(9)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    if not head:
        raise InputError(f"{path} is empty; {_FORMATS}.")
    return head


def _safetensors(path: Path) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (OSError, ValueError, SafetensorError) as error:
        raise InputError(f"{path} is damaged, or no checkpoint: {error}; {_FORMATS}.") from error


def _pickled(path: Path) -> Any:
    allowed: list[Any] = [(Unread, name) for name in UNREAD]
    try:
        # Files of other versions of torch and of pickle make warnings that would say nothing to whoever imports.
        with warnings.catch_warnings(), torch.serialization.safe_globals(allowed):
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except Exception as error:
        if unwanted := _refused(error, path):
            raise InputError(
                f"{path} wants {unwanted}, which is no part of weights and could run anything: it was not read. "
                "Ask its author for safetensors."
            ) from error
        raise InputError(f"{path} is damaged, or no checkpoint that can be read safely; {_FORMATS}.") from error


def _refused(error: Exception, path: Path) -> str | None:
    """The first name for which a pickle was refused, from torch's message or, if that has none, from the pickle."""
    if named := re.search(r"GLOBAL (\S+)", str(error)):
        return named[1]
    names = (name for name in _pickled_names(path) if name not in UNREAD)
    return next((name for name in names if name.split(".")[0] not in _HARMLESS), None)


def _pickled_names(path: Path) -> Iterator[str]:
    """All names of functions and classes in a file's pickles, which are taken apart and not run."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for member in archive.namelist():
                    if member.endswith(".pkl"):
                        yield from _names(archive.open(member))
        else:
            with path.open("rb") as file:
                for _ in range(_MOST_PICKLES):
                    yield from _names(file)
    except (OSError, ValueError, zipfile.BadZipFile):
        return


def _names(pickle: IO[bytes]) -> Iterator[str]:
    # Newer pickles put module and name on the stack, as strings or as what was noted of earlier ones.
    strings: list[str] = []
    noted: list[str] = []
    last = ""
    for opcode, argument, _ in pickletools.genops(pickle):
        if opcode.name in ("GLOBAL", "INST"):
            yield str(argument).replace(" ", ".")
        elif opcode.name == "STACK_GLOBAL":
            yield ".".join(strings[-2:])
        elif opcode.name == "MEMOIZE":
            noted.append(last)
        last = argument if isinstance(argument, str) else ""
        if opcode.name in ("BINGET", "LONG_BINGET") and isinstance(argument, int):
            last = noted[argument] if argument < len(noted) else ""
        strings += [last] if last else []


def _tensors(content: Any, path: Path) -> dict[str, Tensor]:
    state = content.get("state_dict", content) if isinstance(content, Mapping) else content
    if not isinstance(state, Mapping) or not state or not all(map(_is_weight, state.values())):
        held = f"it holds {', '.join(map(str, list(content)[:5]))}" if isinstance(content, Mapping) else ""
        found = held or f"it holds a {type(content).__name__}"
        raise InputError(f"{path} holds no weights by name: expected them, perhaps under state_dict; {found}.")
    return {str(key): value.detach() for key, value in state.items()}


def _is_weight(value: object) -> bool:
    """Whether it is an ordinary tensor with its numbers; a pickle can hold others."""
    ordinary = isinstance(value, Tensor) and value.layout == torch.strided and value.device.type == "cpu"
    return ordinary and not value.is_quantized  # type: ignore[attr-defined]
