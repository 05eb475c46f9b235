"""How many ten-second FOA clips one core makes in a second: rooms drawn as for training, simulated and convolved.

A dry clip of 10 s at 24 kHz, decoded already, is drawn a room and three places in it, as the paper has them
(`salm.scenes.sample.draw_variants`); three impulse responses are simulated and the clip is convolved with them, which
makes three FOA clips. Nothing is written. Processor time of one process and one thread, the drawing of rooms and places
included.

Every fiftieth dry clip is convolved with the same responses by `scipy.signal.fftconvolve`, channel by channel, and its
three scenes are rendered one by one with `salm.scenes.rendering.render_scene`, which adds sensor noise; neither counts
in the rate. Memory is the resident set after the first thousand clips and after the last. The last line is one JSON
object.
"""

import argparse
import json
import os
import resource
from pathlib import Path

import numpy as np

from convolve import by_channel
from rounds import cpu_ms, processor, ratio
from salm.acoustics.render import convolve
from salm.acoustics.srir import simulate
from salm.frame import unit_vector
from salm.scenes.corpora.base import Sound
from salm.scenes.corpora.procedural import ProceduralCorpus
from salm.scenes.rendering import render_scene
from salm.scenes.sample import draw_variants
from salm.scenes.scene import Scene

RATE_HZ = 24_000
CLIP_S = 10.0
PAPER_CLIPS = 170_655
SAMPLED = 50
EARLY_CLIPS = 1000
WARM_UP = 10


class Clips:
    """A corpus in memory: one synthesised sound of every kind, repeated to the length of a clip."""

    name = "clips"

    def __init__(self) -> None:
        corpus = ProceduralCorpus(per_kind=1)
        self.sounds: tuple[Sound, ...] = corpus.sounds
        size = round(CLIP_S * RATE_HZ)
        self._samples = {sound.id: np.resize(corpus.audio(sound.id, rate_hz=RATE_HZ), size) for sound in self.sounds}

    def audio(self, sound_id: str, *, rate_hz: int = RATE_HZ) -> np.ndarray:
        """Samples of a clip."""
        assert rate_hz == RATE_HZ
        return self._samples[sound_id]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=10_000, help="FOA clips, three a dry clip")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(json.dumps({"processor": processor(), **measure(options.clips, np.random.default_rng(options.seed))}))


def measure(clips: int, rng: np.random.Generator) -> dict[str, object]:
    corpus = Clips()
    stages_ms: list[tuple[float, float, float]] = []
    sampled_ms: list[tuple[float, float, float]] = []
    resident_mb: dict[int, float] = {}
    made = -WARM_UP * 3
    while made < clips:
        sound = corpus.sounds[int(rng.integers(len(corpus.sounds)))]
        draw_ms, scenes = cpu_ms(lambda sound=sound: draw_variants(rng, sound))
        simulate_ms, srirs = cpu_ms(lambda scenes=scenes: responses(scenes))
        convolve_ms, wet = cpu_ms(lambda sound=sound, srirs=srirs: convolve(corpus.audio(sound.id), srirs))
        made += len(wet)
        if made <= 0:
            continue
        stages_ms.append((draw_ms, simulate_ms, convolve_ms))
        if len(stages_ms) % SAMPLED == 0:
            sampled_ms.append((convolve_ms, *peers(corpus, scenes, srirs, wet)))
        if made >= EARLY_CLIPS and not resident_mb:
            resident_mb[made] = resident()
    resident_mb[made] = resident()
    stages, sampled = np.array(stages_ms) / 3, np.array(sampled_ms) / 3
    a_second = 1000 / stages.sum(axis=1).mean()
    before, after = resident_mb.values() if len(resident_mb) == 2 else (resident(), resident())
    names = ("drawing", "responses", "convolution")
    return {
        "foa_clips": made,
        "clips_per_s_core": round(a_second, 1),
        "ms_per_clip": {name: round(ms, 2) for name, ms in zip(names, stages.mean(axis=0).tolist(), strict=True)},
        "ms_per_clip_p90": round(float(np.quantile(stages.sum(axis=1), 0.9)), 2),
        "core_hours_of_the_paper": round(PAPER_CLIPS / a_second / 3600, 2),
        "resident_mb": {str(number): round(mb) for number, mb in resident_mb.items()},
        "growth_mb": round(after - before, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "sampled": len(sampled),
        "sampled_ms_per_clip": {
            name: round(ms, 2)
            for name, ms in zip(("ours", "fftconvolve", "render_scene"), sampled.mean(axis=0).tolist(), strict=True)
        },
        "ratio_fftconvolve": ratio(sampled[:, 1], sampled[:, 0]),
    }


def responses(scenes: tuple[Scene, ...]) -> np.ndarray:
    """Impulse responses of a room's three places, as `render_scene` finds each."""
    room = scenes[0].room
    places = [scene.sources[0] for scene in scenes]
    directions = np.stack([unit_vector(place.azimuth_deg, place.elevation_deg) for place in places])
    distances_m = np.array([place.distance_m for place in places])[:, None]
    return simulate(room, np.asarray(room.microphone_m) + distances_m * directions, seed=scenes[0].seed)


def peers(corpus: Clips, scenes: tuple[Scene, ...], srirs: np.ndarray, wet: np.ndarray) -> tuple[float, float]:
    """Milliseconds of scipy's convolution, which must find the same, and of whole scenes."""
    dry = corpus.audio(scenes[0].sources[0].sound_id)
    theirs_ms, theirs = cpu_ms(lambda: by_channel(dry, srirs))
    np.testing.assert_allclose(wet, theirs, atol=1e-5 * float(np.abs(theirs).max()))
    whole_ms, _ = cpu_ms(lambda: [render_scene(scene, corpus) for scene in scenes])
    return theirs_ms, whole_ms


def resident() -> float:
    """Megabytes of memory that the process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    main()
