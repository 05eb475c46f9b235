"""The paper's data sets: as many rows as it counts, each what section 4.1 and the code line say."""

import json
import os
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

from salm.errors import InputError
from salm.frame import sector_centre_deg, wrap_deg
from salm.scenes import recipes
from salm.scenes.corpora.audiocaps import AudioCapsCorpus
from salm.scenes.corpora.base import Sound
from salm.scenes.corpora.clotho import ClothoCorpus
from salm.scenes.dataset import SceneBatches, WindowRanges
from salm.scenes.export import export_scenes
from salm.scenes.recipes import JITTERS, clip_scenes, make_recipe, recipe_head
from salm.scenes.scene import Scene
from salm.scenes.shards import write_shard
from salm.scenes.source import FixedScenes
from salm.scenes.storage import SceneTable

Tables = Callable[..., None]

CLOTHO = {"development": 3839, "validation": 1045, "evaluation": 1045}
# The paper counts 50,956 clips; how YouTube's losses are spread over the splits is not known.
AUDIOCAPS = {"train": 49_501, "val": 490, "test": 965}


def touch_all(folder: Path, names: Iterator[str]) -> None:
    folder.mkdir()
    at = os.open(folder, os.O_RDONLY)
    for name in names:
        os.close(os.open(name, os.O_CREAT | os.O_WRONLY, dir_fd=at))
    os.close(at)


@pytest.fixture
def clotho(tmp_path: Path, clotho_table: Tables, touch: Tables) -> Path:
    """Four clips of each part of Clotho, empty."""
    for part in CLOTHO:
        names = [f"{part} {number}, \u00e9.wav" for number in range(4)]
        clotho_table(part, names)
        touch(*names, folder=part)
    return tmp_path


def test_sclotho_has_as_many_rows_as_the_paper(tmp_path: Path, clotho_table: Tables) -> None:
    for part, count in CLOTHO.items():
        clotho_table(part, [f"{part} {number}.wav" for number in range(count)])
        touch_all(tmp_path / part, (f"{part} {number}.wav" for number in range(count)))
    head = make_recipe("sclotho", tmp_path, tmp_path / "s.jsonl")
    assert (head["clips"], head["rows"], head["missing"]) == (5929, 17_787, 0)
    table = SceneTable(tmp_path / "s.jsonl")
    assert len(table) == 17_787
    assert Counter(table.splits) == {"train": 3 * 3839, "val": 3 * 1045, "test": 3 * 1045}
    ids = [scene.sources[0].sound_id for scene in table[::3]]
    assert len(set(ids)) == 5929


def test_saudiocaps_has_as_many_rows_as_the_paper(tmp_path: Path, audiocaps_table: Tables) -> None:
    number = 0
    for split, count in AUDIOCAPS.items():
        videos = [f"{number + i:011d}" for i in range(count)]
        captions = 1 if split == "train" else 5
        audiocaps_table(split, [(number + i, video, 30, "Rain") for i, video in enumerate(videos * captions)])
        touch_all(tmp_path / split, (f"Y{video}.wav" for video in videos))
        number += count
    corpus = AudioCapsCorpus(tmp_path)
    head = recipe_head("saudiocaps", tmp_path, corpus, seed=0, jitter="wide")
    assert (head["clips"], head["rows"], head["missing"]) == (50_956, 152_868, 0)
    assert Counter(sound.split for sound in corpus.sounds) == AUDIOCAPS


def test_the_head_says_how_the_file_was_made(clotho: Path) -> None:
    out = clotho / "s.jsonl"
    (clotho / "development" / "development 0, \u00e9.wav").unlink()
    head = make_recipe("sclotho", clotho, out, seed=4, jitter="narrow")
    assert head == {
        "corpus": str(clotho.resolve()),
        "layout": "clotho",
        "split": None,
        "recipe": "sclotho",
        "seed": 4,
        "jitter": "narrow",
        "clips": 11,
        "rows": 33,
        "missing": 1,
    }
    with out.open(encoding="utf-8") as file:
        assert json.loads(file.readline()) == head
        assert json.loads(file.readline())["split"] == "train"
    assert SceneTable(out).head == head
    assert len(SceneTable(out)) == 33


@pytest.mark.parametrize(("jitter", "azimuth_deg", "elevation_deg"), [("wide", 22.5, 45.0), ("narrow", 10.0, 25.0)])
def test_scenes_are_those_of_the_paper(jitter: str, azimuth_deg: float, elevation_deg: float) -> None:
    offsets, elevations, sectors = [], [], Counter[int]()
    for number in range(150):
        sound = Sound(id=f"{number}.wav", captions=("Rain.", "Drops."), duration_s=20.0)
        scenes = clip_scenes(sound, seed=0, ranges=JITTERS[jitter])
        assert len({scene.sources[0].sector for scene in scenes}) == len({scene.seed for scene in scenes}) == 3
        (room,) = {scene.room for scene in scenes}
        assert room is not None
        length, width, height = room.size_m
        assert min(length, width) >= 4
        assert max(length, width) <= 20
        assert 3 <= height <= 10
        np.testing.assert_array_equal(np.asarray(room.microphone_m) * 2, room.size_m)
        for scene in scenes:
            (source,) = scene.sources
            assert (source.sound_id, source.caption, source.gain_db, source.start_s) == (sound.id, "Rain.", 0, 0)
            assert (scene.noise_db, scene.duration_s) == (None, None)
            assert 1 <= source.distance_m <= max(room.size_m) / 2
            # x, y, z by hand, and half a metre from every wall.
            azimuth, elevation = np.deg2rad([source.azimuth_deg, source.elevation_deg])
            offset = source.distance_m * np.array(
                [np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)]
            )
            assert np.all(np.abs(offset) <= np.asarray(room.size_m) / 2 - 0.5 + 1e-9)
            offsets.append(wrap_deg(source.azimuth_deg - sector_centre_deg(source.sector)))
            elevations.append(source.elevation_deg)
            sectors[source.sector] += 1
    # 450 uniform draws reach within a twentieth of either end but once in 1e5 times.
    for drawn, largest in ((offsets, azimuth_deg), (elevations, elevation_deg)):
        assert max(map(abs, drawn)) <= largest
        assert min(drawn) < -0.95 * largest
        assert max(drawn) > 0.95 * largest
    assert len(sectors) == 8
    assert max(sectors.values()) < 2 * min(sectors.values())


def test_what_is_read_is_what_was_drawn(clotho: Path) -> None:
    make_recipe("sclotho", clotho, clotho / "s.jsonl", seed=2)
    corpus = ClothoCorpus(clotho)
    drawn = [scene for sound in corpus.sounds for scene in clip_scenes(sound, seed=2, ranges=JITTERS["wide"])]
    assert list(SceneTable(clotho / "s.jsonl")) == drawn
    numbers = json.dumps(drawn[0].to_dict()["room"])
    # With all digits it would be more than a thousand.
    assert len(numbers) < 600


def test_a_partial_copy_has_the_same_scenes(clotho: Path) -> None:
    full, part, tables = clotho / "full.jsonl", clotho / "part.jsonl", clotho / "clotho_captions_validation.csv"
    make_recipe("sclotho", clotho, full)
    for path in [clotho / "development" / "development 2, \u00e9.wav", *clotho.glob("validation/*")]:
        path.unlink()
    tables.unlink()
    assert make_recipe("sclotho", clotho, part)["clips"] == 7
    (whole, some) = (path.read_text(encoding="utf-8").splitlines()[1:] for path in (full, part))
    assert [line for line in whole if line in set(some)] == some
    assert len(some) == 21


def test_the_seed_and_the_id_are_all_that_a_clip_is_drawn_from() -> None:
    def draw(sound_id: str, seed: int, caption: str = "Rain.") -> tuple[object, ...]:
        sound = Sound(id=sound_id, captions=(caption,), duration_s=1.0)
        scenes = clip_scenes(sound, seed=seed, ranges=JITTERS["wide"])
        return (scenes[0].room, *(scene.sources[0].azimuth_deg for scene in scenes))

    assert draw("a.wav", 0) == draw("a.wav", 0, "Thunder.")
    drawn = [draw("a.wav", 0), draw("b.wav", 0), draw("a.wav", 1)]
    assert all(first != second for first, second in pairwise([*drawn, drawn[0]]))


def test_scenes_stay_the_same_from_version_to_version() -> None:
    """Stored once: whoever names recipe and seed in a paper must get the same scenes again."""
    sound = Sound(id="Rain, heavy.wav", captions=("Rain.",), duration_s=1.0)
    scenes = clip_scenes(sound, seed=2025, ranges=JITTERS["wide"])
    assert scenes[0].room is not None
    assert [scene.seed for scene in scenes] == [902986408, 381167255, 1982352751]
    assert scenes[0].room.size_m == (7.56, 19.025, 8.868)
    np.testing.assert_allclose(
        [scene.sources[0].azimuth_deg for scene in scenes], [-174.440553, -54.77234, -130.747809], atol=1e-6
    )


def test_a_file_is_whole_or_not_there(clotho: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(sound: Sound, **settings: object) -> tuple[Scene, ...]:
        if "evaluation 3" in sound.id:
            raise KeyboardInterrupt
        return clip_scenes(sound, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(recipes, "clip_scenes", failing)
    with pytest.raises(KeyboardInterrupt):
        make_recipe("sclotho", clotho, clotho / "s.jsonl")
    assert not list(clotho.glob("s.jsonl*"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "sfreesound"}, "the recipe is 'sfreesound' but must be sclotho or saudiocaps"),
        ({"jitter": "broad"}, "the jitter is 'broad' but must be wide or narrow"),
        ({"name": "saudiocaps"}, "holds none of its tables; of AudioCaps is expected"),
    ],
)
def test_what_cannot_be_made_is_refused(clotho: Path, changes: dict[str, str], message: str) -> None:
    arguments = {"name": "sclotho", "root": clotho, "out": clotho / "s.jsonl", "jitter": "wide"} | changes
    with pytest.raises(InputError, match=message):
        make_recipe(**arguments)
    assert not (clotho / "s.jsonl").exists()


@pytest.fixture
def heard(clotho: Path) -> Path:
    """The scenes of the copy with a second of noise in every file."""
    rng = np.random.default_rng(0)
    for path in clotho.glob("*/*.wav"):
        soundfile.write(path, rng.uniform(-0.5, 0.5, 44_100), 44_100)
    make_recipe("sclotho", clotho, clotho / "s.jsonl")
    return clotho / "s.jsonl"


def test_a_recipe_is_exported(clotho: Path, heard: Path) -> None:
    lines = heard.read_text(encoding="utf-8").splitlines()
    heard.write_text("\n".join([lines[0], lines[1], lines[-1]]) + "\n", encoding="utf-8")
    done = export_scenes(heard, clotho / "out", workers=lambda tasks: map(write_shard, tasks))
    assert (done.shards, done.recordings) == (1, 2)
    with tarfile.open(clotho / "out" / "000000.tar") as shard:
        recording, rate_hz = soundfile.read(shard.extractfile("00000001.flac"))
        splits = [json.load(shard.extractfile(f"0000000{row}.json"))["split"] for row in (0, 1)]
    assert (recording.shape, rate_hz) == ((24_000, 4), 24_000)
    assert splits == ["train", "test"]


def test_batches_of_a_recipe_show_every_place_of_every_clip_once_an_epoch(heard: Path) -> None:
    source = FixedScenes.open([heard], splits=("train", "val"), seed=1, keep_in_memory=True)
    assert len(source) == 24
    ranges = WindowRanges(
        looped=0.0, low_pass=0.0, level_db=(0.0, 0.0), identity_targets=True, vocabularies={"compass": 1.0}
    )
    dataset: SceneBatches[tuple[Tensor]] = SceneBatches(
        source=source,
        observe=Windows,
        window_samples=2400,
        rate_hz=24_000,
        batch_size=6,
        batches=4,
        seed=0,
        window_ranges=ranges,
        facing="south",
    )
    batches = list(dataset)
    directions = torch.cat([batch.direction for batch in batches])
    assert torch.unique(directions, dim=0).shape == (24, 3)
    captions = Counter(caption.split(" is heard")[0] for batch in batches for caption in batch.captions)
    assert set(captions.values()) == {3}
    assert len(captions) == 8
    assert all(batch.observation[0].shape == (6, 4, 2400) for batch in batches)
    assert all(torch.equal(batch.same_scene, torch.eye(6, dtype=torch.bool)) for batch in batches)


class Windows(tuple):  # type: ignore[type-arg]
    """Windows as they are."""

    def __new__(cls, windows: Tensor) -> "Windows":
        return super().__new__(cls, (windows,))
