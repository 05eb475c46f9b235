"""TAU-SRIR DB as it is published: numbers of rooms, reversed axes, which response has which direction."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from salm.acoustics.measured import open_responses
from salm.acoustics.measured.direct import direction_errors_deg
from salm.acoustics.measured.tau_srir import SPLITS, open_tau_srir
from salm.audio.arrays import DCASE_MIC
from salm.errors import InputError
from salm.frame import unit_vector

TB103 = {
    (0, 0): [(10.0, 0.0), (20.0, 5.0)],
    (0, 1): [(20.0, 30.0), (10.0, 30.0), (0.0, 30.0)],
    (1, 0): [(-90.0, -20.0)],
}
GYM = {(0, 0): [(170.0, 0.0), (-170.0, 0.0)]}


def test_every_response_has_its_own_direction(tau_copy: Callable[..., Path]) -> None:
    responses = open_tau_srir(tau_copy({"09_tb103": TB103, "02_gym": GYM}))
    assert len(responses.items) == 8
    # Heights whose order is reversed included: a pairing that reverses only one of both is 20 degrees off.
    assert direction_errors_deg(responses).max() < 0.5
    item = responses["09_tb103/0/1/2"]
    assert (item.room, round(item.azimuth_deg, 6), round(item.elevation_deg, 6)) == ("09_tb103", 0.0, 30.0)
    assert item.distance_m is None
    # Seven rooms lack a file, with one direction each in the table.
    assert responses.missing == 7


def test_a_number_of_a_file_is_not_its_row(tau_copy: Callable[..., Path]) -> None:
    # File 10 is the ninth row; the tenth does not exist, and the eighth is another room.
    responses = open_tau_srir(tau_copy({"10_tc352": {(0, 0): [(33.0, 0.0)]}, "08_se203": {(0, 0): [(44.0, 0.0)]}}))
    assert {item.room: round(item.azimuth_deg) for item in responses.items} == {"08_se203": 44, "10_tc352": 33}


def test_samples_are_those_of_the_file(tau_copy: Callable[..., Path]) -> None:
    responses = open_tau_srir(tau_copy({"02_gym": GYM}))
    samples = responses.read("02_gym/0/0/1")
    assert samples.shape == (4, 600)
    np.testing.assert_allclose(samples[:, 100], [1, *unit_vector(-170.0, 0.0)[[1, 2, 0]]], atol=1e-6)


def test_the_microphone_format_is_encoded(tau_copy: Callable[..., Path]) -> None:
    def mic(azimuth_deg: float, elevation_deg: float) -> np.ndarray:
        # The first millisecond of a sphere's response, by sums of delays to the capsules: true below some 500 Hz.
        spectra = np.exp(
            2j
            * np.pi
            * np.fft.rfftfreq(600, 1 / 24_000)
            * 1.5
            * 0.042
            / 343
            * (DCASE_MIC.directions @ unit_vector(azimuth_deg, elevation_deg))[:, None]
        )
        spectra *= np.exp(-2j * np.pi * np.fft.rfftfreq(600) * 100)
        return np.fft.irfft(spectra, 600).astype(np.float32)

    responses = open_tau_srir(tau_copy({"09_tb103": TB103}, mic=mic), channels="dcase-mic")
    assert responses.name == "tau-srir-dcase-mic"
    assert direction_errors_deg(responses, band_hz=(100.0, 500.0)).max() < 4.0


def test_splits_share_no_room(tau_copy: Callable[..., Path]) -> None:
    folder = tau_copy({"09_tb103": TB103, "02_gym": GYM})
    assert not set(SPLITS["train"]) & set(SPLITS["test"])
    assert {item.room for item in open_responses(folder, layout="tau-srir", split="train").items} == {"02_gym"}
    assert {item.room for item in open_responses(folder, layout="tau-srir", split="test").items} == {"09_tb103"}


def test_the_table_of_another_release_is_refused(tau_copy: Callable[..., Path]) -> None:
    folder = tau_copy({"02_gym": GYM}, tabled={"02_gym": {(0, 0): [(0.0, 0.0)]}})
    with pytest.raises(InputError, match=r"2 responses of trajectory 1 at height 1 but rirdata\.mat 1 directions"):
        open_tau_srir(folder)


def test_a_table_in_the_newer_format_is_read_too(tau_copy: Callable[..., Path]) -> None:
    import h5py

    folder = tau_copy({"09_tb103": TB103})
    with h5py.File(folder / "rirdata.mat", "w", userblock_size=512) as file:
        rooms = np.empty((1, 9), object)
        for row in range(9):
            cells = TB103 if row == 7 else {(0, 0): [(0.0, 0.0)]}
            references = np.empty((2, 2), object)
            for t, h in np.ndindex(2, 2):
                vectors = [unit_vector(*p) for p in cells.get((t, h), [])]
                data = np.array(vectors).T if vectors else np.array([0, 3], np.uint64)
                references[h, t] = file.create_dataset(f"#refs#/d{row}{t}{h}", data=data).ref
            group = file.create_group(f"#refs#/r{row}")
            group.create_dataset("doa_xyz", data=references, dtype=h5py.ref_dtype)
            rooms[0, row] = group.ref
        file.create_group("rirdata/room").create_dataset("rirs", data=rooms, dtype=h5py.ref_dtype)
    responses = open_tau_srir(folder)
    assert len(responses.items) == 6
    assert direction_errors_deg(responses).max() < 0.5


def test_a_set_goes_to_other_processes(tau_copy: Callable[..., Path]) -> None:
    responses = open_tau_srir(tau_copy({"02_gym": GYM}))
    again = pickle.loads(pickle.dumps(responses))
    np.testing.assert_array_equal(again.read("02_gym/0/0/0"), responses.read("02_gym/0/0/0"))


def test_what_is_not_the_database_is_refused_in_one_line(tau_copy: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no rirdata\.mat"):
        open_tau_srir(tmp_path)
    folder = tau_copy({"02_gym": GYM})
    with pytest.raises(InputError, match=r"has no rirs_\*\.mat of the rooms 05, 06, 08, 09"):
        open_tau_srir(folder, split="test")
    with pytest.raises(InputError, match="split is 'dev'"):
        open_tau_srir(folder, split="dev")
    with pytest.raises(InputError, match="ambix and dcase-mic"):
        open_tau_srir(folder, channels="em32")
    (folder / "rirs_02_gym.mat").write_bytes(b"cut short")
    with pytest.raises(InputError, match="damaged or not whole"):
        open_tau_srir(folder)
    (folder / "rirdata.mat").write_bytes(b"nothing")
    with pytest.raises(InputError, match="cannot be read as the table"):
        open_tau_srir(folder)
