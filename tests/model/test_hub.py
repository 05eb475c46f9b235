"""Models on disk: what is saved, what comes back, and one line for whatever does not fit."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from salm.errors import InputError
from salm.model import hub
from salm.model.config import RobertaSize
from salm.model.inference import Model, load
from salm.model.presets import preset
from salm.model.text import SentenceTower


@pytest.fixture(autouse=True)
def one_text_tower(monkeypatch: pytest.MonkeyPatch, tower: SentenceTower) -> None:
    """Reading 45 MB once is enough."""
    monkeypatch.setattr(hub, "text_tower", lambda name: tower)


@pytest.fixture
def saved(model: Model, tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    hub.save(model.network, model.config, folder)
    return folder


@pytest.fixture
def weights(saved: Path) -> dict[str, torch.Tensor]:
    """The stored tensors; what a test changes in them is written back by :func:`store`."""
    return load_file(saved / "model.safetensors")


def store(folder: Path, tensors: dict[str, torch.Tensor]) -> None:
    save_file(tensors, folder / "model.safetensors")


def test_what_was_trained_comes_back_in_half_precision(model: Model, saved: Path) -> None:
    network, config = hub.load(saved)
    assert config == model.config
    assert not network.training
    before, after = model.network.state_dict(), network.state_dict()
    assert before.keys() == after.keys()
    for key, value in before.items():
        frozen = key.startswith(("text.", "pair.tagger."))
        wanted = value.half().to(value.dtype) if value.is_floating_point() and not frozen else value
        assert torch.equal(after[key], wanted), key
        assert after[key].dtype == value.dtype


def test_saving_what_was_loaded_changes_no_byte(saved: Path, tmp_path: Path) -> None:
    network, config = hub.load(saved)
    hub.save(network, config, tmp_path / "again")
    for name in ("config.json", "model.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (saved / name).read_bytes()


def test_single_precision_is_exact(model: Model, tmp_path: Path) -> None:
    hub.save(model.network, model.config, tmp_path, dtype=torch.float32)
    network, _ = hub.load(tmp_path)
    for key, value in model.network.state_dict().items():
        assert torch.equal(network.state_dict()[key], value), key


def test_a_model_saves_itself(model: Model, tmp_path: Path) -> None:
    model.save(tmp_path / "half")
    model.save(tmp_path / "whole", dtype=torch.float32)
    again = load(tmp_path / "whole")
    assert again.config == model.config
    assert all(torch.equal(again.network.state_dict()[k], v) for k, v in model.network.state_dict().items())
    small, large = ((tmp_path / name / "model.safetensors").stat().st_size for name in ("half", "whole"))
    assert small < 0.7 * large


def test_a_text_tower_that_is_trained_is_stored_with_its_tokenizer(tmp_path: Path) -> None:
    words = (hub.WEIGHTS / "minilm-l6-v2" / "tokenizer.json").read_text(encoding="utf-8")
    size = RobertaSize(vocabulary=30_522, dim=8, layers=1, heads=1, hidden=8)
    config = replace(preset("tiny"), text="roberta", roberta=size)
    network = hub.build_frozen(config, tokenizer=words)
    hub.save(network, config, tmp_path / "model", dtype=torch.float32)
    assert (tmp_path / "model" / "tokenizer.json").read_text(encoding="utf-8") == words
    again = load(tmp_path / "model")
    sentences = ["A dog barks.", "Rain falls from above."]
    expected = Model(network, config).embed_text(sentences)
    np.testing.assert_array_equal(again.embed_text(sentences), expected)
    # Without it the model still hears.
    (tmp_path / "model" / "tokenizer.json").unlink()
    deaf = load(tmp_path / "model")
    with pytest.raises(InputError, match="this model has no tokenizer"):
        deaf.embed_text(sentences)


def test_running_statistics_are_part_of_it(weights: dict[str, torch.Tensor]) -> None:
    assert {"pair.norm.norm.running_mean", "pair.norm.norm.running_var"} <= weights.keys()


def test_frozen_towers_are_not_stored(saved: Path, weights: dict[str, torch.Tensor]) -> None:
    assert not [key for key in weights if key.startswith(("text.", "pair.tagger."))]
    assert (saved / "model.safetensors").stat().st_size < 1_000_000


def test_no_temporary_file_is_left(saved: Path) -> None:
    assert {path.name for path in saved.iterdir()} == {"config.json", "model.safetensors"}


def test_a_digest_is_sixteen_digits_of_what_is_stored(saved: Path, tmp_path: Path) -> None:
    digest = hub.digest(saved)
    assert re.fullmatch("[0-9a-f]{16}", digest)
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in saved.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    assert hub.digest(copy) == digest


def test_a_digest_changes_with_one_weight(saved: Path, weights: dict[str, torch.Tensor]) -> None:
    before = hub.digest(saved)
    weights["joint_weight"][0] += 0.01
    store(saved, weights)
    assert hub.digest(saved) != before


def test_a_digest_changes_with_the_configuration(model: Model, saved: Path) -> None:
    before = hub.digest(saved)
    hub.write_config(replace(model.config, facing="south"), saved)
    assert hub.digest(saved) != before


def test_load_gives_a_model_that_knows_its_digest(model: Model, saved: Path) -> None:
    loaded = load(saved)
    assert loaded.config == model.config
    assert loaded.digest == hub.digest(saved)


def test_a_missing_weight_is_named(saved: Path, weights: dict[str, torch.Tensor]) -> None:
    del weights["joint_weight"]
    store(saved, weights)
    with pytest.raises(InputError, match=r"1 weights are missing, 0 unknown and 0 of .* first is joint_weight\."):
        hub.load(saved)


def test_an_unknown_weight_is_named(saved: Path, weights: dict[str, torch.Tensor]) -> None:
    store(saved, weights | {"colour": torch.zeros(1)})
    with pytest.raises(InputError, match=r"0 weights are missing, 1 unknown and 0 of .* first is colour\."):
        hub.load(saved)


def test_a_weight_of_another_size_is_named_in_one_line(saved: Path, weights: dict[str, torch.Tensor]) -> None:
    store(saved, weights | {"joint_weight": torch.ones(33)})
    with pytest.raises(InputError, match="0 unknown and 1 of another size, the first is joint_weight") as caught:
        hub.load(saved)
    assert "\n" not in str(caught.value)


def test_weights_that_are_cut_short_are_refused(saved: Path) -> None:
    file = saved / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"model\.safetensors cannot be read as safetensors"):
        hub.load(saved)


def test_a_configuration_that_is_no_json_is_refused(saved: Path) -> None:
    (saved / "config.json").write_text('{"name": ', encoding="utf-8")
    with pytest.raises(InputError, match=r"config\.json cannot be read as JSON"):
        hub.load(saved)


def test_a_configuration_of_something_else_is_refused(saved: Path) -> None:
    (saved / "config.json").write_text('{"hidden_size": 384}', encoding="utf-8")
    with pytest.raises(InputError, match=r"config\.json: unknown setting 'hidden_size'; known are name, pair"):
        hub.load(saved)


@pytest.fixture
def shipped(models: dict[str, Model], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of weights with two models and a frozen tower, in place of the package's."""
    folder = tmp_path / "weights"
    for name in ("large", "little"):
        hub.save(models["dual_htsat"].network, models["dual_htsat"].config, folder / name)
    (folder / "tower").mkdir()
    (folder / "tower" / "config.json").write_text('{"hidden_size": 384}', encoding="utf-8")
    monkeypatch.setattr(hub, "WEIGHTS", folder)
    return folder


def test_shipped_models_are_those_with_a_pair(shipped: Path) -> None:
    assert hub.shipped_models() == ("large", "little")


def test_a_shipped_model_is_found_by_name(shipped: Path) -> None:
    assert hub.resolve("little") == shipped / "little"


def test_a_folder_is_found_as_such(shipped: Path, saved: Path) -> None:
    assert hub.resolve(saved) == hub.resolve(str(saved)) == saved


def test_an_unknown_name_lists_the_shipped_models(shipped: Path) -> None:
    with pytest.raises(InputError, match=r"^medium: no such model; .*one of: large, little\.$"):
        hub.load("medium")


def test_a_folder_without_a_model_is_refused(shipped: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such model"):
        hub.resolve(tmp_path)


def test_a_hub_id_is_downloaded(shipped: Path, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def download(hub_id: str, *, allow_patterns: list[str]) -> str:
        asked.append((hub_id, sorted(allow_patterns)))
        return str(saved)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    assert hub.resolve("somebody/salm") == saved
    # Nothing else is fetched, least of all code or a pickle.
    assert asked == [("somebody/salm", ["config.json", "model.safetensors", "tokenizer.json"])]


def test_a_hub_that_does_not_answer_gives_one_line(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(hub_id: str, **_: object) -> str:
        raise OSError("We couldn't connect.\nCheck your network.")

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    with pytest.raises(InputError, match=r"^somebody/salm: .*We couldn't connect\.$"):
        hub.resolve("somebody/salm")


def test_an_unknown_text_tower_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    with pytest.raises(InputError, match="no text tower 'roberta'"):
        hub.text_tower("roberta")


def test_the_taggers_labels_are_audiosets() -> None:
    labels = hub.tag_labels()
    assert len(labels) == len(set(labels)) == 527
    # Their order in class_labels_indices.csv.
    assert (labels[0], labels[74], labels[288], labels[526]) == ("Speech", "Dog", "Water", "Field recording")


def test_the_configuration_is_plain_json(model: Model, saved: Path) -> None:
    plain = json.loads((saved / "config.json").read_text(encoding="utf-8"))
    assert plain["name"] == model.config.name
    assert plain["features"]["rate_hz"] == 24_000
