"""The corpora of a run, split and shared out."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from salm.acoustics.measured import ResponsesFrom
from salm.errors import InputError
from salm.model.presets import preset
from salm.scenes.dataset import SceneBatches, WindowRanges
from salm.scenes.make import make_scenes
from salm.scenes.recipes import make_recipe
from salm.scenes.rephrase.ask import Asker, AskSettings
from salm.scenes.rephrase.run import rephrase_scenes
from salm.scenes.source import FreshScenes
from salm.scenes.storage import SceneTable
from salm.training.config import CorpusConfig, ResponsesConfig, TrainConfig
from salm.training.corpora import open_corpora

# Name, fold and whether it is of ESC-10.
ABOUT = (("a", 1, True), ("b", 4, True), ("c", 5, True), ("d", 2, False))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = ["file,caption,split,mood"]
    for name, split, mood in (
        ("a", "train", "gay"),
        ("b", "val", "gay"),
        ("c", "test", "gay"),
        ("d", "train", "grave"),
    ):
        soundfile.write(tmp_path / f"{name}.wav", np.random.default_rng(0).uniform(-1, 1, 480), 24_000)
        rows.append(f"{name}.wav,A {name}.,{split},{mood}")
    (tmp_path / "manifest.csv").write_text("\n".join(rows), encoding="utf-8")
    return tmp_path


@pytest.fixture
def config(folder: Path) -> TrainConfig:
    sounds = CorpusConfig(folder=str(folder), rows={"mood": "gay"}, share=0.75)
    return TrainConfig(model=preset("tiny"), corpora=(sounds, CorpusConfig(per_kind=1, share=0.25)), seed=7, steps=5)


def fresh(config: TrainConfig) -> FreshScenes:
    source = open_corpora(config).source
    assert isinstance(source, FreshScenes)
    return source


def test_training_and_validation_use_their_own_splits_and_rows(config: TrainConfig) -> None:
    sounds, procedural = fresh(config).corpora
    assert [sound.id for sound in sounds.sounds] == ["a"]
    assert {sound.split for sound in procedural.sounds} == {"train"}
    assert [sound.id for sound in open_corpora(config).validation.sounds] == ["b"]
    other = replace(config, validation_split="test")
    assert [sound.id for sound in open_corpora(other).validation.sounds] == ["c"]


def test_shares_go_with_their_corpora(config: TrainConfig) -> None:
    np.testing.assert_allclose(fresh(config).shares, [0.75, 0.25])


def test_batches_are_made_as_the_run_says(config: TrainConfig) -> None:
    dataset = SceneBatches(**open_corpora(config).batch_arguments(config), observe=lambda foa: (foa,), batches=5)
    assert (len(dataset), dataset.batch_size, dataset.seed, dataset.facing) == (5, 64, 7, "north")
    assert (dataset.window_samples, dataset.rate_hz) == (24_000, 24_000)
    assert isinstance(dataset.source, FreshScenes)
    assert (dataset.source.ranges, dataset.window_ranges) == (config.scenes, config.windows)


def test_published_corpora_are_opened_by_their_layout(config: TrainConfig, folder: Path) -> None:
    rows = [f"{name}.wav,{fold},0,dog,{esc10},{name},A" for name, fold, esc10 in ABOUT]
    head = "filename,fold,target,category,esc10,src_file,take"
    (folder / "esc50.csv").write_text("\n".join([head, *rows]), encoding="utf-8")
    esc50 = CorpusConfig(folder=str(folder), layout="esc50", rows={"licence_class": "permissive"})
    other = replace(config, corpora=(esc50,))
    assert [sound.id for sound in fresh(other).corpora[0].sounds] == ["a.wav"]
    assert [sound.id for sound in open_corpora(other).validation.sounds] == ["b.wav"]


def test_sounds_are_kept_once_decoded(config: TrainConfig, folder: Path) -> None:
    corpus, _ = fresh(config).corpora
    first = corpus.audio("a")
    (folder / "a.wav").unlink()
    np.testing.assert_array_equal(corpus.audio("a"), first)


def test_a_corpus_without_a_val_split_is_refused(config: TrainConfig, folder: Path) -> None:
    table = folder / "manifest.csv"
    table.write_text(table.read_text(encoding="utf-8").replace(",val,", ",train,"), encoding="utf-8")
    with pytest.raises(InputError, match=r"no sound of the corpus .* has the split 'val'"):
        open_corpora(config)


@pytest.fixture
def clotho(tmp_path: Path) -> Path:
    """A copy of Clotho with one sound a split."""
    for number, split in enumerate(("development", "validation", "evaluation")):
        (tmp_path / split).mkdir()
        noise = np.random.default_rng(number).uniform(-1, 1, 44_100)
        soundfile.write(tmp_path / split / f"{split} bell.wav", noise, 44_100)
        captions = ",".join(f"A bell rings for the {time} time." for time in ("1st", "2nd", "3rd", "4th", "5th"))
        header = "file_name," + ",".join(f"caption_{i}" for i in range(1, 6))
        table = tmp_path / f"clotho_captions_{split}.csv"
        table.write_text(f"{header}\n{split} bell.wav,{captions}\n", encoding="utf-8")
    return tmp_path


def test_fixed_scenes_take_the_place_of_corpora(clotho: Path) -> None:
    make_recipe("sclotho", clotho, clotho / "sclotho.jsonl")
    config = TrainConfig(
        model=preset("tiny"),
        scene_files=(str(clotho / "sclotho.jsonl"),),
        splits=("train", "val"),
        validation_split="test",
        windows=WindowRanges(looped=0.0, low_pass=0.0, identity_targets=True),
        batch_size=2,
        epochs=2,
    )
    corpora = open_corpora(config)
    # Two sounds at three places each.
    assert len(corpora.source) == 6
    assert config.schedule(len(corpora.source)).steps == 6
    assert [sound.split for sound in corpora.validation.sounds] == ["test"]
    batches = SceneBatches(**corpora.batch_arguments(config), observe=lambda foa: (foa,), batches=6)
    sectors = sorted(int(sector) for number in range(3) for sector in batches[number].sector)
    # An epoch shows each of the six scenes once.
    table = [scene.sources[0].sector for scene in SceneTable(config.scene_files[0]).select("train", "val")]
    assert sectors == sorted(table)


@pytest.fixture
def rephrased(clotho: Path) -> TrainConfig:
    make_recipe("sclotho", clotho, clotho / "s.jsonl")
    asker = Asker(backend=None, settings=AskSettings(facing="north"))
    rephrase_scenes(clotho / "s.jsonl", clotho / "c.jsonl", asker, every_caption=True)
    return TrainConfig(
        model=preset("tiny"),
        scene_files=(str(clotho / "s.jsonl"),),
        spatial_captions=(str(clotho / "c.jsonl"),),
        windows=WindowRanges(identity_targets=True, attribute_words={"elevation": 1.0}),
        rivals=0,
        batch_size=3,
        epochs=1,
    )


def test_spatial_captions_of_a_file_are_trained_on(rephrased: TrainConfig) -> None:
    written = {}
    for line in Path(rephrased.spatial_captions[0]).read_text(encoding="utf-8").splitlines()[1:]:
        row = json.loads(line)
        written[row["sound_id"], row["sector"], row["caption"]] = row["spatial_caption"]
    corpora = open_corpora(rephrased)
    batches = SceneBatches(**corpora.batch_arguments(rephrased), observe=lambda foa: (foa,), batches=8)
    said = set()
    for number in range(8):
        batch = batches[number]
        sound = corpora.source.draw(number, np.random.default_rng(0)).sound.id
        for sector, caption, sentence in zip(batch.sector, batch.captions, batch.spatial_captions, strict=True):
            assert sentence == written[sound, int(sector), caption]
            said.add(caption)
    # All five captions have their turn.
    assert len(said) == 5


def test_captions_of_another_compass_are_refused(rephrased: TrainConfig) -> None:
    south = replace(rephrased, model=replace(rephrased.model, facing="south"))
    with pytest.raises(InputError, match=r"c\.jsonl has captions facing north but the model faces south; make them"):
        open_corpora(south)


PLACES = (("left.wav", 90.0, 0.0, "hall"), ("right.wav", -90.0, 0.0, "attic"))


def test_a_share_of_fresh_scenes_is_measured(config: TrainConfig, response_folder: Callable[..., Path]) -> None:
    hall = ResponsesConfig(path=str(response_folder("house", PLACES)), rooms=("hall",), share=0.25)
    source = fresh(replace(config, responses=hall))
    drawn = [source.draw(number, np.random.default_rng(number)) for number in range(400)]
    measured = [one for one in drawn if one.responses is not None]
    assert abs(len(measured) / 400 - 0.25) < 4 * np.sqrt(0.25 * 0.75 / 400)
    assert {one.scene.sources[0].response_id for one in measured} == {"left.wav"}
    assert {one.scene.sources[0].sector for one in measured} == {2}


def test_batches_hear_measured_responses(config: TrainConfig, response_folder: Callable[..., Path]) -> None:
    folder = response_folder("house", PLACES)
    run = replace(
        config,
        responses=ResponsesConfig(path=str(folder), share=1.0),
        windows=WindowRanges(looped=0.0, low_pass=0.0),
        batch_size=6,
    )
    batch = SceneBatches(**open_corpora(run).batch_arguments(run), observe=lambda foa: (foa,), batches=1)[0]
    w, y, _, _ = torch.stack(list(batch.observation)).unbind(1)
    # The sign of the intensity's y is that of the side that was measured.
    np.testing.assert_array_equal((w * y).sum(1).sign(), batch.direction[:, 1].sign())
    assert set(batch.sector.tolist()) <= {2, 6}


@pytest.fixture
def measured_files(folder: Path, response_folder: Callable[..., Path]) -> list[Path]:
    """Files of scenes through two sets, and their folders."""
    made = []
    for name in ("house", "barn"):
        named = ResponsesFrom(path=str(response_folder(name, PLACES)))
        make_scenes(folder / f"{name}.jsonl", corpus=folder, count=4, measured=(named, 1.0))
        made.append(folder / f"{name}.jsonl")
    return made


def fixed_run(*files: Path, **settings: Any) -> TrainConfig:
    names = tuple(map(str, files))
    return TrainConfig(model=preset("tiny"), scene_files=names, batch_size=2, epochs=1, **settings)


def test_fixed_scenes_take_the_responses_that_their_file_names(measured_files: list[Path]) -> None:
    run = fixed_run(measured_files[0])
    corpora = open_corpora(run)
    drawn = corpora.source.draw(0, np.random.default_rng(0))
    assert drawn.responses is not None
    assert drawn.responses.name == "house"
    batches = SceneBatches(**corpora.batch_arguments(run), observe=lambda foa: (foa,), batches=2)
    assert batches[0].observation[0].abs().max() > 0


def test_responses_that_moved_are_named_in_the_run(measured_files: list[Path], tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "house").rename(tmp_path / "new" / "house")
    with pytest.raises(InputError, match=r"the measured responses of .*house\.jsonl: .*house is not there"):
        open_corpora(fixed_run(measured_files[0]))
    there = ResponsesConfig(path=str(tmp_path / "new" / "house"))
    source = open_corpora(fixed_run(measured_files[0], responses=there)).source
    assert source.draw(0, np.random.default_rng(0)).responses is not None


def test_files_of_two_sets_are_refused(measured_files: list[Path]) -> None:
    with pytest.raises(InputError, match=r"house\.jsonl and .*barn\.jsonl sound through different measured responses"):
        open_corpora(fixed_run(*measured_files))


def test_scenes_of_other_responses_are_refused_before_training(measured_files: list[Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"line 2: .* the responses 'house' but those of 'barn' are given"):
        open_corpora(fixed_run(measured_files[0], responses=ResponsesConfig(path=str(tmp_path / "barn"))))
