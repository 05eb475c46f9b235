"""TAU-SRIR DB: nine rooms of Tampere University, ``rirs_{nn}_{room}.mat`` each, and ``rirdata.mat`` with directions.

``rirs`` is an array of structures [trajectory, height] with the fields ``mic`` and ``foa`` of (samples, 4, directions)
at 24 kHz. The files are MATLAB's 7.3, which is HDF5 with all axes reversed: (directions, 4, samples) of structures
[height, trajectory], each field an array of references. Others read ``rirdata.mat`` as MATLAB's older format; both are
read here. Its ``room.rirs`` has the directions of the same trajectories and heights as ``doa_xyz``, (directions, 3).
Response k belongs to direction k: only generators of moving scenes reverse every other height, of both at once.

The numbers of the files are 1 to 6 and 8 to 10; in ``rirdata.room`` there is no gap.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import scipy.io
from jaxtyping import Float32, Float64
from scipy.io.matlab import MatReadError

from salm.acoustics.measured.base import MeasuredResponse, ResponseSet
from salm.audio.arrays import to_foa
from salm.errors import InputError
from salm.extras import needed
from salm.frame import azimuth_elevation

__all__ = ["ROOMS", "SPLITS", "open_tau_srir"]

ROOMS: Mapping[str, int] = MappingProxyType(
    {f"{number:02d}": row for row, number in enumerate((1, 2, 3, 4, 5, 6, 8, 9, 10))}
)
"""Row in ``rirdata.room`` of each number of a file."""

SPLITS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"train": ("01", "02", "03", "04", "10"), "test": ("05", "06", "08", "09")}
)
"""Rooms of each split, those of the paper's code line. The first were measured on circles, the others along lines."""

RATE_HZ = 24_000

_FILE = re.compile(r"rirs_(\d\d)_(\w+)\.mat")
_FIELDS = {"ambix": "foa", "dcase-mic": "mic"}


def open_tau_srir(folder: str | Path, *, channels: str = "ambix", split: str | None = None) -> ResponseSet:
    """Responses of the rooms whose files are there.

    An id is the room, trajectory, height and direction, counted from 0: ``09_tb103/1/2/17``. Distances are not in the
    tables.

    Parameters
    ----------
    folder
        Where ``rirdata.mat`` is, anywhere below with the rooms' files.
    channels
        ``ambix`` for the field ``foa``, ``dcase-mic`` for the tetrahedron of the field ``mic``, which is then encoded.
    split
        ``train`` or ``test``; None is all rooms.

    Raises
    ------
    InputError
        If the tables or all rooms are missing, or a room has another number of responses than of directions.
    """
    if channels not in _FIELDS:
        raise InputError(f"channels is {channels!r} but TAU-SRIR DB has {' and '.join(_FIELDS)}.")
    if split is not None and split not in SPLITS:
        raise InputError(f"split is {split!r} but must be one of {', '.join(SPLITS)}.")
    folder = Path(folder)
    table = next(iter(sorted(folder.rglob("rirdata.mat"))), None)
    if table is None:
        raise InputError(f"{folder} has no rirdata.mat; it lies beside the rirs_*.mat of TAU-SRIR DB.")
    wanted = ROOMS.keys() if split is None else SPLITS[split]
    files = {
        found[1]: (f"{found[1]}_{found[2]}", path)
        for path in sorted(table.parent.rglob("rirs_*.mat"))
        if (found := _FILE.fullmatch(path.name)) and found[1] in wanted
    }
    directions = _directions(table)
    missing = sum(len(at) for number in wanted if number not in files for at in directions[ROOMS[number]].values())
    if not files:
        raise InputError(f"{table.parent} has no rirs_*.mat of the rooms {', '.join(wanted)}.")
    reader = _Reader(files=dict(files.values()), channels=channels)
    items = [
        item
        for number, (room, path) in files.items()
        for item in _items(room, directions[ROOMS[number]], reader.counts(room), path)
    ]
    name = "tau-srir" if channels == "ambix" else f"tau-srir-{channels}"
    return ResponseSet(name=name, items=tuple(items), reader=reader, missing=missing)


_Cells = dict[tuple[int, int], Float64[np.ndarray, "direction 3"]]


def _items(room: str, cells: _Cells, counts: Mapping[tuple[int, int], int], path: Path) -> Iterator[MeasuredResponse]:
    for (trajectory, height), vectors in cells.items():
        if counts.get((trajectory, height), 0) != len(vectors):
            raise InputError(
                f"{path} has {counts.get((trajectory, height), 0)} responses of trajectory {trajectory + 1} "
                f"at height {height + 1} but rirdata.mat {len(vectors)} directions; they are not of one release."
            )
        azimuths, elevations = azimuth_elevation(vectors)
        for k, (azimuth_deg, elevation_deg) in enumerate(zip(azimuths.tolist(), elevations.tolist(), strict=True)):
            yield MeasuredResponse(
                id=f"{room}/{trajectory}/{height}/{k}", room=room, azimuth_deg=azimuth_deg, elevation_deg=elevation_deg
            )


@dataclass(frozen=True, kw_only=True)
class _Reader:
    files: Mapping[str, Path]
    channels: str

    def __call__(self, response_id: str) -> tuple[Float32[np.ndarray, "4 time"], int]:
        room, *place = response_id.split("/")
        trajectory, height, k = map(int, place)
        with _hdf5(self.files[room]) as file:
            samples = np.asarray(self._cell(file, trajectory, height)[k], np.float32)
        return to_foa(samples, self.channels, rate_hz=RATE_HZ), RATE_HZ

    def counts(self, room: str) -> dict[tuple[int, int], int]:
        """Responses of each trajectory and height."""
        with _hdf5(self.files[room]) as file:
            try:
                heights, trajectories = self._references(file).shape if self._is_array(file) else (1, 1)
                return {
                    (trajectory, height): len(cell)
                    for trajectory in range(trajectories)
                    for height in range(heights)
                    if len((cell := self._cell(file, trajectory, height)).shape) == 3
                }
            except (KeyError, ValueError, AttributeError) as error:
                raise InputError(
                    f"{self.files[room]} has no rirs with a field {_FIELDS[self.channels]}; give it as published."
                ) from error

    def _references(self, file: Any) -> Any:
        return file["rirs"][_FIELDS[self.channels]]

    def _is_array(self, file: Any) -> bool:
        return bool(self._references(file).dtype == object)

    def _cell(self, file: Any, trajectory: int, height: int) -> Any:
        references = self._references(file)
        return file[references[height, trajectory]] if self._is_array(file) else references


def _directions(table: Path) -> list[_Cells]:
    """Unit vectors of each row of ``rirdata.room`` by trajectory and height; empty cells are left out."""
    try:
        rooms = _older(table) if not _is_hdf5(table) else _newer(table)
    except (MatReadError, KeyError, IndexError, ValueError, TypeError, OSError) as error:
        raise InputError(f"{table} cannot be read as the table of TAU-SRIR DB: {error}.") from error
    if len(rooms) != len(ROOMS):
        raise InputError(f"{table} has {len(rooms)} rooms but TAU-SRIR DB {len(ROOMS)}; give the file as published.")
    return rooms


def _older(table: Path) -> list[_Cells]:
    rooms = scipy.io.loadmat(table)["rirdata"][0, 0]["room"].reshape(-1)
    return [
        {
            place: np.asarray(cell["doa_xyz"], np.float64)
            for place, cell in np.ndenumerate(np.atleast_2d(room["rirs"]))
            if cell["doa_xyz"].size
        }
        for room in rooms
    ]


def _newer(table: Path) -> list[_Cells]:
    with _hdf5(table) as file:
        found: list[_Cells] = []
        for reference in file["rirdata/room/rirs"][:].reshape(-1):
            cells = file[reference]["doa_xyz"][:].T
            places = ((place, file[cell][:]) for place, cell in np.ndenumerate(cells))
            # An empty matrix is stored as its size.
            found.append({place: np.asarray(v.T, np.float64) for place, v in places if v.ndim == 2 and len(v) == 3})
        return found


def _is_hdf5(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(520)
    return head.startswith(b"\x89HDF") or head[512:].startswith(b"\x89HDF")


def _hdf5(path: Path) -> Any:
    h5py = needed("h5py", extra="data", by="TAU-SRIR DB")
    try:
        return h5py.File(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read as a MATLAB 7.3 file; it is damaged or not whole.") from error
