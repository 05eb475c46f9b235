"""Physics of the simulated responses: each property has an oracle that shares no code with the simulation."""

import itertools

import numpy as np
import pyroomacoustics as pra
import pytest

from salm.acoustics import _images
from salm.acoustics._bands import BAND_CENTRES_HZ, air_attenuation, band_weights
from salm.acoustics._images import image_responses
from salm.acoustics.room import SURFACES, Room, anechoic, sample_position, sample_room
from salm.acoustics.srir import mixing_times_s, simulate
from salm.errors import InputError
from salm.frame import angle_between_deg, unit_vector

RATE_HZ = 24_000
C_M_S = 343.0
# Columns of (W, Y, Z, X) that hold x, y and z.
XYZ = [3, 1, 2]


def flat_room(absorption: float = 0.2, size_m: tuple[float, float, float] = (7.1, 5.3, 2.9)) -> Room:
    centre = tuple(0.48 * side for side in size_m)
    return Room(size_m=size_m, absorption=[[absorption] * 8] * 6, microphone_m=centre)


def spectral_room() -> Room:
    """Six walls, each with a spectrum of its own."""
    bands, walls = np.meshgrid(np.arange(8), np.arange(6))
    absorption = 0.15 + 0.6 * np.abs(np.sin(1.7 * bands + 2.3 * walls))
    return Room(size_m=(4.7, 3.9, 3.1), absorption=absorption.tolist(), microphone_m=(2.2, 2.1, 1.4))


def spread_sources(room: Room, count: int, seed: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.array([sample_position(rng, room, nearest_m=0.8, wall_m=0.3).in_room(room) for _ in range(count)])


def images_one_by_one(room: Room, source_m: np.ndarray, reach_m: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """Offset and band amplitudes of each image, by reflecting coordinate by coordinate."""
    orders = [int(reach_m / side) + 2 for side in room.size_m]
    found = []
    for order in itertools.product(*(range(-n, n + 1) for n in orders)):
        point, gain = np.array(source_m, float), np.ones(8)
        for axis, times in enumerate(order):
            upper = times > 0
            for _ in range(abs(times)):
                point[axis] = 2 * room.size_m[axis] * upper - point[axis]
                gain = gain * np.sqrt(1 - np.array(room.absorption[2 * axis + upper]))
                upper = not upper
        offset = point - room.microphone_m
        distance = np.linalg.norm(offset)
        if distance <= reach_m:
            found.append((offset, gain / distance * np.exp(-distance * air_attenuation(BAND_CENTRES_HZ))))
    return found


def exact_spectra(images: list[tuple[np.ndarray, np.ndarray]], frequencies_hz: np.ndarray) -> np.ndarray:
    """W, Y, Z, X of the images with exact delays, one frequency a column."""
    weights = band_weights(frequencies_hz)
    spectra = np.zeros((4, frequencies_hz.size), complex)
    for offset, gain in images:
        distance = np.linalg.norm(offset)
        channels = np.array([1, *(offset[[1, 2, 0]] / distance)])
        spectra += np.outer(channels, gain @ weights * np.exp(-2j * np.pi * frequencies_hz * distance / C_M_S))
    return spectra


def residual_db(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(10 * np.log10(np.sum(np.abs(found - wanted) ** 2) / np.sum(np.abs(wanted) ** 2)))


def direction_grid() -> np.ndarray:
    azimuth, elevation = np.meshgrid(np.arange(-175, 180, 30), [-80, -40, 0, 25, 60])
    return unit_vector(azimuth.ravel(), elevation.ravel())


def test_free_field_has_gain_one_over_r_and_the_exact_direction():
    room, directions = anechoic(), direction_grid()
    distances = np.linspace(0.5, 12, len(directions))
    responses = simulate(room, np.array(room.microphone_m) + distances[:, None] * directions, seed=0)
    assert responses.sum(axis=-1)[:, 0] * distances == pytest.approx(1, rel=1e-3)
    intensity = np.einsum("st,sct->sc", responses[:, 0], responses[:, XYZ])
    assert np.max(angle_between_deg(intensity, directions)) < 0.05


def test_free_field_is_flat_but_for_air_and_arrives_in_time():
    room = anechoic()
    source = np.add(room.microphone_m, (3.217, 1.5, -0.4))
    response = simulate(room, source[None], seed=0)[0, 0]
    frequencies = np.fft.rfftfreq(8192, 1 / RATE_HZ)
    below = frequencies < 9000
    distance = np.linalg.norm([3.217, 1.5, -0.4])
    air = np.exp(-distance * air_attenuation(BAND_CENTRES_HZ)) @ band_weights(frequencies)
    wanted = air / distance * np.exp(-2j * np.pi * frequencies * distance / C_M_S)
    found = np.fft.rfft(response, 8192)
    assert np.max(np.abs(found - wanted)[below]) * distance < 0.003


@pytest.mark.parametrize(("axis", "channel"), [(0, 3), (1, 1), (2, 2)])
@pytest.mark.parametrize("sign", [1, -1])
def test_each_axis_has_its_channel_and_sign(axis: int, channel: int, sign: int):
    room = anechoic()
    source = np.array(room.microphone_m)
    source[axis] += 2 * sign
    response = simulate(room, source[None], seed=0)[0]
    peak = np.argmax(np.abs(response[0]))
    assert response[0, peak] > 0
    np.testing.assert_allclose(response[channel], sign * response[0], atol=1e-6)
    others = [c for c in (1, 2, 3) if c != channel]
    assert np.abs(response[others]).max() < 1e-6


def test_images_equal_exact_delays_below_minus_40_db():
    room = spectral_room()
    source, until_s = np.array([3.3, 0.9, 2.2]), 0.045
    found = image_responses(room, source[None], until_s=np.array([until_s]), rate_hz=RATE_HZ)[0]
    # Images that end within the last taps are cut off with the response, so compare with those 12 ms earlier,
    # in time, where both have the same filters.
    frequencies = np.fft.rfftfreq(8192, 1 / RATE_HZ)
    exact = exact_spectra(images_one_by_one(room, source, C_M_S * until_s), frequencies)
    exact[:, frequencies > 9000] = 0
    lowpassed = np.fft.irfft(np.where(frequencies > 9000, 0, np.fft.rfft(found, 8192)), 8192)
    samples = round((until_s - 0.012) * RATE_HZ)
    assert residual_db(lowpassed[:, :samples], np.fft.irfft(exact, 8192)[:, :samples]) < -40


def test_images_equal_pyroomacoustics(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(_images, "_air_table", lambda samples, rate_hz: np.ones((samples, 8), np.float32))
    absorption = dict(zip(SURFACES, (0.1, 0.25, 0.4, 0.15, 0.3, 0.55), strict=True))
    size, microphone, source = (5.2, 4.1, 3.0), [2.3, 2.2, 1.3], [4.1, 1.2, 1.9]
    room = Room(size_m=size, absorption=[[a] * 8 for a in absorption.values()], microphone_m=tuple(microphone))
    until_s = 0.08
    found = image_responses(room, np.array([source]), until_s=np.array([until_s]), rate_hz=RATE_HZ)[0]

    names = dict(zip(SURFACES, ("west", "east", "south", "north", "floor", "ceiling"), strict=True))
    materials = {names[surface]: pra.Material(share) for surface, share in absorption.items()}
    box = pra.ShoeBox(size, fs=RATE_HZ, materials=materials, max_order=25, use_rand_ism=False, air_absorption=False)
    box.add_source(source)
    for vector in (None, (0, 1, 0), (0, 0, 1), (1, 0, 0)):
        box.add_microphone(microphone, directivity=None if vector is None else figure_of_eight(vector))
    filtered = pra.constants.get("rir_hpf_enable")
    pra.constants.set("rir_hpf_enable", False)
    box.compute_rir()
    pra.constants.set("rir_hpf_enable", filtered)
    samples = round((until_s - 0.005) * RATE_HZ)
    half = pra.constants.get("frac_delay_length") // 2
    wanted = np.array([rirs[0][half : half + samples] for rirs in box.rir])

    def lowpassed(response: np.ndarray) -> np.ndarray:
        spectrum = np.fft.rfft(response, 4096)
        spectrum[:, np.fft.rfftfreq(4096, 1 / RATE_HZ) > 9000] = 0
        return np.fft.irfft(spectrum, 4096)[:, : samples - 100]

    # Their amplitudes carry their kernel's ripple, so the gain is fitted, and must be 1 but for that.
    theirs, ours = lowpassed(wanted), lowpassed(found[:, :samples])
    gain = np.sum(theirs * ours) / np.sum(theirs**2)
    assert gain == pytest.approx(1, abs=0.003)
    for channel in range(4):
        assert residual_db(ours[channel], gain * theirs[channel]) < -40


def figure_of_eight(vector: tuple[int, int, int]) -> pra.directivities.FigureEight:
    azimuth, colatitude = np.arctan2(vector[1], vector[0]), np.arccos(vector[2])
    return pra.directivities.FigureEight(pra.directivities.DirectionVector(azimuth, colatitude, degrees=False))


@pytest.mark.parametrize("surface", SURFACES)
def test_each_surface_reflects_from_its_own_side(surface: str):
    absorption = np.ones((6, 8))
    index = SURFACES.index(surface)
    absorption[index] = 0.36
    room = Room(size_m=(6.0, 5.0, 4.0), absorption=absorption.tolist(), microphone_m=(3.0, 2.5, 2.0))
    source = np.array([3.3, 2.9, 2.6])
    image = source.copy()
    image[index // 2] = 2 * (index % 2) * room.size_m[index // 2] - source[index // 2]
    offset = image - room.microphone_m
    distance = np.linalg.norm(offset)
    response = simulate(room, source[None], seed=0, mixing_time_s=0.1)[0]
    arrival = round(distance / C_M_S * RATE_HZ)
    reflection = response[:, arrival - 60 : arrival + 60]
    assert angle_between_deg(reflection[XYZ] @ reflection[0], offset) < 0.2
    # The reflection factor is sqrt(1 - 0.36) = 0.8.
    assert reflection[0].sum() == pytest.approx(0.8 / distance, rel=0.02)


@pytest.mark.parametrize(("axis", "channel"), [(0, 3), (1, 1), (2, 2)])
def test_a_mirrored_room_mirrors_its_channel(axis: int, channel: int):
    room = spectral_room()
    source = np.array([3.3, 0.9, 2.2])
    surfaces, microphone, mirrored = list(room.absorption), np.array(room.microphone_m), source.copy()
    surfaces[2 * axis : 2 * axis + 2] = surfaces[2 * axis : 2 * axis + 2][::-1]
    for point in (microphone, mirrored):
        point[axis] = room.size_m[axis] - point[axis]
    twin = Room(size_m=room.size_m, absorption=tuple(surfaces), microphone_m=tuple(microphone))
    until_s = np.array([0.05])
    left = image_responses(room, source[None], until_s=until_s, rate_hz=RATE_HZ)[0]
    right = image_responses(twin, mirrored[None], until_s=until_s, rate_hz=RATE_HZ)[0]
    left[channel] *= -1
    np.testing.assert_allclose(left, right, atol=1e-5)


def test_walls_colour_what_they_reflect():
    absorption = np.ones((6, 8))
    absorption[5, 4] = 0.0
    room = Room(size_m=(12.0, 12.0, 6.0), absorption=absorption.tolist(), microphone_m=(6.0, 6.0, 2.0))
    response = simulate(room, np.array([[7.0, 6.0, 2.0]]), seed=0, mixing_time_s=0.1)[0, 0]
    reflection = response[round(0.012 * RATE_HZ) : round(0.06 * RATE_HZ)]
    power = np.abs(np.fft.rfft(reflection, 8192)) ** 2
    frequencies = np.fft.rfftfreq(8192, 1 / RATE_HZ)
    inside = (frequencies > 500) & (frequencies < 2000)
    assert power[inside].sum() > 0.99 * power.sum()
    assert frequencies[np.argmax(power)] == pytest.approx(1000, rel=0.1)


def band_energy(responses: np.ndarray, centre_hz: float) -> np.ndarray:
    """Squared W around a band's centre, mean of the sources; the filter is smooth, for it must not ring for longer."""
    size = 2 * responses.shape[-1]
    octaves = np.abs(np.log2(np.fft.rfftfreq(size, 1 / RATE_HZ)[1:] / centre_hz))
    weights = np.append(0, np.where(octaves < 0.5, np.cos(np.pi * octaves) ** 2, 0))
    filtered = np.fft.irfft(np.fft.rfft(responses[:, 0], size) * weights, size)
    return np.mean(filtered[:, : responses.shape[-1]] ** 2, axis=0)


def t20_s(energy: np.ndarray) -> float:
    """Reverberation time from the slope of the integrated energy between -5 and -25 dB (ISO 3382)."""
    left_db = 10 * np.log10(np.cumsum(energy[::-1])[::-1] / energy.sum())
    span = (left_db < -5) & (left_db > -25)
    slope = np.polyfit(np.flatnonzero(span) / RATE_HZ, left_db[span], 1)[0]
    return -60 / slope


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_each_band_decays_as_eyring_says(seed: int):
    room = sample_room(np.random.default_rng(seed), rt60_s=(0.3, 1.2))
    responses = simulate(room, spread_sources(room, 8), seed=seed, mixing_time_s=0.05)
    for band in range(3, 8):
        if room.rt60_s[band] >= 0.3:
            measured_s = t20_s(band_energy(responses, BAND_CENTRES_HZ[band]))
            assert measured_s == pytest.approx(room.rt60_s[band], rel=0.08)


@pytest.mark.parametrize("size_m", [(5.1, 4.2, 2.8), (9.3, 6.7, 3.3), (16.1, 12.7, 6.3)])
def test_the_tail_takes_over_at_the_level_of_the_images(size_m: tuple[float, float, float]):
    room = flat_room(0.2, size_m)
    sources = spread_sources(room, 8)
    window = slice(round(0.06 * RATE_HZ), round(0.1 * RATE_HZ))
    levels_db = []
    for mixing_s in (0.12, 0.05):
        spectra = np.fft.rfft(simulate(room, sources, seed=1, mixing_time_s=mixing_s)[:, 0, window], axis=-1)
        frequencies = np.fft.rfftfreq(window.stop - window.start, 1 / RATE_HZ)
        levels_db.append(10 * np.log10(np.sum(np.abs(spectra[:, (frequencies > 400) & (frequencies < 9000)]) ** 2)))
    assert abs(levels_db[0] - levels_db[1]) < 1.2


def test_the_crossfade_keeps_the_power():
    room = flat_room(0.2, (9.3, 6.7, 3.3))
    responses = simulate(room, spread_sources(room, 32), seed=1, mixing_time_s=0.07)
    energy = band_energy(responses, 2000)
    before, fade, after = (energy[round(t * RATE_HZ) :][:240].mean() for t in (0.05, 0.06, 0.07))
    assert 20 * np.log10(fade) == pytest.approx(10 * np.log10(before * after), abs=1.0)


def test_the_tail_is_isotropic_and_its_channels_are_independent():
    room = flat_room(0.1, (11.2, 8.1, 4.3))
    late = simulate(room, spread_sources(room, 12), seed=1)[..., round(0.16 * RATE_HZ) : round(0.6 * RATE_HZ)]
    covariance = np.einsum("sct,sdt->cd", late, late)
    ratios = np.diag(covariance)[1:] / covariance[0, 0]
    assert ratios == pytest.approx(1 / 3, rel=0.06)
    scale = np.sqrt(np.diag(covariance))
    assert np.abs(covariance / np.outer(scale, scale) - np.eye(4)).max() < 0.05


def test_the_seed_decides_the_tail_and_nothing_else():
    room = spectral_room()
    sources = spread_sources(room, 2)
    first, again, other = (simulate(room, sources, seed=seed) for seed in (7, 7, 8))
    assert np.array_equal(first, again)
    start = round(0.039 * RATE_HZ)
    assert np.array_equal(first[..., :start], other[..., :start])
    assert not np.array_equal(first[..., start + 240 :], other[..., start + 240 :])


def test_a_source_does_not_hear_the_sources_after_it():
    room = spectral_room()
    sources = spread_sources(room, 3)
    together, alone = simulate(room, sources, seed=7), simulate(room, sources[:1], seed=7)
    samples = min(together.shape[-1], alone.shape[-1])
    np.testing.assert_allclose(together[0, :, :samples], alone[0, :, :samples], atol=1e-6)


def test_mixing_times_follow_the_volume_within_their_bounds():
    near = np.array([2.0])
    assert mixing_times_s(flat_room(0.1, (12.0, 10.0, 5.0)), near) == pytest.approx(0.05712)
    assert mixing_times_s(flat_room(0.05, (40.0, 30.0, 12.0)), near) == pytest.approx(0.15)
    dead = flat_room(0.8, (12.0, 10.0, 8.0))
    assert mixing_times_s(dead, near) == pytest.approx(0.05)
    assert mixing_times_s(dead, np.array([13.72])) == pytest.approx(0.06)


def test_the_response_is_as_long_as_the_slowest_band():
    room = spectral_room()
    response = simulate(room, spread_sources(room, 1), seed=0)
    assert response.dtype == np.float32
    assert response.shape == (1, 4, round(room.rt60_s.max() * RATE_HZ))


@pytest.mark.parametrize(
    ("source_m", "message"),
    [((9.0, 1, 1), r"9\.0.*outside the room"), ((2.2, 2.1, 1.45), "0.050 m from the microphone")],
)
def test_impossible_sources_are_refused(source_m: tuple[float, float, float], message: str):
    with pytest.raises(InputError, match=message):
        simulate(spectral_room(), np.array([source_m]), seed=0)


def test_wrong_shapes_and_mixing_times_are_refused():
    with pytest.raises(InputError, match=r"not \(3,\)"):
        simulate(spectral_room(), np.array([1.0, 1.0, 1.0]), seed=0)
    with pytest.raises(InputError, match=r"mixing_time_s is 0\.01 but a source at 1\.30 m needs"):
        simulate(spectral_room(), np.array([[3.5, 2.1, 1.4]]), seed=0, mixing_time_s=0.01)
