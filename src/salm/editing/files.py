"""Edits of files: the result, a record of what was done beside it, and the way back.

The original is never altered, so undoing an edit is to find it again. The record beside the result
(`moved.wav.edit.json`) knows where it lies and its SHA-256. If it is still there, bit for bit, undoing copies it. If it
is gone, the record's matrix and gains are undone on the result: that is the sound field of the original, in AmbiX and
within rounding, but not its file.
"""

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import salm
from salm.audio.binaural import to_binaural
from salm.audio.recording import WRITABLE, read, write
from salm.editing.sound import Edited, edit
from salm.errors import InputError
from salm.model.inference import Model
from salm.whole import check_outputs, written_whole

__all__ = ["Undone", "edit_file", "record_path", "undo_file"]

RECORD_VERSION = 1
_SUFFIX = ".edit.json"
# Beyond it a sample that can be read is none that can be written.
_MOST_GAIN_DB = 300.0


def record_path(out: str | Path) -> Path:
    """Where the record of an edit lies: beside its result."""
    return Path(out).with_name(Path(out).name + _SUFFIX)


def edit_file(
    path: str | Path,
    sentence: str,
    out: str | Path | None,
    *,
    dry_run: bool = False,
    binaural: str | Path | None = None,
    facing: str = "north",
    model: Model | None = None,
    guard: bool = True,
    layout: str | None = None,
) -> dict[str, Any]:
    """Edit a file by a sentence; write the result as AmbiX, and beside it the record that `undo_file` reads.

    Parameters
    ----------
    out
        Where to write; None writes nothing and only tells what would be done.
    dry_run
        Write nothing, whatever is given; the outputs are still checked.
    binaural
        Where to write a preview for headphones as well.
    facing, model, guard
        As `salm.edit` takes them.
    layout
        What the channels of the file are, if that is known; as `salm.read` takes it.

    Returns
    -------
    dict
        The record: what `salm.editing.sound.Edited.to_dict` tells, ``file``, ``out``, ``record`` and ``binaural``,
        ``said`` and ``facing``, ``input`` and ``output`` with SHA-256 (``output`` is None if nothing was written), and
        ``written_gain_db``, which is below zero only where FLAC would clip.

    Raises
    ------
    InputError
        If the file cannot be read, the edit cannot be done, or an output would overwrite the input or another output.
    """
    _check_outputs(path, out, binaural)
    recording = read(path, layout=layout)
    done = edit(recording, sentence, facing=facing, model=model, guard=guard)
    document: dict[str, Any] = {
        "salm_edit": RECORD_VERSION,
        "salm": salm.__version__,
        "file": str(path),
        "out": None if out is None else str(out),
        "record": None if out is None else str(record_path(out)),
        "binaural": None if binaural is None else str(binaural),
        "said": sentence,
        "facing": facing,
        **done.to_dict(),
        "written_gain_db": 0.0,
        "input": _stamp(Path(path)) | {"layout": recording.layout, "rate_hz": recording.rate_hz},
        "output": None,
    }
    return document if dry_run or out is None else _written(document, done, Path(out), binaural)


def _written(document: dict[str, Any], done: Edited, out: Path, binaural: str | Path | None) -> dict[str, Any]:
    # The record comes last: until then that of an earlier edit into the same file stays, and is seen to be of another.
    made = done.recording
    ears = None if binaural is None else to_binaural(made.samples, made.rate_hz)
    gain_db = write(out, made.samples, made.rate_hz)
    if gain_db:
        document["written_gain_db"] = gain_db
        document["notes"].append(f"Written {-gain_db:.3g} dB lower, because FLAC would clip.")
    document["output"] = _stamp(out)
    if binaural is not None and ears is not None:
        write(binaural, ears, made.rate_hz)
    with written_whole(record_path(out)) as part:
        part.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return document


def _check_outputs(path: str | Path, out: str | Path | None, binaural: str | Path | None) -> None:
    check_outputs([out, None if out is None else record_path(out), binaural], inputs=[path])
    for target in (Path(target) for target in (out, binaural) if target is not None):
        if target.suffix.lower() not in WRITABLE:
            raise InputError(f"{target} cannot be written; its name must end in one of {', '.join(WRITABLE)}.")


@dataclass(frozen=True, kw_only=True)
class Undone:
    """How an edit was undone."""

    original: Path | None
    """The original, found and unaltered; None if it had to be rebuilt."""
    out: Path | None
    """What was written, if anything."""
    exact: bool
    """Whether it is the original byte for byte; a rebuilt one is the same sound field within rounding."""
    description: str


def undo_file(record: str | Path, out: str | Path | None = None) -> Undone:
    """The original of an edited file: itself, byte for byte, if it is where it was, else rebuilt from the result.

    Parameters
    ----------
    record
        ``moved.wav.edit.json``, or ``moved.wav`` that it lies beside, which then must be what the record tells of.
    out
        Where to write it; None only says where the original is.

    Raises
    ------
    InputError
        If there is no such record or it is of another result, ``out`` would overwrite the original or the result, or
        the original is gone and the result is too or has changed.
    """
    path = Path(record) if str(record).endswith(_SUFFIX) else record_path(record)
    document = _record(path)
    if path != Path(record) and Path(record).exists() and not _is(Path(record), document["output"]):
        raise InputError(
            f"{record} is not what {path.name} tells of: it was altered, or an edit was stopped before its end; give "
            f"{path} for the original of the edit that it does tell of, which is {document['input']['path']}."
        )
    original = _found(document["input"], path)
    if original is None:
        return _rebuilt(document, path, out)
    said = f"The original is {original}, unaltered (SHA-256 {document['input']['sha256'][:12]}...)"
    if out is None:
        return Undone(original=original, out=None, exact=True, description=f"{said}.")
    _refuse_over(out, [original, path, *_places(document["output"], path)])
    with written_whole(out) as part:
        shutil.copyfile(original, part)
    return Undone(original=original, out=Path(out), exact=True, description=f"{said}; copied to {out} byte for byte.")


def _record(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; an edit is undone by the record beside its result.") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as the record of an edit.") from error
    if not isinstance(document, dict) or document.get("salm_edit") != RECORD_VERSION:
        raise InputError(f"{path} is no record of an edit that this version of salm knows.")
    try:
        whole = _is_whole(document)
    except (KeyError, TypeError, ValueError, OverflowError):
        whole = False
    if not whole:
        raise InputError(f"{path} is damaged: it does not tell the files, the matrix and the gains of an edit.")
    return document


def _is_whole(document: dict[str, Any]) -> bool:
    """Whether a record has what undoing reads of it."""
    stamps = (document["input"], document["output"])
    texts = [document["out"], *(stamp[name] for stamp in stamps for name in ("path", "sha256"))]
    matrix = np.array(document["matrix"], np.float64)
    gains_db = np.array([document["gain_db"], document["written_gain_db"]], np.float64)
    return (
        all(isinstance(text, str) and "\0" not in text for text in texts)
        and matrix.shape == (4, 4)
        and bool(np.isfinite(matrix).all() and (np.abs(gains_db) <= _MOST_GAIN_DB).all())
    )


def _rebuilt(document: dict[str, Any], path: Path, out: str | Path | None) -> Undone:
    where = document["input"]["path"]
    result = _found(document["output"], path)
    if result is None:
        gone = document["out"]
        raise InputError(f"the original {where} is gone or has changed, and so has {gone}; nothing can be undone.")
    if out is None:
        raise InputError(f"the original {where} is gone or has changed; give --out to rebuild its sound from {result}.")
    _refuse_over(out, [Path(where), path, result])
    recording = read(result, layout="ambix")
    gain = 10 ** ((document["gain_db"] + document["written_gain_db"]) / 20)
    # A mono recording's matrix has no inverse; the pseudo-inverse gives W back, and is the inverse of all others.
    inverse = np.linalg.pinv(np.array(document["matrix"]) * gain).astype(np.float32)
    write(out, np.asarray(inverse @ recording.samples), recording.rate_hz)
    return Undone(
        original=None,
        out=Path(out),
        exact=False,
        description=f"The original {where} is gone or has changed: its sound field was rebuilt from {result} "
        f"and is the same within rounding, as AmbiX; written to {out}.",
    )


def _refuse_over(out: str | Path, kept: list[Path]) -> None:
    if Path(out).resolve() in [path.resolve() for path in kept]:
        raise InputError(f"{out} is there already and is not overwritten; give the output another name.")


def _stamp(path: Path) -> dict[str, Any]:
    return {"path": str(path.resolve()), "bytes": path.stat().st_size, "sha256": _sha256(path)}


def _places(stamp: dict[str, Any], record: Path) -> list[Path]:
    """Where a file of a record may lie: where it was, or beside the record if both were moved."""
    return [Path(stamp["path"]), record.parent / Path(stamp["path"]).name]


def _found(stamp: dict[str, Any], record: Path) -> Path | None:
    return next((place for place in _places(stamp, record) if _is(place, stamp)), None)


def _is(path: Path, stamp: dict[str, Any]) -> bool:
    return os.path.isfile(path) and path.stat().st_size == stamp["bytes"] and _sha256(path) == stamp["sha256"]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
