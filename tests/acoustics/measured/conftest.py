"""Impulse responses whose direction is known, and files of them as they are published."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from salm.audio.formats import encode_plane_wave
from salm.frame import unit_vector


def response(azimuth_deg: float, elevation_deg: float = 0.0, *, time: int = 600, at: int = 100) -> np.ndarray:
    """A plane wave, then a tail of noise 20 dB below it that is the same for all."""
    click = np.zeros(time, np.float32)
    click[at] = 1.0
    tail = np.random.default_rng(5).standard_normal((4, time)) * 0.003
    tail[:, : at + 60] = 0
    return (encode_plane_wave(click, azimuth_deg, elevation_deg) + tail).astype(np.float32)


Cell = list[tuple[float, float]]


@pytest.fixture
def tau_copy(tmp_path: Path) -> Callable[..., Path]:
    """Writer of TAU-SRIR DB: ``tau_copy({"09_tb103": {(trajectory, height): [(azimuth, elevation), ...]}})``.

    Layout as in the published files: ``rirdata.mat`` of MATLAB 5 with nine rooms, ``rirs_nn_room.mat`` of MATLAB 7.3
    with reversed axes and references, after 512 bytes of MATLAB's own header.
    """
    h5py = pytest.importorskip("h5py")
    from scipy.io import savemat

    names = ("bomb_shelter", "gym", "pb132", "pc226", "sa203", "sc203", "se203", "tb103", "tc352")
    numbers = (1, 2, 3, 4, 5, 6, 8, 9, 10)

    def shape_of(cells: Mapping[tuple[int, int], Cell]) -> tuple[int, int]:
        return max(t for t, _ in cells) + 1, max(h for _, h in cells) + 1

    def write_room(path: Path, cells: Mapping[tuple[int, int], Cell], mic: Callable[..., np.ndarray] | None) -> None:
        trajectories, heights = shape_of(cells)
        with h5py.File(path, "w", userblock_size=512) as file:
            group = file.create_group("rirs")
            for field in ("mic", "foa"):
                references = np.empty((heights, trajectories), object)
                for (t, h), _ in np.ndenumerate(np.empty((trajectories, heights))):
                    cell = cells.get((t, h), [])
                    if cell:
                        made = response if field == "foa" or mic is None else mic
                        data = file.create_dataset(f"#refs#/{field}{t}{h}", data=np.stack([made(*p) for p in cell]))
                    else:
                        data = file.create_dataset(f"#refs#/{field}{t}{h}", data=np.zeros(2, np.uint64))
                        data.attrs["MATLAB_empty"] = np.uint8(1)
                    references[h, t] = data.ref
                group.create_dataset(field, data=references, dtype=h5py.ref_dtype)

    def build(
        rooms: Mapping[str, Mapping[tuple[int, int], Cell]],
        *,
        tabled: Mapping[str, Mapping[tuple[int, int], Cell]] | None = None,
        mic: Callable[..., np.ndarray] | None = None,
    ) -> Path:
        """``tabled`` is what the table says where that is not what the files hold."""
        folder = tmp_path / "TAU-SRIR_DB"
        folder.mkdir(exist_ok=True)
        table = np.empty((9, 1), [("name", object), ("year", object), ("rirs", object), ("n", object)])
        for row, (number, name) in enumerate(zip(numbers, names, strict=True)):
            room = f"{number:02d}_{name}"
            cells = (tabled or rooms).get(room, rooms.get(room, {(0, 0): [(10.0 * row, 0.0)]}))
            made = np.empty(shape_of(cells), [("doa_xyz", object)])
            for place in np.ndindex(made.shape):
                made["doa_xyz"][place] = np.array([unit_vector(*p) for p in cells.get(place, [])]).reshape(-1, 3)
            table[row, 0] = (name, 2019, made, np.array([[len(cells.get(p, [])) for p in [(0, 0)]]]))
        savemat(folder / "rirdata.mat", {"rirdata": {"fs": 24_000, "room": table}})
        for room, cells in rooms.items():
            write_room(folder / f"rirs_{room}.mat", cells, mic)
        return folder

    return build


@pytest.fixture
def sofa_file(tmp_path: Path) -> Callable[..., Path]:
    """Writer of SOFA files: ``sofa_file("hall.sofa", "SingleRoomSRIR", Data_IR=..., SourcePosition=...)``.

    The variables and attributes that readers of responses look at, with the dimensions of the standard; what is not
    given has the convention's default. ``Name_Type`` sets an attribute of a variable.
    """
    netcdf = pytest.importorskip("netCDF4")
    pytest.importorskip("sofar")

    def build(name: str, convention: str, **values: object) -> Path:
        attributes = {key: str(values.pop(key)) for key in list(values) if isinstance(values[key], str)}
        variables = {
            "Data_SamplingRate": np.array([24_000.0]),
            "ListenerPosition": np.zeros((1, 3)),
            "ListenerView": np.array([[1.0, 0, 0]]),
            "ListenerUp": np.array([[0.0, 0, 1]]),
            "SourcePosition": np.array([[1.0, 0, 0]]),
            **{key: np.asarray(value, np.float64) for key, value in values.items()},
        }
        samples = variables["Data_IR"]
        sizes = dict(zip("MREN" if samples.ndim == 4 else "MRN", samples.shape, strict=True)) | {"I": 1, "C": 3}
        with netcdf.Dataset(tmp_path / name, "w", format="NETCDF4") as file:
            file.Conventions, file.SOFAConventions = "SOFA", convention
            for dimension, size in sizes.items():
                file.createDimension(dimension, size)
            for key, value in variables.items():
                if key == "Data_IR":
                    axes = tuple(sizes)[: value.ndim]
                elif key == "EmitterPosition":
                    axes = ("E", "C", "I")
                elif key == "Data_Delay":
                    axes = ("I", "R")
                else:
                    axes = ("I" if len(value) == 1 else "M", "C")[: value.ndim]
                variable = file.createVariable(key.replace("Data_", "Data."), "f8", axes)
                variable[:] = value
                if key.endswith(("Position", "View")):
                    variable.Type = attributes.get(f"{key}_Type", "cartesian")
                for attribute in ("ChannelOrdering", "Normalization"):
                    if f"{key}_{attribute}" in attributes:
                        setattr(variable, attribute, attributes[f"{key}_{attribute}"])
        return tmp_path / name

    return build
