"""Time of one simulated FOA impulse response, ours against pyroomacoustics on the same rooms, interleaved.

CPU time, median over the rounds, three sources in a room of 8 x 6 x 3 m. The last line is one JSON object.
"""

import argparse
import json
import time
from collections.abc import Callable

import numpy as np
import pyroomacoustics as pra

from salm.acoustics.room import Room, sample_position, sample_room
from salm.acoustics.srir import simulate

RATE_HZ = 24_000
SIZE_M = (8.0, 6.0, 3.0)
MICROPHONE_M = (4.1, 2.9, 1.55)
CENTRES_HZ = [125, 250, 500, 1000, 2000, 4000, 8000]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rt60-s", type=float, nargs="+", default=[0.2, 0.4, 0.6])
    options = parser.parse_args()
    tables = {f"{rt60_s:g}": compare(rt60_s, rounds=options.rounds) for rt60_s in options.rt60_s}
    ratios = {rt60: {peer: ms / table["ours"] for peer, ms in table.items()} for rt60, table in tables.items()}
    random_ms = time_random_rooms(rooms=100)
    print(json.dumps({"ms_per_srir": tables, "ratio_to_ours": ratios, "ours_in_random_rooms_ms": random_ms}))


def compare(rt60_s: float, *, rounds: int) -> dict[str, float]:
    """CPU milliseconds of each simulator for one response with this reverberation time."""
    absorption, max_order = pra.inverse_sabine(rt60_s, SIZE_M)
    # A mild slope over frequency: an equal value in all bands would let peers skip the bands.
    bands = np.clip(absorption * np.linspace(0.9, 1.1, 8), 0, 1)
    room = Room(size_m=SIZE_M, absorption=[bands.tolist()] * 6, microphone_m=MICROPHONE_M)
    sources = np.array([sample_position(np.random.default_rng(seed), room).in_room(room) for seed in range(3)])
    flat = pra.Material(absorption)
    spectral = pra.Material({"coeffs": bands[1:].tolist(), "center_freqs": CENTRES_HZ})
    simulators: dict[str, Callable[[], object]] = {
        "ours": lambda: simulate(room, sources, rate_hz=RATE_HZ, seed=0),
        "pyroomacoustics_images_flat": lambda: peer(flat, sources, max_order=max_order),
        "pyroomacoustics_images_bands": lambda: peer(spectral, sources, max_order=max_order),
        "pyroomacoustics_hybrid_bands": lambda: peer(spectral, sources, max_order=3, ray_tracing=True),
    }
    simulators["ours"]()  # compiles and filters the noise
    times: dict[str, list[float]] = {name: [] for name in simulators}
    for _ in range(rounds):
        for name, simulator in simulators.items():
            times[name].append(cpu_ms(simulator) / len(sources))
    return {name: float(np.median(values)) for name, values in times.items()}


def peer(material: pra.Material, sources_m: np.ndarray, *, max_order: int, ray_tracing: bool = False) -> object:
    # Air would make them compute bands for a flat wall as well, and flat is their best case.
    air = len(material.absorption_coeffs) > 1
    box = pra.ShoeBox(
        SIZE_M, fs=RATE_HZ, materials=material, max_order=max_order, ray_tracing=ray_tracing, air_absorption=air
    )
    for source in sources_m:
        box.add_source(source)
    box.add_microphone(list(MICROPHONE_M))
    for azimuth, colatitude in ((np.pi / 2, np.pi / 2), (0, 0), (0, np.pi / 2)):
        towards = pra.directivities.DirectionVector(azimuth, colatitude, degrees=False)
        box.add_microphone(list(MICROPHONE_M), directivity=pra.directivities.FigureEight(towards))
    box.compute_rir()
    return box.rir


def time_random_rooms(*, rooms: int) -> dict[str, float]:
    """Milliseconds for one of our responses in rooms as they are drawn for training."""
    rng = np.random.default_rng(0)
    times = []
    for seed in range(rooms):
        room = sample_room(rng)
        sources = np.array([sample_position(rng, room).in_room(room) for _ in range(3)])
        times.append(cpu_ms(lambda room=room, sources=sources, seed=seed: simulate(room, sources, seed=seed)) / 3)
    return {"median": float(np.median(times)), "p90": float(np.quantile(times, 0.9))}


def cpu_ms(function: Callable[[], object]) -> float:
    start = time.process_time()
    function()
    return 1000 * (time.process_time() - start)


if __name__ == "__main__":
    main()
