"""Scans of scenes whose sounds, times and directions are known; memory, blocks and repeats."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import soundfile

import salm
from salm.acoustics.diffuse import diffuse_noise
from salm.acoustics.room import Room
from salm.audio.formats import ambix_to_fuma, encode_plane_wave
from salm.audio.recording import write
from salm.errors import InputError
from salm.frame import angle_between_deg, unit_vector, wrap_deg
from salm.model.inference import Model
from salm.scanning import tracks
from salm.scanning.event import Event
from salm.scanning.timeline import Scanner, Timeline, scan
from salm.scenes.corpora.procedural import ProceduralCorpus
from salm.scenes.rendering import render_scene
from salm.scenes.scene import Ambience, Scene, Source

RATE_HZ = 24_000
SENTENCES = ("rain falls", "a siren wails", "a dog barks", "a bell rings")


class Sound(NamedTuple):
    """What is in the scene, known from its making."""

    sentence: str
    onset_s: float
    offset_s: float
    azimuth_deg: float
    elevation_deg: float


class Made(NamedTuple):
    """A recording and what is in it."""

    path: Path
    sounds: tuple[Sound, ...]


@pytest.fixture(scope="module")
def room_scene(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A siren from the right, then a barking dog from the left, over faint ambience and sensor noise."""
    corpus = ProceduralCorpus(per_kind=1)
    kinds = {"siren": ("a siren wails", 2.0, -60.0, 12.0), "dog": ("a dog barks", 11.0, 100.0, -8.0)}
    ids = {kind: next(sound.id for sound in corpus.sounds if sound.id.startswith(kind)) for kind in kinds}
    sources = tuple(
        Source(sound_id=ids[kind], caption=kind, azimuth_deg=a, elevation_deg=e, distance_m=1.5, start_s=start_s)
        for kind, (_, start_s, a, e) in kinds.items()
    )
    room = Room(size_m=(6.0, 5.0, 3.0), absorption=[[0.3] * 8] * 6, microphone_m=(3.1, 2.6, 1.4))
    scene = Scene(seed=1, sources=sources, room=room, duration_s=20.0, noise_db=-50.0, ambience=Ambience(snr_db=25.0))
    samples = render_scene(scene, corpus)
    path = tmp_path_factory.mktemp("scan") / "room.wav"
    write(path, 0.3 * samples / np.float32(np.abs(samples).max()), RATE_HZ)
    sounds = []
    for kind, (sentence, start_s, azimuth_deg, elevation_deg) in kinds.items():
        heard_s = start_s + np.flatnonzero(np.abs(corpus.audio(ids[kind])) > 0.05)[[0, -1]] / RATE_HZ
        sounds.append(Sound(sentence, *heard_s.tolist(), azimuth_deg, elevation_deg))
    return Made(path, tuple(sounds))


@pytest.fixture(scope="module")
def small() -> Model:
    return salm.load("small")


def saved(path: Path, samples: np.ndarray, **how: str) -> Path:
    soundfile.write(path, samples.T, RATE_HZ, **{"subtype": "FLOAT", **how})
    return path


def bursts(rng: np.random.Generator, *places: tuple[float, float, float], seconds: float = 12.0) -> np.ndarray:
    """Noise from places at azimuth, from and to a time, over faint noise in every channel."""
    samples = (1e-4 * rng.standard_normal((4, round(seconds * RATE_HZ)))).astype(np.float32)
    for azimuth_deg, onset_s, offset_s in places:
        start, stop = round(onset_s * RATE_HZ), round(offset_s * RATE_HZ)
        sound = (0.1 * rng.standard_normal(stop - start)).astype(np.float32)
        samples[:, start:stop] += encode_plane_wave(sound, azimuth_deg)
    return samples


def test_sounds_of_a_room_are_found_in_time_and_direction_and_named(room_scene: Made, small: Model) -> None:
    timeline = scan(room_scene.path, small, SENTENCES)
    assert (timeline.layout, timeline.duration_s, timeline.model) == ("foa", 20.0, small.digest)
    for sound in room_scene.sounds:
        there = unit_vector(sound.azimuth_deg, sound.elevation_deg)
        events = [event for event in timeline.events if event.name == sound.sentence]
        assert abs(events[0].onset_s - sound.onset_s) <= 0.15
        # The end of a sound fades into its echoes.
        assert abs(events[-1].offset_s - sound.offset_s) <= 0.5
        assert len({event.track for event in events}) == 1
        for event in events:
            assert float(angle_between_deg(unit_vector(event.azimuth_deg, event.elevation_deg), there)) < 8
            assert event.confidence > 0.9
            assert event.path == ()
    assert {event.name for event in timeline.events} == {sound.sentence for sound in room_scene.sounds}


def test_names_are_what_the_model_says_of_the_event_alone(room_scene: Made, small: Model) -> None:
    event = scan(room_scene.path, small, SENTENCES, top=4).events[0]
    recording = salm.read(room_scene.path)
    start, stop = round((event.onset_s - 0.1) * RATE_HZ), round((event.offset_s + 0.4) * RATE_HZ)
    cut = replace(recording, samples=recording.samples[:, start:stop])
    windows = small.hear(cut).embeddings.normalised().semantic
    mean = windows.mean(axis=0) / np.linalg.norm(windows.mean(axis=0))
    cosines = small.embed_text(SENTENCES) @ mean
    shares = np.exp(small.scale * cosines) / np.exp(small.scale * cosines).sum()
    for fit in event.fits:
        assert SENTENCES[fit.label] == fit.sentence
        assert fit.cosine == pytest.approx(cosines[fit.label], abs=1e-4)
        assert fit.share == pytest.approx(shares[fit.label], abs=1e-3)
    assert [fit.label for fit in event.fits] == np.argsort(-cosines).tolist()


def test_it_is_the_same_for_all_blocks_and_every_time(room_scene: Made, small: Model) -> None:
    expected = scan(room_scene.path, small, SENTENCES)
    assert scan(room_scene.path, small, SENTENCES) == expected
    for block_samples in (10_007, 1 << 22):
        assert scan(room_scene.path, small, SENTENCES, block_samples=block_samples) == expected


def test_pieces_of_what_lasts_do_not_depend_on_blocks(
    tmp_path: Path, rng: np.random.Generator, small: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A piece ends where the sound does not: what rings after it may be there already or not."""
    monkeypatch.setattr(tracks, "LONGEST_S", 2.5)
    path = saved(tmp_path / "a.wav", bursts(rng, (60, 0, 7), seconds=7))
    expected = scan(path, small, SENTENCES, block_samples=3 * RATE_HZ)
    assert [event.offset_s for event in expected.events] == [2.5, 5.0, 7.0]
    assert scan(path, small, SENTENCES, block_samples=1 << 20) == expected


def test_the_same_samples_later_are_the_same_events_later(tmp_path: Path, rng: np.random.Generator) -> None:
    samples = bursts(rng, (90, 1, 3), (-45, 5, 5.3), (170, 8, 11))
    early = scan(saved(tmp_path / "a.wav", samples), None).events
    late = scan(saved(tmp_path / "b.wav", np.pad(samples, ((0, 0), (round(3.7 * RATE_HZ), 0)))), None).events
    assert [event.track for event in early] == [0, 1, 2]
    for one, other in zip(early, late, strict=True):
        assert other.onset_s == pytest.approx(one.onset_s + 3.7)
        assert other.offset_s == pytest.approx(one.offset_s + 3.7)
        assert other.azimuth_deg == pytest.approx(one.azimuth_deg, abs=0.01)


def test_memory_does_not_grow_with_the_file(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The most that is ever held of a sound that never ends, which is told in pieces of ten seconds here."""
    monkeypatch.setattr(tracks, "LONGEST_S", 10.0)
    most_s: dict[int, float] = {}
    for pieces in (3, 9):
        sound = (0.1 * rng.standard_normal(pieces * 10 * RATE_HZ)).astype(np.float32)
        path = saved(tmp_path / f"{pieces}.wav", encode_plane_wave(sound, 45), subtype="PCM_16")
        held: list[int] = []
        with Scanner(
            path, None, block_samples=RATE_HZ, progress=lambda *_, held=held: held.append(scanner._kept.shape[1])
        ) as scanner:
            events = list(scanner)
        assert [(event.track, event.onset_s, event.offset_s) for event in events] == [
            (0, 10.0 * piece, 10.0 * (piece + 1)) for piece in range(pieces)
        ]
        most_s[pieces] = max(held) / RATE_HZ
    # A piece that goes on, the five seconds that are looked at together, a block and a margin.
    assert most_s[3] == most_s[9] < 10 + 5 + 1 + 0.5


def test_events_come_as_they_end(tmp_path: Path, rng: np.random.Generator) -> None:
    path = saved(tmp_path / "a.wav", bursts(rng, (90, 1, 2), (-90, 30, 31), seconds=60))
    done: list[float] = []
    with Scanner(path, None, block_samples=RATE_HZ, progress=lambda done_s, total_s: done.append(done_s)) as scanner:
        first = next(iter(scanner))
    assert (first.onset_s, first.offset_s) == (1.0, 2.0)
    assert max(done) < 15


def test_whoever_scans_can_stop_after_every_block(tmp_path: Path, rng: np.random.Generator) -> None:
    path = saved(tmp_path / "a.wav", bursts(rng, (90, 1, 2), (-90, 30, 31), seconds=60))
    with Scanner(path, None, block_samples=RATE_HZ) as scanner:
        steps = list(scanner.steps())
    assert steps.count(None) == 60
    with Scanner(path, None, block_samples=RATE_HZ) as scanner:
        assert [step for step in steps if step is not None] == list(scanner)


def test_progress_ends_at_the_whole(tmp_path: Path, rng: np.random.Generator) -> None:
    said: list[tuple[float, float]] = []
    scan(
        saved(tmp_path / "a.wav", bursts(rng)),
        None,
        block_samples=50_000,
        progress=lambda done_s, total_s: said.append((done_s, total_s)),
    )
    assert [total_s for _, total_s in said] == [12.0] * 6
    assert said[-1][0] == 12.0


@pytest.mark.parametrize("kind", ["digital silence", "diffuse noise", "noise in every channel"])
def test_without_a_place_there_is_no_event(tmp_path: Path, rng: np.random.Generator, kind: str) -> None:
    time = 20 * RATE_HZ
    samples = {
        "digital silence": np.zeros((4, time), np.float32),
        "diffuse noise": 0.02 * diffuse_noise(rng, time),
        "noise in every channel": (0.02 * rng.standard_normal((4, time))).astype(np.float32),
    }[kind]
    assert scan(saved(tmp_path / "a.wav", samples), None).events == ()


def test_two_at_once_are_heard_apart(tmp_path: Path, small: Model) -> None:
    corpus = ProceduralCorpus(per_kind=1)
    siren, dog = (corpus.audio(next(s.id for s in corpus.sounds if s.id.startswith(k))) for k in ("siren", "dog"))
    samples = np.zeros((4, 8 * RATE_HZ), np.float32)
    for sound, azimuth_deg in ((siren, -35), (dog, 90)):
        samples[:, RATE_HZ : RATE_HZ + len(sound)] += 0.2 * encode_plane_wave(sound, azimuth_deg)
    events = scan(saved(tmp_path / "a.wav", samples), small, SENTENCES).events
    longest = sorted(events, key=lambda event: event.onset_s - event.offset_s)[:2]
    assert {event.sector: event.name for event in longest} == {
        "front right": "a siren wails",
        "left": "a dog barks",
    }
    assert {event.cone_deg for event in longest} == {None}


def test_a_source_that_moves_has_one_track_and_a_path(tmp_path: Path, rng: np.random.Generator) -> None:
    azimuths_deg = np.linspace(150, 240, 6 * RATE_HZ)
    x, y, z = unit_vector(azimuths_deg).T
    sound = 0.1 * rng.standard_normal(len(azimuths_deg))
    samples = np.stack([sound, y * sound, z * sound, x * sound]).astype(np.float32)
    (event,) = scan(saved(tmp_path / "a.wav", np.pad(samples, ((0, 0), (RATE_HZ, RATE_HZ)))), None).events
    for place in event.path:
        middle_s = np.clip(place.time_s - 1 + 0.05, 0.3, 5.7)
        assert abs(wrap_deg(place.azimuth_deg - (150 + 15 * middle_s))) < 6
    assert event.at(1.0)[0] > 140
    assert event.at(6.9)[0] < -110


def test_the_front_is_where_the_listener_says(tmp_path: Path, rng: np.random.Generator) -> None:
    path = saved(tmp_path / "a.wav", bursts(rng, (90, 1, 3)))
    (event,) = scan(path, None, front_deg=100.0).events
    assert (event.azimuth_deg, event.sector) == (pytest.approx(-10, abs=0.5), "front")


def test_formats_are_those_of_read(tmp_path: Path, rng: np.random.Generator) -> None:
    samples = bursts(rng, (90, 1, 3), (0, 5, 6))
    expected = scan(saved(tmp_path / "a.wav", samples), None)
    fuma = saved(tmp_path / "b.wav", ambix_to_fuma(samples))
    found = scan(fuma, None, layout="fuma")
    assert found.notes == ("Converted from FuMa to AmbiX.",)
    for one, other in zip(expected.events, found.events, strict=True):
        assert (one.onset_s, one.offset_s, one.sector) == (other.onset_s, other.offset_s, other.sector)
    soundfile.write(tmp_path / "c.flac", np.repeat(samples, 2, axis=1).T, 2 * RATE_HZ, subtype="PCM_24")
    assert scan(tmp_path / "c.flac", None).notes == ("Resampled from 48000 to 24000 Hz.",)


def test_stereo_is_located_from_left_to_right_and_mono_nowhere(tmp_path: Path, small: Model) -> None:
    rng = np.random.default_rng(0)
    left = 1e-3 * rng.standard_normal((2, 12 * RATE_HZ))
    left[0, 4 * RATE_HZ : 6 * RATE_HZ] += 0.1 * rng.standard_normal(2 * RATE_HZ)
    for name, channels in (("stereo", left), ("mono", left[:1])):
        timeline = scan(saved(tmp_path / f"{name}.wav", channels.astype(np.float32)), small, SENTENCES)
        (event,) = timeline.events
        assert (event.onset_s, event.offset_s, event.elevation_deg, len(event.fits)) == (4.0, 6.0, None, 3)
        if name == "stereo":
            assert (event.sector, event.ambiguity) == ("left", "front-back")
            assert event.confidence == pytest.approx(1, abs=0.01)
        else:
            assert (event.azimuth_deg, event.sector, event.ambiguity, event.confidence) == (None, None, "all", 0.0)


def test_of_a_file_that_is_cut_short_what_is_there_is_scanned(tmp_path: Path, rng: np.random.Generator) -> None:
    path = saved(tmp_path / "a.wav", bursts(rng, (90, 1, 3), (0, 9, 11)), subtype="PCM_16")
    os.truncate(path, path.stat().st_size // 2)
    timeline = scan(path, None)
    assert len(timeline.events) == 1
    assert timeline.notes[0].startswith("The file is cut short")
    assert timeline.duration_s == pytest.approx(6, abs=0.01)


def test_a_timeline_survives_json(room_scene: Made, small: Model) -> None:
    timeline = scan(room_scene.path, small, SENTENCES)
    assert Timeline.from_dict(json.loads(json.dumps(timeline.to_dict()))) == timeline


def test_events_hold_only_plain_numbers(tmp_path: Path, rng: np.random.Generator) -> None:
    (event,) = scan(saved(tmp_path / "a.wav", bursts(rng, (10, 2, 3))), None).events
    assert {type(value) for value in vars(event).values()} <= {float, int, str, tuple, type(None)}
    assert Event.from_dict(event.to_dict()) == event
    assert event.name is None


@pytest.mark.parametrize(
    ("sentences", "options", "message"),
    [
        (("a dog", " "), {}, "one of the sentences is empty"),
        (("a dog", "rain", "a dog"), {}, "'a dog' is there twice"),
        ((), {"front_deg": float("nan")}, "front_deg is nan but must be a number"),
        ((), {"gate_db": 3.0}, r"gate_db is 3\.0 but must be from -200 to 0"),
        ((), {"top": 0}, "top is 0 but must be at least 1"),
        ((), {"layout": "b-format"}, "layout is 'b-format' but must be one of"),
    ],
)
def test_what_cannot_be_used_is_one_line(
    room_scene: Made, small: Model, sentences: tuple[str, ...], options: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message) as said:
        scan(room_scene.path, small, sentences, **options)
    assert "\n" not in str(said.value)


def test_sentences_need_a_model(room_scene: Made) -> None:
    with pytest.raises(InputError, match="sentences need a model"):
        scan(room_scene.path, None, ["a dog"])
