"""Processor time of simulated FOA impulse responses, ours against pyroomacoustics in the same rooms.

A round is a room with three sources: a box of 8 x 6 x 3 m and rooms as training draws them, all with a reverberation
time near 0.4 s. Every simulator runs once a round, one after the other, in one thread; ours runs for thirty sources,
as three are over too soon to be timed, and the ray tracer for one. Ratios are medians over the rooms with 95 %
bootstrap bounds. The last line is one JSON object. In it

- `ratio_full_bands` is pyroomacoustics' image sources with octave bands until RT60 over our response as it is rendered
  with, images and tail, which is as long;
- `ratio_images_bands` compares the same with our images alone until RT60.

Every wall has its own absorption in every octave band on both sides, ours in 8 bands and theirs in 7, and air absorbs.
Of pyroomacoustics the fastest settings count: its high-pass filter is off, no image is displaced, and its order is the
lowest that `pyroomacoustics.inverse_sabine` recommends for the room and RT60. The images of an order fill an octahedron
of which only the ball within RT60 is needed. No setting of pyroomacoustics leaves the others out, but the row
`peer_images_bands_ball` does, by hand, by making them invisible before the responses are built.
`peer_images_flat` has one band and no air; `peer_hybrid_bands` is images to order 3 and rays from there on.
"""

import argparse
import json
from collections.abc import Callable

import numpy as np
import pyroomacoustics as pra

from rounds import cpu_ms, medians, processor, ratio
from salm.acoustics._images import image_responses
from salm.acoustics.room import SURFACES, Room, sample_position, sample_room
from salm.acoustics.srir import simulate

RATE_HZ = 24_000
RT60_S = (0.36, 0.44)
BOX_M = (8.0, 6.0, 3.0)
SOURCES, OUR_CALLS = 3, 10
CENTRES_HZ = [125, 250, 500, 1000, 2000, 4000, 8000]
WALLS = dict(zip(SURFACES, ("west", "east", "south", "north", "floor", "ceiling"), strict=True))

OURS, OUR_IMAGES, PEER = "ours_full_bands", "ours_images_bands", "peer_images_bands"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    pra.constants.set("num_threads", 1)
    pra.constants.set("rir_hpf_enable", False)
    rng = np.random.default_rng(options.seed)
    measure(sample_room(rng, rt60_s=RT60_S), rng)  # compiles, filters the noise, and fills tables
    rooms = [box(), *(sample_room(rng, rt60_s=RT60_S) for _ in range(options.rooms - 1))]
    rows = [measure(room, rng) for room in rooms]
    times_ms = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    full, alone = (ratio(times_ms[PEER], times_ms[ours]) for ours in (OURS, OUR_IMAGES))
    peers = [name for name in times_ms if name not in (OURS, OUR_IMAGES)]
    result = {
        "processor": processor(),
        "rooms": len(rooms),
        "volume_m3": [round(room.volume_m3) for room in rooms],
        "rt60_s": [round(room.mid_rt60_s, 2) for room in rooms],
        "ratio_full_bands": full["median"],
        "ratio_full_bands_interval": [full["low"], full["high"]],
        "ratio_images_bands": alone["median"],
        "ratio_images_bands_interval": [alone["low"], alone["high"]],
        "ratio_in_the_box": {ours: round(rows[0][PEER] / rows[0][ours], 1) for ours in (OURS, OUR_IMAGES)},
        "ms_per_response": medians(times_ms, digits=2),
        "ratio_to_ours_full_bands": {name: ratio(times_ms[name], times_ms[OURS]) for name in peers},
        "ratio_to_ours_images_bands": {name: ratio(times_ms[name], times_ms[OUR_IMAGES]) for name in peers},
    }
    print(json.dumps(result))


def box() -> Room:
    """The box with walls that absorb alike, a little more the higher the band."""
    sabine, _ = pra.inverse_sabine(0.4, BOX_M)
    bands = (1 - np.exp(-sabine)) * np.linspace(0.9, 1.1, 8)  # Eyring's, as ours decays
    return Room(size_m=BOX_M, absorption=[bands.tolist()] * 6, microphone_m=(4.1, 2.9, 1.55))


def measure(room: Room, rng: np.random.Generator) -> dict[str, float]:
    """Milliseconds of each simulator for one response of a room."""
    calls = [places(room, rng) for _ in range(OUR_CALLS)]
    sources_m = calls[0]
    until_s = np.full(SOURCES, room.mid_rt60_s)
    flat = {wall: pra.Material(float(np.mean(shares))) for wall, shares in walls(room)}
    bands = {wall: pra.Material({"coeffs": shares[1:], "center_freqs": CENTRES_HZ}) for wall, shares in walls(room)}
    ours = OUR_CALLS * SOURCES
    simulators: dict[str, tuple[int, Callable[[], object]]] = {
        OURS: (ours, lambda: [simulate(room, call, rate_hz=RATE_HZ, seed=0) for call in calls]),
        OUR_IMAGES: (ours, lambda: [image_responses(room, call, until_s=until_s, rate_hz=RATE_HZ) for call in calls]),
        "peer_images_flat": (SOURCES, lambda: images(room, sources_m, flat, air=False)),
        PEER: (SOURCES, lambda: images(room, sources_m, bands)),
        "peer_images_bands_ball": (SOURCES, lambda: images(room, sources_m, bands, ball=True)),
        "peer_hybrid_bands": (1, lambda: hybrid(room, sources_m[:1], bands)),
    }
    return {name: cpu_ms(simulator)[0] / responses for name, (responses, simulator) in simulators.items()}


def places(room: Room, rng: np.random.Generator) -> np.ndarray:
    """Three sources as training draws them."""
    return np.array([sample_position(rng, room).in_room(room) for _ in range(SOURCES)])


def walls(room: Room) -> list[tuple[str, list[float]]]:
    """What pyroomacoustics calls each wall, and its absorption in our bands."""
    return [(WALLS[surface], list(shares)) for surface, shares in zip(SURFACES, room.absorption, strict=True)]


def images(
    room: Room, sources_m: np.ndarray, materials: dict[str, pra.Material], *, air: bool = True, ball: bool = False
) -> object:
    """Their image sources until RT60, as their order has them or only those within the ball."""
    _, max_order = pra.inverse_sabine(room.mid_rt60_s, room.size_m)
    peer = shoebox(room, sources_m, materials, max_order=max_order, air_absorption=air)
    peer.image_source_model()
    if ball:
        farthest_m = room.mid_rt60_s * pra.constants.get("c")
        for source, visible in zip(peer.sources, peer.visibility, strict=True):
            away_m = np.linalg.norm(source.images - np.array(room.microphone_m)[:, None], axis=0)
            visible[:, away_m > farthest_m] = 0
    peer.compute_rir()
    return peer.rir


def hybrid(room: Room, sources_m: np.ndarray, materials: dict[str, pra.Material]) -> object:
    """Their images to order 3, then rays."""
    peer = shoebox(room, sources_m, materials, max_order=3, ray_tracing=True, air_absorption=True)
    peer.compute_rir()
    return peer.rir


def shoebox(room: Room, sources_m: np.ndarray, materials: dict[str, pra.Material], **options: object) -> pra.ShoeBox:
    """Their room with an omnidirectional microphone and three figures of eight in one point: W, Y, Z, X."""
    peer = pra.ShoeBox(room.size_m, fs=RATE_HZ, materials=materials, **options)
    for source_m in sources_m:
        peer.add_source(source_m)
    peer.add_microphone(list(room.microphone_m))
    for azimuth, colatitude in ((np.pi / 2, np.pi / 2), (0, 0), (0, np.pi / 2)):
        towards = pra.directivities.DirectionVector(azimuth, colatitude, degrees=False)
        peer.add_microphone(list(room.microphone_m), directivity=pra.directivities.FigureEight(towards))
    return peer


if __name__ == "__main__":
    main()
