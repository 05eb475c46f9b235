"""Scenes materialised for those who need files: shards for WebDataset and a table of all recordings.

::

    out/
      export.json        of which scenes: written first, and another file of scenes is refused
      000000.tar ...     salm.scenes.shards
      000000.json ...    a shard is finished when this is there
      manifest.parquet   every recording, by row; written last

The bytes of the folder follow from the scenes and their sounds alone (on one kind of machine and versions of the
libraries), however many workers there were and however often they were killed.
"""

import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tqdm import tqdm

from salm.errors import InputError
from salm.extras import needed
from salm.scenes.corpora.base import Corpus
from salm.scenes.shards import ShardTask, file_digest, read_record, readable_response
from salm.scenes.storage import SceneTable
from salm.scenes.workers import ProcessPool, Workers
from salm.whole import written_whole

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["SHARD_SCENES", "Exported", "Skipped", "export_scenes"]

SHARD_SCENES = 500
"""Scenes of a shard unless another number is asked for."""

_HEAD, _MANIFEST = "export.json", "manifest.parquet"
_LIBRARIES = ("numpy", "scipy", "numba", "soxr", "soundfile")


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """Scenes that were left out for one reason."""

    sound_id: str | None
    """The sound that cannot be read; None if it is another reason."""
    response_id: str | None = None
    """The measured response that cannot be read; if both are None, the scene cannot be rendered."""
    reason: str
    rows: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What is in a folder after an export."""

    out: Path
    shards: int
    recordings: int
    lowered: int = 0
    """Recordings written below their level, since a sample was beyond full scale; the manifest has their gain."""
    skipped: tuple[Skipped, ...] = field(default=())

    @property
    def scenes_skipped(self) -> int:
        """Scenes that were left out."""
        return sum(len(item.rows) for item in self.skipped)


def export_scenes(
    path: str | Path, out: str | Path, *, shard_scenes: int = SHARD_SCENES, workers: Workers | None = None
) -> Exported:
    """Render the scenes of a file into a folder of shards, or go on with that; what is there then.

    Shards that are finished are not rendered again, except those that lack a sound or a measured response that can be
    read by now.

    Parameters
    ----------
    path
        File of scenes.
    out
        Folder; it is made if need be.
    shard_scenes
        Scenes of a shard.
    workers
        Who writes the shards; None is a process for each processor.

    Raises
    ------
    InputError
        If the file is none of scenes, the folder holds something else or cannot be written, or a package is missing.
    """
    if shard_scenes < 1:
        raise InputError(f"shard_scenes is {shard_scenes} but must be at least 1.")
    arrow, parquet = (needed(name, extra="data", by="an export") for name in ("pyarrow", "pyarrow.parquet"))
    table = SceneTable(path)
    path, out = Path(path).absolute(), Path(out).absolute()
    head = {
        "scenes_sha256": file_digest(path),
        "scenes": len(table),
        "shard_scenes": shard_scenes,
        "versions": {name: version(name) for name in ("salm", *_LIBRARIES)},
    }
    _begin(out, head)
    with _alone(out):
        tasks = list(_tasks(path, out, head))
        _remove_parts(out)
        try:
            _write_missing(tasks, table, ProcessPool() if workers is None else workers)
        finally:
            _remove_parts(out)
        records = list(_records(tasks))
        with written_whole(out / _MANIFEST) as part:
            _write_manifest(part, records, arrow, parquet)
    return _account(out, records)


def _begin(out: Path, head: dict[str, Any]) -> None:
    """Mark a new folder as of these scenes, or make sure that it is."""
    try:
        there = json.loads((out / _HEAD).read_bytes())
    except FileNotFoundError:
        if out.exists() and any(not name.name.endswith(".part") for name in out.iterdir()):
            raise InputError(f"{out} holds something else than an export; give a new folder.") from None
        with written_whole(out / _HEAD) as part:
            part.write_text(json.dumps(head) + "\n", encoding="utf-8")
        return
    except (OSError, ValueError) as error:
        raise InputError(f"{out / _HEAD} cannot be read; give a new folder.") from error
    for name, what in (
        ("scenes_sha256", "is the export of another file of scenes"),
        ("shard_scenes", f"was begun with shards of another size than {head['shard_scenes']}"),
        ("versions", "was begun with other versions of the libraries"),
    ):
        if not isinstance(there, dict) or there.get(name) != head[name]:
            raise InputError(f"{out} {what}; give a new folder, or begin it anew.")


def _tasks(path: Path, out: Path, head: dict[str, Any]) -> Iterator[ShardTask]:
    size, run = head["shard_scenes"], uuid.uuid4().hex[:8]
    for number, start in enumerate(range(0, head["scenes"], size)):
        yield ShardTask(
            scenes=path,
            digest=head["scenes_sha256"],
            out=out,
            number=number,
            start=start,
            stop=min(start + size, head["scenes"]),
            run=run,
        )


def _write_missing(tasks: Sequence[ShardTask], table: SceneTable, workers: Workers) -> None:
    records = [read_record(task) for task in tasks]
    lacking = {_missing(item) for record in records if record for item in record["skipped"]} - {(None, None)}
    mended: set[_Missing] = set()
    if lacking or None in records:
        # Only now are corpus and responses needed; what is not there is then one line and not one from every worker.
        corpus, responses = table.open_corpus(check_files=False), table.open_responses()
        mended = {
            (sound_id, response_id)
            for sound_id, response_id in lacking
            if (sound_id is None or _readable(corpus, sound_id))
            and (response_id is None or (responses is not None and readable_response(responses, response_id)))
        }
    unfinished = [
        task
        for task, record in zip(tasks, records, strict=True)
        if record is None or mended & set(map(_missing, record["skipped"]))
    ]
    if not unfinished:
        return
    scenes = {task.tar.name: task.stop - task.start for task in unfinished}
    done = len(table) - sum(scenes.values())
    with tqdm(total=len(table), initial=done, unit="scene", disable=None) as bar:
        for record in workers(unfinished):
            bar.update(scenes[record["shard"]])


_Missing = tuple[str | None, str | None]


def _missing(item: dict[str, Any]) -> _Missing:
    """Sound and response for want of which a scene was left out."""
    return item["sound_id"], item.get("response_id")


def _readable(corpus: Corpus, sound_id: str) -> bool:
    try:
        corpus.audio(sound_id)
    except InputError:
        return False
    return True


def _records(tasks: Iterable[ShardTask]) -> Iterator[dict[str, Any]]:
    for task in tasks:
        if (record := read_record(task)) is None:
            raise InputError(f"{task.tar} is not where its worker put it; give a folder that all machines share.")
        yield record


def _write_manifest(path: Path, records: Iterable[dict[str, Any]], arrow: Any, parquet: Any) -> None:
    real = arrow.float64()
    schema = arrow.schema(
        [
            ("row", arrow.int64()),
            ("shard", arrow.string()),
            ("key", arrow.string()),
            ("split", arrow.string()),
            ("caption", arrow.string()),
            ("sound_id", arrow.string()),
            ("azimuth_deg", real),
            ("elevation_deg", real),
            ("distance_m", real),
            ("sector", arrow.string()),
            ("sources", arrow.int64()),
            ("moving", arrow.bool_()),
            ("attributes", arrow.list_(arrow.string())),
            ("room_size_m", arrow.list_(real)),
            ("rt60_s", real),
            ("ambience_snr_db", real),
            ("responses", arrow.string()),
            ("response_id", arrow.string()),
            ("duration_s", real),
            ("gain_db", real),
        ]
    )
    rows = [row for record in records for row in record["rows"]]
    parquet.write_table(arrow.Table.from_pylist(rows, schema=schema), path, compression="zstd", version="2.6")


def _account(out: Path, records: Sequence[dict[str, Any]]) -> Exported:
    rows_of: dict[tuple[_Missing, str], list[int]] = {}
    for record in records:
        for item in record["skipped"]:
            rows_of.setdefault((_missing(item), item["reason"]), []).append(item["row"])
    return Exported(
        out=out,
        shards=len(records),
        recordings=sum(record["recordings"] for record in records),
        lowered=sum(row["gain_db"] < 0 for record in records for row in record["rows"]),
        skipped=tuple(
            Skipped(sound_id=sound_id, response_id=response_id, reason=reason, rows=tuple(rows))
            for ((sound_id, response_id), reason), rows in rows_of.items()
        ),
    )


def _remove_parts(out: Path) -> None:
    """Remove what killed processes left half-written."""
    for part in out.glob("*.part"):
        part.unlink(missing_ok=True)


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Refuse to write beside another export; the lock ends with the process, however that ends."""
    with (out / _HEAD).open("rb") as file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                # Whatever else it is comes from a network file system without locks.
                if isinstance(error, BlockingIOError):
                    raise InputError(f"another export is writing into {out}; wait for it.") from error
        yield
