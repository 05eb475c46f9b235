"""One shard of materialised scenes: a tar file for WebDataset, and the record that says it is whole.

A shard is a pure function of its scenes and their sounds. Of the scene in row 7 of a file it holds ``00000007.flac``
(AmbiX, 24 kHz, 24 bits) and ``00000007.json`` (`sample_facts`)::

    000000.tar   written under a temporary name, renamed when it is whole
    000000.json  written after that: digest, size, what the manifest says of each recording, what was left out
"""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from jaxtyping import Float32

from salm.acoustics.measured.base import ResponseSet
from salm.audio.recording import flac_bytes
from salm.errors import InputError
from salm.frame import SECTORS
from salm.scenes.attributes import attributes_of
from salm.scenes.corpora.base import Corpus
from salm.scenes.rendering import render_scene
from salm.scenes.scene import Scene
from salm.scenes.storage import SceneTable

__all__ = ["RATE_HZ", "ShardTask", "file_digest", "read_record", "readable_response", "sample_facts", "write_shard"]

RATE_HZ = 24_000

_HELD_SOUNDS = 4


@dataclass(frozen=True, kw_only=True)
class ShardTask:
    """Which scenes go into which shard."""

    scenes: Path
    """File of scenes."""
    digest: str
    """SHA-256 of that file."""
    out: Path
    """Folder of the shards."""
    number: int
    start: int
    """First row."""
    stop: int
    """Row after the last."""
    run: str
    """Marks temporary names, so that what is left of a killed process is never taken for ours."""

    @property
    def tar(self) -> Path:
        """Where the shard goes."""
        return self.out / f"{self.number:06d}.tar"

    @property
    def record(self) -> Path:
        """Where its record goes."""
        return self.out / f"{self.number:06d}.json"


def write_shard(task: ShardTask) -> dict[str, Any]:
    """Render the scenes of a shard into its tar file; its record.

    A scene whose sound or response cannot be read, or that cannot be rendered, is left out and named in the record.

    Raises
    ------
    InputError
        If the shard cannot be written, or a line of the file is no scene.
    """
    table, sounds, responses = _opened(task.scenes, task.digest, task.run)
    rows: list[dict[str, Any]] = []
    skipped: list[dict[str, Any]] = []
    with _renamed(task.tar, task.run) as file:
        hashed = _Hashed(file)
        # A stream's blocks are all that is written: nothing is gone back to, so the digest is that of the file.
        with tarfile.open(fileobj=hashed, mode="w|", format=tarfile.USTAR_FORMAT) as tar:
            for row in range(task.start, task.stop):
                scene = table[row]
                try:
                    sound, gain_db, samples = _rendered(scene, sounds, responses)
                except InputError as error:
                    skipped.append(
                        {
                            "row": row,
                            "sound_id": sounds.unreadable(scene),
                            "response_id": _unreadable(scene, responses),
                            "reason": str(error),
                        }
                    )
                    continue
                facts = sample_facts(scene, row=row, split=table.splits[row])
                facts |= {"duration_s": samples / RATE_HZ, "gain_db": gain_db}
                _add(tar, f"{row:08d}.flac", sound)
                _add(tar, f"{row:08d}.json", _json(facts | {"scene": scene.to_dict()}))
                rows.append({"shard": task.tar.name, "key": f"{row:08d}", **facts})
    record = {
        "shard": task.tar.name,
        "sha256": hashed.digest.hexdigest(),
        "bytes": hashed.size,
        "recordings": len(rows),
        "skipped": skipped,
        "rows": rows,
    }
    with _renamed(task.record, task.run) as file:
        file.write(_json(record))
    return record


def read_record(task: ShardTask) -> dict[str, Any] | None:
    """Record of a shard that is finished; None if it is not."""
    try:
        record: dict[str, Any] = json.loads(task.record.read_bytes())
        whole = task.tar.stat().st_size == record["bytes"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return record if whole else None


def file_digest(path: Path) -> str:
    """SHA-256 of a file.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error


def sample_facts(scene: Scene, *, row: int, split: str) -> dict[str, Any]:
    """What the manifest says of a scene; caption, place and the words of its attributes are those of its first source.

    The size of the room and its reverberation time (500 to 1000 Hz) are None in the free field and of measured
    responses; the set of those and the response are None of all others.
    """
    source = scene.sources[0]
    return {
        "row": row,
        "split": split,
        "caption": source.caption,
        "sound_id": source.sound_id,
        "azimuth_deg": float(source.azimuth_deg),
        "elevation_deg": float(source.elevation_deg),
        "distance_m": source.distance_m,
        "sector": SECTORS[source.sector],
        "sources": len(scene.sources),
        "moving": any(source.path for source in scene.sources),
        "attributes": list(attributes_of(scene).values()),
        "room_size_m": None if scene.room is None else list(scene.room.size_m),
        "rt60_s": None if scene.room is None else scene.room.mid_rt60_s,
        "ambience_snr_db": None if scene.ambience is None else scene.ambience.snr_db,
        "responses": scene.responses,
        "response_id": source.response_id,
    }


class _Sounds:
    """A corpus that remembers the last few sounds, which neighbouring rows share, and those that cannot be read."""

    def __init__(self, corpus: Corpus) -> None:
        self.name, self.sounds = corpus.name, corpus.sounds
        self._corpus = corpus
        self._held: dict[str, Float32[np.ndarray, " time"]] = {}
        self._failed: dict[str, str] = {}

    def audio(self, sound_id: str, *, rate_hz: int = RATE_HZ) -> Float32[np.ndarray, " time"]:
        if sound_id in self._failed:
            raise InputError(self._failed[sound_id])
        if sound_id not in self._held:
            try:
                samples = self._corpus.audio(sound_id, rate_hz=rate_hz)
            except InputError as error:
                self._failed[sound_id] = str(error)
                raise
            while len(self._held) >= _HELD_SOUNDS:
                del self._held[next(iter(self._held))]
            self._held[sound_id] = samples
        return self._held[sound_id]

    def unreadable(self, scene: Scene) -> str | None:
        """The first sound of a scene that could not be read."""
        return next((sound_id for sound_id in scene.sound_ids if sound_id in self._failed), None)


class _Hashed(io.RawIOBase):
    """A file to write to that knows what was written."""

    def __init__(self, file: BinaryIO) -> None:
        self.digest, self.size = hashlib.sha256(), 0
        self._file = file

    def write(self, data: Any) -> int:
        self.digest.update(data)
        self.size += len(data)
        return self._file.write(data)


@lru_cache(maxsize=1)
def _opened(path: Path, digest: str, run: str) -> tuple[SceneTable, _Sounds, ResponseSet | None]:
    """Of a worker, the table, sounds and responses that its shards share; in another run they may have been mended."""
    del run
    if file_digest(path) != digest:
        raise InputError(f"{path} was altered while it was exported; begin anew, in a new folder.")
    table = SceneTable(path)
    return table, _Sounds(table.open_corpus(check_files=False)), table.open_responses()


def _unreadable(scene: Scene, responses: ResponseSet | None) -> str | None:
    """The first response of a scene that cannot be read."""
    if responses is None or scene.responses != responses.name:
        return None
    named = [source.response_id for source in scene.sources if source.response_id is not None]
    return next((response_id for response_id in named if not readable_response(responses, response_id)), None)


def readable_response(responses: ResponseSet, response_id: str) -> bool:
    """Whether a set has a response and its file can be read."""
    try:
        responses.read(response_id)
    except InputError:
        return False
    return True


def _rendered(scene: Scene, sounds: _Sounds, responses: ResponseSet | None) -> tuple[bytes, float, int]:
    samples = render_scene(scene, sounds, rate_hz=RATE_HZ, responses=responses)
    encoded, gain_db = flac_bytes(samples, RATE_HZ)
    return encoded, gain_db, samples.shape[1]


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    # Owner, group and time of a new member are 0, its mode 0644 and its names empty, wherever this runs.
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def _json(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n").encode()


@contextmanager
def _renamed(path: Path, run: str) -> Iterator[BinaryIO]:
    """A file that takes its place when the block ends, and is removed if it fails."""
    part = path.with_name(f"{path.name}.{run}.part")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror or error}; make room or mend that, and start again to go on."
        ) from error
    finally:
        part.unlink(missing_ok=True)
