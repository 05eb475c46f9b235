"""Training runs from YAML files."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from salm.errors import InputError
from salm.model.config import to_mapping
from salm.model.presets import preset
from salm.scenes.dataset import WindowRanges
from salm.scenes.sample import SceneRanges
from salm.training.config import HELD_OUT, CorpusConfig, ResponsesConfig, TrainConfig, read_train_config
from salm.training.losses import LossWeights
from salm.training.schedule import Schedule


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.yaml"


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_the_name_of_a_preset_is_enough(path: Path) -> None:
    assert read_train_config(written(path, "model: tiny")) == TrainConfig(model=preset("tiny"))


def test_measured_responses_are_a_table(path: Path) -> None:
    text = "model: tiny\nresponses: {path: TAU, layout: tau-srir, split: train, rooms: [01_bomb_shelter], share: 0.3}"
    run = read_train_config(written(path, text))
    assert run.responses == ResponsesConfig(
        path="TAU", layout="tau-srir", split="train", rooms=("01_bomb_shelter",), share=0.3
    )
    # What is kept beside a run's weights is read again.
    assert read_train_config(written(path, yaml.safe_dump(to_mapping(run)))) == run


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("{path: hall, share: 1.5}", r"responses.share is 1.5 but must be from 0 to 1\."),
        ("{path: hall, share: -0.1}", r"responses.share is -0.1 but must be from 0 to 1\."),
        (
            "{path: hall, layout: folders}",
            "responses: layout is 'folders' but must be one of 'sofa', 'tau-srir'",
        ),
        ("{share: 0.5}", "responses: .*'path'"),
        ("{path: hall, room: a}", "responses: unknown setting 'room'"),
        ("hall", "responses: expected a table of settings, got 'hall'"),
    ],
)
def test_responses_that_cannot_be_are_refused(path: Path, table: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_train_config(written(path, f"model: tiny\nresponses: {table}"))


def test_every_setting_is_read(path: Path) -> None:
    text = """
        model: tiny
        corpora:
          - folder: sounds
            rows: {licence_class: permissive}
            share: 0.9
          - {per_kind: 7, share: 0.1}
        losses: {cl: 1, scl: 0.25, doa: 0.0, sentence: 0.5, labels: 2.0}
        scenes: {anechoic: 0.5, noise_db: null}
        windows: {looped: 0, level_db: [-3, 3], identity_targets: true}
        batch_size: 8
        steps: 9
        learning_rate: 1.0e-3
        rivals: 0
        bfloat16: false
        workers: 0
    """
    assert read_train_config(written(path, text)) == TrainConfig(
        model=preset("tiny"),
        corpora=(
            CorpusConfig(folder="sounds", rows={"licence_class": "permissive"}, share=0.9),
            CorpusConfig(per_kind=7, share=0.1),
        ),
        losses=LossWeights(cl=1.0, scl=0.25, doa=0.0, sentence=0.5, labels=2.0),
        scenes=SceneRanges(anechoic=0.5, noise_db=None),
        windows=WindowRanges(looped=0.0, level_db=(-3.0, 3.0), identity_targets=True),
        batch_size=8,
        steps=9,
        learning_rate=1e-3,
        rivals=0,
        bfloat16=False,
        workers=0,
    )


def test_the_resolved_run_reads_back(path: Path) -> None:
    config = TrainConfig(model=replace(preset("small"), width=64), seed=5, corpora=(CorpusConfig(folder="x"),))
    assert read_train_config(written(path, yaml.safe_dump(plain(to_mapping(config))))) == config


def plain(value: object) -> object:
    """Lists for tuples, as YAML knows no tuples."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, tuple) else value


def test_a_model_may_be_written_out(path: Path) -> None:
    text = "model: {name: mine, pair: dual_htsat, width: 16, htsat: {grid: 64}, features: {window_s: 0.5}}"
    model = read_train_config(written(path, text)).model
    assert (model.name, model.width, model.htsat.grid) == ("mine", 16, 64)


def test_a_folder_given_takes_the_place_of_the_files_corpora(path: Path) -> None:
    written(path, "model: tiny\ncorpora: [{folder: a}, {folder: b}]\nsteps: 3")
    config = read_train_config(path, data=Path("other"))
    # A fifth is held out, unless it has splits of its own.
    assert config.corpora == (CorpusConfig(folder="other", held_out=HELD_OUT),)
    assert config.steps == 3


def test_the_configurations_that_ship_can_be_read() -> None:
    folder = Path(__file__).resolve().parents[2] / "configs"
    assert "small" in {read_train_config(file).model.name for file in folder.glob("*.yaml")}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model: tiny\nstep: 3", r"unknown setting 'step'; known are model, corpora, scene_files"),
        ("model: tiny\nlosses: {sed: 1}", r"losses: unknown setting 'sed'; known are cl, scl, doa, sentence, labels\."),
        (
            "model: tiny\ncorpora: [{path: a}]",
            "unknown setting 'path'; known are folder, layout, rows",
        ),
        (
            "model: tiny\ncorpora: [{layout: wavcaps}]",
            "layout is 'wavcaps' but must be one of 'manifest', 'clo",
        ),
        ("model: huge", "no preset 'huge'; there are small"),
        ("model: {name: a, pair: triple}", "pair is 'triple' but must be one of 'dual_htsat', 'tagger_htsat'"),
        ("model: tiny\nsteps: many", "steps is 'many' but must be int"),
        ("model: tiny\nlearning_rate: 1e-3", "learning_rate is '1e-3' but must be float"),
        ("model: tiny\nsteps: 0", "steps is 0 but must be at least 1"),
        ("model: tiny\nbatch_size: -1", "batch_size is -1 but must be at least 1"),
        ("model: tiny\nseed: -1", "seed is -1 but must not be negative"),
        ("model: tiny\nvalidation_scenes: 0", "validation_scenes is 0 but must be at least 1"),
        ("model: tiny\ncorpora: [{share: 0}, {share: 0}]", "shares are .0.0, 0.0. but must not be"),
        ("model: tiny\ncorpora: [{share: 2}, {share: -1}]", "shares are .2.0, -1.0. but must not be"),
        ("model: tiny\ncorpora: [{held_out: 1.0}]", "held_out of a corpus is 1.0 but must be at least 0"),
        ("model: tiny\nlog_steps: 0", "log_steps is 0 but must be at least 1"),
        ("model: tiny\nrivals: 8", "rivals is 8 but there are 0 to 7"),
        ("model: tiny\nscene_files: [a, b]\nspatial_captions: [c]", "spatial_captions has 1 files but scene_files 2"),
        ("model: tiny\nscene_files: [a]\nspatial_captions: [c]", "rivals is 7 but must be 0 with spatial_captions"),
        (
            "model: tiny\nscene_files: [a]\nspatial_captions: [c]\nrivals: 0",
            "windows.identity_targets must be true with spatial_captions",
        ),
        ("model: tiny\ncorpora: []", "corpora is empty; name at least one folder"),
        ("steps: 3", "expected a table of settings with a `model`"),
        ("- tiny", "expected a table of settings, got"),
        ("", "expected a table of settings, got None"),
        ("model: tiny\nmicro_batch_size: 0", "micro_batch_size is 0 but must be at least 1"),
        ("model: tiny\nlike: run.yaml", "like is 'run.yaml' but must be the name of another file"),
        ("model: tiny\nlike: nothing.yaml", r"nothing\.yaml cannot be read as YAML: No such file"),
        ("model: {preset: 7}", "preset is 7 but must be a name"),
        ("model: {preset: tiny, colour: red}", "unknown setting 'colour'"),
        ("model: [tiny\nsteps: 3: 4", r"run\.yaml cannot be read as YAML"),
        ("model: !!python/object/apply:os.getcwd []", r"run\.yaml cannot be read as YAML"),
    ],
)
def test_what_does_not_fit_is_named_in_one_line(path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_train_config(written(path, text))
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.yaml cannot be read as YAML"):
        read_train_config(tmp_path / "gone.yaml")


def test_a_file_of_bytes_is_named(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00model")
    with pytest.raises(InputError, match=r"run\.yaml cannot be read as YAML"):
        read_train_config(path)


def test_a_file_can_be_like_another(tmp_path: Path) -> None:
    written(tmp_path / "common.yaml", "batch_size: 8\nlosses: {cl: 0.0}\nsteps: 7")
    config = read_train_config(written(tmp_path / "run.yaml", "like: common.yaml\nmodel: tiny\nlosses: {doa: 2.0}"))
    # Settings are replaced as a whole, not mixed.
    assert config == TrainConfig(model=preset("tiny"), batch_size=8, steps=7, losses=LossWeights(doa=2.0))


def test_files_that_are_like_each_other_are_refused(tmp_path: Path) -> None:
    written(tmp_path / "a.yaml", "like: b.yaml\nmodel: tiny")
    written(tmp_path / "b.yaml", "like: a.yaml")
    with pytest.raises(InputError, match=r"b\.yaml: like is 'a\.yaml' but must be .* not lead back here"):
        read_train_config(tmp_path / "a.yaml")


def test_a_model_can_be_a_preset_but_for_some_settings(path: Path) -> None:
    config = read_train_config(written(path, "model: {preset: tiny, temperature: raw, width: 16}"))
    assert config.model == replace(preset("tiny"), temperature="raw", width=16)


def test_a_length_in_epochs_is_one_of_whole_batches() -> None:
    config = TrainConfig(model=preset("tiny"), batch_size=64, epochs=10, warmup_epochs=3, cl_from_epoch=2)
    assert config.schedule(130) == Schedule(steps=20, warmup_steps=6, cl_from_step=4)
    with pytest.raises(InputError, match="an epoch has 63 scenes, less than one batch of 64"):
        config.schedule(63)


def test_a_length_in_steps_does_not_depend_on_the_scenes() -> None:
    config = TrainConfig(model=preset("tiny"), steps=90, warmup_steps=4)
    assert config.schedule(3) == Schedule(steps=90, warmup_steps=4)


TABLE_1 = Path(__file__).parents[2] / "configs" / "table1"


@pytest.mark.parametrize(
    ("name", "model", "losses", "cl_from_epoch"),
    [
        ("laion_clap_scl", "laion_clap", LossWeights(cl=0.0, scl=1.0, doa=0.0), 0),
        ("salm_s_scl_doa", "salm_s", LossWeights(cl=0.0, scl=1.0, doa=1.0), 0),
        ("salm_scl_doa", "base", LossWeights(cl=0.0, scl=1.0, doa=1.0), 0),
        ("salm_scl_cl_doa", "base", LossWeights(cl=0.5, scl=0.5, doa=1.0), 3),
    ],
)
def test_the_rows_of_table_1_are_trained_as_the_paper_says(
    name: str, model: str, losses: LossWeights, cl_from_epoch: int
) -> None:
    config = read_train_config(TABLE_1 / f"{name}.yaml")
    assert config.model == preset(model)
    assert (config.losses, config.cl_from_epoch) == (losses, cl_from_epoch)
    assert (config.batch_size, config.epochs, config.warmup_epochs, config.learning_rate) == (64, 10, 3, 1e-4)
    assert (config.weight_decay, config.clip_norm, config.bfloat16, config.seed) == (0.0, 1.0, True, 2025)
    assert (config.rivals, config.mask_features, config.splits) == (0, False, ("train", "val"))
    # sClotho's development and validation, and sAudioCaps' as many as the paper has: about 2,590 steps an epoch.
    assert config.schedule(3 * (4_884 + 50_333)).steps == 10 * 2_588


def test_every_row_of_table_1_has_a_file() -> None:
    assert len(list(TABLE_1.glob("*.yaml"))) == 4 + 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model: tiny\nsteps: 5\nsteps: 6", "cannot be read as YAML: line 1: steps is there twice"),
        ("model: tiny\nscenes: {anechoic: 0.1, anechoic: 0.2}", "line 2: anechoic is there twice"),
        ("[" * 5000 + "]" * 5000, "nested too deeply"),
        ("model: 2001-99-99", "cannot be read as YAML: month must be in 1..12"),
        ("model: " + "9" * 5000, "cannot be read as YAML: Exceeds the limit"),
        ('like: "a\\0b"\nmodel: tiny', r"like is 'a\\x00b' but must be the name of another file"),
        ("model: tiny\nlearning_rate: .nan", "learning_rate is nan but must be a number below 2^63"),
        ("model: tiny\nseed: 1" + "0" * 400, "seed is 1000000.* but must be a number below"),
        ("model: {preset: tiny, width: 0}", r"model: width is 0 but must be from 1 to 8,192"),
        ("model: {preset: tiny, features: {hop: 0}}", "model: features: hop is 0 but must be from 1"),
        ("model: {preset: tiny, htsat: {heads: [5, 4, 8, 16]}}", "5 must divide the width of stage 1, 96"),
        ("model: tiny\nscenes: {elevation_deg: 91}", "scenes: elevation_deg is 91.0 but must be a number from 0 to 90"),
        (
            "model: tiny\nscenes: {rt60_s: [1, 0.5]}",
            "rt60_s is .1.0, 0.5. but must be two numbers, the lower one first",
        ),
        ("model: tiny\nwindows: {vocabularies: {[1]: 1}}", "cannot be read as YAML: .*unhashable"),
    ],
)
def test_what_yaml_and_torch_stumble_over_is_one_line(path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message.replace("^", r"\^")) as caught:
        read_train_config(written(path, text))
    assert "\n" not in str(caught.value)


def test_a_mark_of_its_encoding_is_no_part_of_a_file(path: Path) -> None:
    assert read_train_config(written(path, "\ufeffmodel: tiny")) == TrainConfig(model=preset("tiny"))
