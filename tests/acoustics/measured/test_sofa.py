"""SOFA files: directions are relative to the listener, and receivers are what they are said to be."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from salm.acoustics.measured import open_responses
from salm.acoustics.measured.direct import direction_errors_deg
from salm.acoustics.measured.sofa import open_sofa
from salm.audio.arrays import EM32
from salm.audio.formats import encode_plane_wave
from salm.errors import InputError
from salm.frame import unit_vector

SofaFile = Callable[..., Path]


def click(azimuth_deg: float, elevation_deg: float = 0.0) -> np.ndarray:
    samples = np.zeros(300, np.float32)
    samples[50] = 1.0
    return encode_plane_wave(samples, azimuth_deg, elevation_deg)


def turned(vector: np.ndarray, view_deg: float) -> np.ndarray:
    """A vector of the listener's frame in the room, for a listener who faces an azimuth of the room."""
    c, s = np.cos(np.deg2rad(view_deg)), np.sin(np.deg2rad(view_deg))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ vector


def places(responses: object) -> list[tuple[float, float, float]]:
    return [
        (round(item.azimuth_deg, 4), round(item.elevation_deg, 4), round(item.distance_m, 4))
        for item in responses.items
    ]


DIRECTIONS = [(40.0, 10.0), (-100.0, -30.0), (170.0, 0.0)]


def test_directions_are_seen_from_a_listener_who_stands_and_faces_elsewhere(sofa_file: SofaFile) -> None:
    listener, view_deg = np.array([3.0, 4.0, 1.5]), 120.0
    sources = [listener + 2.5 * turned(unit_vector(*d), view_deg) for d in DIRECTIONS]
    path = sofa_file(
        "hall.sofa",
        "SingleRoomSRIR",
        Data_IR=np.stack([click(*d) for d in DIRECTIONS]),
        SourcePosition=np.stack(sources),
        ListenerPosition=np.tile(listener, (3, 1)),
        ListenerView=turned(np.array([1.0, 0, 0]), view_deg)[None],
        Data_IR_ChannelOrdering="acn",
        Data_IR_Normalization="sn3d",
    )
    responses = open_sofa(path)
    assert places(responses) == [(*d, 2.5) for d in DIRECTIONS]
    assert [item.id for item in responses.items] == ["hall/0", "hall/1", "hall/2"]
    assert direction_errors_deg(responses).max() < 0.01
    np.testing.assert_allclose(responses.read("hall/1"), click(*DIRECTIONS[1]), atol=1e-6)


def test_spherical_positions_and_a_listener_on_the_side(sofa_file: SofaFile) -> None:
    path = sofa_file(
        "old.sofa",
        "SingleRoomDRIR",
        Data_IR=np.zeros((2, 4, 10)),
        SourcePosition=np.array([[90.0, 0.0, 2.0], [0.0, 90.0, 3.0]]),
        SourcePosition_Type="spherical",
        ListenerUp=np.array([[0.0, 1.0, 0.0]]),
    )
    # Front is the room's x and up its y: the left, up times front, is the room's -z.
    assert places(open_sofa(path, channels="n3d")) == [(0.0, 90.0, 2.0), (-90.0, 0.0, 3.0)]


def test_a_view_for_every_measurement(sofa_file: SofaFile) -> None:
    views = np.array([[0.0, 0.0, 1.0], [90.0, 0.0, 1.0], [-30.0, 0.0, 1.0]])
    path = sofa_file(
        "turning.sofa",
        "SingleRoomSRIR",
        Data_IR=np.zeros((3, 9, 10)),
        SourcePosition=np.array([[2.0, 0.0, 0.0]]),
        ListenerView=views,
        ListenerView_Type="spherical",
        ListenerUp=np.tile([0.0, 90.0, 1.0], (3, 1)),
    )
    assert places(open_sofa(path, channels="ambix")) == [(0.0, 0.0, 2.0), (-90.0, 0.0, 2.0), (30.0, 0.0, 2.0)]


def test_emitters_are_places_of_their_own(sofa_file: SofaFile) -> None:
    emitters = np.array([[2.0, 0, 0], [0, 3.0, 0], [0, 0, -1.0]])
    samples = np.stack([click(0), click(90), click(0, -90)], axis=1)[None]
    path = sofa_file(
        "speakers.sofa",
        "MultiSpeakerBRIR",
        Data_IR=samples,
        SourcePosition=np.array([[1.0, 1.0, 1.0]]),
        SourcePosition_Type="cartesian",
        ListenerPosition=np.array([[1.0, 1.0, 1.0]]),
        EmitterPosition=emitters[:, :, None],
    )
    responses = open_sofa(path, channels="ambix")
    assert places(responses) == [(0.0, 0.0, 2.0), (90.0, 0.0, 3.0), (0.0, -90.0, 1.0)]
    assert responses.items[2].id == "speakers/0/2"
    np.testing.assert_allclose(responses.read("speakers/0/1"), click(90), atol=1e-6)


def test_sources_already_relative_to_a_listener_elsewhere(sofa_file: SofaFile) -> None:
    path = sofa_file(
        "converted.sofa",
        "SingleRoomSRIR",
        Data_IR=np.zeros((1, 4, 10)),
        SourcePosition=np.array([[0.0, 2.0, 0.0]]),
        ListenerPosition=np.array([[0.0, 0.0, 1.2]]),
    )
    assert places(open_sofa(path, channels="ambix", positions="listener")) == [(90.0, 0.0, 2.0)]
    assert places(open_sofa(path, channels="ambix"))[0][1] == pytest.approx(-30.96, abs=0.01)


def test_normalisation_is_what_the_file_or_the_caller_says(sofa_file: SofaFile) -> None:
    n3d = click(40.0, 10.0) * np.sqrt([1, 3, 3, 3])[:, None]
    higher = np.concatenate([n3d, np.ones((12, 300))])[None]
    said = sofa_file(
        "said.sofa", "SingleRoomSRIR", Data_IR=higher, Data_IR_ChannelOrdering="ACN", Data_IR_Normalization="N3D"
    )
    np.testing.assert_allclose(open_sofa(said).read("said/0"), click(40.0, 10.0), atol=1e-6)
    unsaid = sofa_file("unsaid.sofa", "SingleRoomSRIR", Data_IR=higher)
    with pytest.raises(InputError, match="16 receivers and does not say what they are; give channels"):
        open_sofa(unsaid)
    np.testing.assert_allclose(open_sofa(unsaid, channels="n3d").read("unsaid/0"), click(40.0, 10.0), atol=1e-6)


def test_thirty_two_receivers_are_the_em32(sofa_file: SofaFile) -> None:
    delays = np.exp(
        2j
        * np.pi
        * np.fft.rfftfreq(600, 1 / 24_000)
        * 1.5
        * 0.042
        / 343
        * (EM32.directions @ unit_vector(-60.0, 20.0))[:, None]
    )
    delays *= np.exp(-2j * np.pi * np.fft.rfftfreq(600) * 100)
    path = sofa_file(
        "em.sofa",
        "SingleRoomSRIR",
        Data_IR=np.fft.irfft(delays, 600)[None],
        SourcePosition=2 * unit_vector(-60.0, 20.0)[None],
    )
    responses = open_sofa(path)
    assert responses.read("em/0").shape == (4, 600)
    assert direction_errors_deg(responses, band_hz=(100.0, 500.0)).max() < 1.0


def test_what_was_cut_off_before_comes_back(sofa_file: SofaFile) -> None:
    path = sofa_file("late.sofa", "SingleRoomSRIR", Data_IR=click(0)[None], Data_Delay=np.full((1, 4), 7.0))
    assert np.argmax(open_sofa(path, channels="ambix").read("late/0")[0]) == 57


def test_a_folder_is_a_room_a_file_and_sources_without_a_place_are_counted(sofa_file: SofaFile, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    two = {"Data_IR": np.stack([click(0), click(0)]), "SourcePosition": np.array([[1.0, 0, 0], [0.0, 0, 0]])}
    sofa_file("a.sofa", "SingleRoomSRIR", **two)
    sofa_file("sub/b.sofa", "SingleRoomSRIR", **two)
    responses = open_responses(tmp_path, layout="sofa", channels="ambix")
    assert [item.id for item in responses.items] == ["a/0", "sub/b/0"]
    assert (sorted(responses.by_room), responses.missing) == (["a", "sub/b"], 2)
    again = pickle.loads(pickle.dumps(responses))
    assert again.read("sub/b/0").shape == (4, 300)


def test_what_cannot_be_read_is_refused_in_one_line(sofa_file: SofaFile, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no files that end in"):
        open_sofa(tmp_path)
    with pytest.raises(InputError, match="cannot be read as a SOFA file"):
        open_sofa(tmp_path / "none.sofa")
    path = sofa_file("four.sofa", "SingleRoomSRIR", Data_IR=np.zeros((1, 4, 10)))
    with pytest.raises(InputError, match="4 receivers, which cannot be em32"):
        open_sofa(path, channels="em32")
    with pytest.raises(InputError, match="channels is 'foa'"):
        open_sofa(path, channels="foa")
    no_frame = sofa_file(
        "up.sofa", "SingleRoomSRIR", Data_IR=np.zeros((1, 4, 10)), ListenerView=np.array([[0.0, 0, 1]])
    )
    with pytest.raises(InputError, match="ListenerView along its ListenerUp"):
        open_sofa(no_frame, channels="ambix")
    (tmp_path / "text.sofa").write_text("no")
    with pytest.raises(InputError, match="cannot be read as a SOFA file"):
        open_sofa(tmp_path / "text.sofa")


def test_a_file_that_keeps_to_the_standard_word_for_word(tmp_path: Path) -> None:
    sofar = pytest.importorskip("sofar")
    sofa = sofar.Sofa("GeneralFIR")
    sofa.SourcePosition_Type, sofa.SourcePosition_Units = "cartesian", "metre"
    sofa.Data_IR = np.stack([click(90)])
    sofa.SourcePosition, sofa.ListenerPosition = np.array([[1.0, 3.0, 1.0]]), np.array([[1.0, 1.0, 1.0]])
    sofa.ReceiverPosition = np.zeros((4, 3))
    sofa.Data_Delay, sofa.Data_SamplingRate = np.zeros((1, 4)), 48_000
    sofar.write_sofa(str(tmp_path / "strict.sofa"), sofa)
    responses = open_sofa(tmp_path / "strict.sofa", channels="ambix")
    assert places(responses) == [(90.0, 0.0, 2.0)]
    np.testing.assert_allclose(responses.read("strict/0"), click(90), atol=1e-6)
