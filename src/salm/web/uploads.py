"""Recordings that clients send: under names of ours in a folder of ours, measured before they are read, and deleted."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import soundfile
from anyio import to_thread
from starlette.datastructures import UploadFile

from salm.audio.decoding import system_name
from salm.audio.recording import Recording, read
from salm.errors import InputError
from salm.web.limits import Limits

__all__ = ["Upload", "check_length"]

_SUFFIXES = frozenset({".aif", ".aiff", ".amb", ".caf", ".flac", ".mp3", ".ogg", ".rf64", ".w64", ".wav"})
_NAME_CHARACTERS = 120


class Upload:
    """One recording on disk until it is closed.

    The client's name of it is only ever shown; its ending, if it is a known one, is kept because it says what the
    channels mean.
    """

    def __init__(self, name: str) -> None:
        self.name = _shown(name)
        self._folder = TemporaryDirectory(prefix="salm-upload-")
        suffix = PurePosixPath(self.name).suffix.lower()
        self.path = Path(self._folder.name) / f"upload{suffix if suffix in _SUFFIXES else '.wav'}"

    @classmethod
    async def received(cls, file: UploadFile) -> "Upload":
        """What a form brought, copied to its place."""
        upload = cls(file.filename or "")
        with ExitStack() as held:
            held.enter_context(upload)
            await to_thread.run_sync(upload._take, file)
            held.pop_all()
        return upload

    def __enter__(self) -> "Upload":
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def checked(self, limits: Limits) -> Path:
        """Its path, if it is no longer than a recording may be.

        Raises
        ------
        InputError
            If it is longer, or no audio.
        """
        with self.named():
            check_length(self.path, limits)
        return self.path

    def read(self, limits: Limits, *, layout: str | None = None) -> Recording:
        """The recording, if it is no longer than it may be; as `salm.read` reads it."""
        with self.named():
            return read(self.checked(limits), layout=layout)

    @contextmanager
    def named(self) -> Iterator[None]:
        """Within this, what is wrong with the file is said by the client's name of it."""
        try:
            yield
        except InputError as error:
            raise InputError(str(error).replace(str(self.path), self.name)) from error

    def _take(self, file: UploadFile) -> None:
        with self.path.open("wb") as out:
            shutil.copyfileobj(file.file, out)


def check_length(path: Path, limits: Limits) -> None:
    """Refuse a file that is too long to be read, by its header; what is no audio is left to the reader.

    Raises
    ------
    InputError
        If it is too long.
    """
    try:
        info = soundfile.info(system_name(path))
    except (soundfile.LibsndfileError, OSError):
        return
    if info.frames > limits.max_s * info.samplerate:
        raise InputError(limits.too_long(path))
    if info.frames * info.channels > limits.max_values:
        raise InputError(
            f"{path} has {info.channels} channels of {info.frames} samples, more than this server takes; cut it."
        )


def _shown(name: str) -> str:
    """The last part of a name, as one short line."""
    last = name.replace("\\", "/").rpartition("/")[2]
    printable = "".join(character if character.isprintable() else " " for character in last).strip()
    return printable[-_NAME_CHARACTERS:] or "the recording"
