"""Measured responses of one's own: a folder of audio files, and a CSV table that says where each is from.

``responses.csv`` has the columns ``file,azimuth_deg,elevation_deg`` and may have ``distance_m`` and ``room``. Angles
are those of `salm.frame`, seen from the microphone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from jaxtyping import Float32

from salm.acoustics.measured.base import MeasuredResponse, ResponseSet
from salm.audio.arrays import to_foa
from salm.audio.decoding import system_name
from salm.errors import InputError
from salm.table import read_files

__all__ = ["open_folder"]

_REQUIRED = ("file", "azimuth_deg", "elevation_deg")


def open_folder(folder: str | Path, *, channels: str = "ambix") -> ResponseSet:
    """Responses that ``responses.csv`` lists; those whose files are not there are counted.

    Parameters
    ----------
    folder
        Where the table is; the paths in its ``file`` column are relative to the folder, and are the ids.
    channels
        What the files hold, one of `salm.audio.arrays.CHANNELS`.

    Raises
    ------
    InputError
        If the table is missing or not readable, a row is not complete or cannot be, or no file is there.
    """
    folder = Path(folder)
    files, missing = read_files(folder / "responses.csv", required=_REQUIRED, of="responses")
    return ResponseSet(
        name=folder.resolve().name,
        items=tuple(_item(row, where) for rows in files.values() for where, row in rows),
        reader=_Reader(folder=folder, channels=channels),
        missing=missing,
    )


@dataclass(frozen=True, kw_only=True)
class _Reader:
    folder: Path
    channels: str

    def __call__(self, response_id: str) -> tuple[Float32[np.ndarray, "4 time"], int]:
        path = self.folder / response_id
        try:
            samples, rate_hz = soundfile.read(system_name(path), dtype="float32", always_2d=True)
        except (soundfile.LibsndfileError, OSError) as error:
            raise InputError(f"{path} is no audio file that can be read, or is damaged.") from error
        try:
            return to_foa(np.ascontiguousarray(samples.T), self.channels, rate_hz=rate_hz), rate_hz
        except InputError as error:
            raise InputError(f"{path}: {error}") from error


def _item(row: Mapping[str, str], where: str) -> MeasuredResponse:
    try:
        distance = row.get("distance_m", "")
        return MeasuredResponse(
            id=row["file"],
            room=row.get("room", ""),
            azimuth_deg=float(row["azimuth_deg"]),
            elevation_deg=float(row["elevation_deg"]),
            distance_m=float(distance) if distance else None,
        )
    except ValueError as error:
        raise InputError(f"{where}: {error}") from error
