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
from salm.training.config import CorpusConfig, TrainConfig, read_train_config
from salm.training.losses import LossWeights


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.yaml"


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_the_name_of_a_preset_is_enough(path: Path) -> None:
    assert read_train_config(written(path, "model: tiny")) == TrainConfig(model=preset("tiny"))


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
    text = "model: {name: mine, pair: dual_htsat, width: 16, htsat: {grid: 64}}"
    model = read_train_config(written(path, text)).model
    assert (model.name, model.width, model.htsat.grid) == ("mine", 16, 64)


def test_a_folder_given_takes_the_place_of_the_files_corpora(path: Path) -> None:
    written(path, "model: tiny\ncorpora: [{folder: a}, {folder: b}]\nsteps: 3")
    config = read_train_config(path, data=Path("other"))
    assert config.corpora == (CorpusConfig(folder="other"),)
    assert config.steps == 3


def test_the_configurations_that_ship_can_be_read() -> None:
    folder = Path(__file__).resolve().parents[2] / "configs"
    assert "small" in {read_train_config(file).model.name for file in folder.glob("*.yaml")}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model: tiny\nstep: 3", r"unknown setting 'step'; known are model, corpora, losses"),
        ("model: tiny\nlosses: {sed: 1}", r"losses: unknown setting 'sed'; known are cl, scl, doa, sentence, labels\."),
        ("model: tiny\ncorpora: [{path: a}]", "unknown setting 'path'; known are folder, rows, share, per_kind"),
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
        ("model: tiny\nrivals: 8", "rivals is 8 but there are 0 to 7"),
        ("model: tiny\ncorpora: []", "corpora is empty; name at least one folder"),
        ("steps: 3", "expected a table of settings with a `model`"),
        ("- tiny", "expected a table of settings with a `model`"),
        ("", "expected a table of settings with a `model`"),
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
