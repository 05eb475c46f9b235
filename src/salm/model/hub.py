"""Saving and loading of models: safetensors and `config.json` in a folder, no pickle.

A folder of weights holds what was trained; frozen towers (the text tower, the tagger) lie in folders of their own that
ship with the package, so that a new training does not store them again. A text tower that is trained along is stored
with the rest, and its ``tokenizer.json`` beside it. Weights are stored in half precision and computed with in single
precision. Adapters of a frozen text tower are stored with what was trained.
"""

import hashlib
import json
import reprlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from salm.errors import InputError
from salm.model.config import ModelConfig, from_mapping, to_mapping
from salm.model.encoders import TaggerAndHTSAT
from salm.model.network import Network
from salm.model.presets import build
from salm.model.salm import SALM
from salm.model.tagger import fused
from salm.model.text import RobertaTower, SentenceTower, TextTower
from salm.whole import tensors_written_whole, written_whole

__all__ = [
    "WEIGHTS",
    "build_frozen",
    "digest",
    "load",
    "read_config",
    "read_json",
    "resolve",
    "save",
    "shipped_models",
    "tag_labels",
    "text_tower",
    "write_config",
]

WEIGHTS = Path(__file__).resolve().parents[1] / "weights"
"""Folder of the weights that ship with the package."""

CONFIG_NAME, WEIGHTS_NAME, TOKENIZER_NAME = "config.json", "model.safetensors", "tokenizer.json"


def shipped_models() -> tuple[str, ...]:
    """Names of the models whose weights ship with the package."""
    return tuple(sorted(p.name for p in WEIGHTS.iterdir() if '"pair"' in _read_text(p / CONFIG_NAME)))


def resolve(name: str | Path) -> Path:
    """Folder of a model: a folder itself, a model that ships with the package, or an ``owner/name`` on the hub.

    Raises
    ------
    InputError
        If there is no such folder or model, or the hub cannot be reached.
    """
    folder = Path(name)
    if (folder / CONFIG_NAME).is_file():
        return folder
    if str(name) in shipped_models():
        return WEIGHTS / str(name)
    if str(name).count("/") == 1 and not folder.exists():
        return _download(str(name))
    known = ", ".join(shipped_models())
    raise InputError(
        f"{name}: no such model; give a folder with {CONFIG_NAME}, a hub id owner/name, or one of: {known}."
    )


def load(name: str | Path) -> tuple[Network, ModelConfig]:
    """A trained model in evaluation mode, single precision, and its configuration.

    Raises
    ------
    InputError
        If the folder cannot be found or read, or its weights do not fit its configuration.
    """
    folder = resolve(name)
    config = read_config(folder)
    model = build_frozen(config, tokenizer=_read_text(folder / TOKENIZER_NAME) or None)
    weights = _read_weights(folder)
    own, is_own = model.state_dict(), _own(model)
    missing = [key for key in own if key not in weights and is_own(key)]
    unknown = [key for key in weights if key not in own]
    resized = [key for key, value in weights.items() if key in own and value.shape != own[key].shape]
    if misfits := missing + unknown + resized:
        raise InputError(
            f"{folder / WEIGHTS_NAME} does not fit its configuration: {len(missing)} weights are missing, "
            f"{len(unknown)} unknown and {len(resized)} of another size, the first is {misfits[0]}."
        )
    model.load_state_dict(weights, strict=False)
    return model.eval(), config


def save(model: Network, config: ModelConfig, folder: str | Path, *, dtype: torch.dtype = torch.float16) -> None:
    """Write what was trained of a model as ``config.json`` and ``model.safetensors``, and its tokenizer if it has one.

    Buffers of integers keep their type.
    """
    folder, is_own = Path(folder), _own(model)
    trained = {
        key: (value.to(dtype) if value.is_floating_point() else value).contiguous().cpu()
        for key, value in model.state_dict().items()
        if is_own(key)
    }
    if isinstance(model.text, RobertaTower) and model.text.tokenizer_json is not None:
        with written_whole(folder / TOKENIZER_NAME) as part:
            part.write_text(model.text.tokenizer_json, encoding="utf-8")
    tensors_written_whole(folder / WEIGHTS_NAME, trained, metadata={"format": "pt"})
    write_config(config, folder)


def write_config(config: ModelConfig, folder: Path) -> None:
    """Write ``config.json`` of the model in a folder."""
    with written_whole(folder / CONFIG_NAME) as part:
        part.write_text(json.dumps(to_mapping(config), indent=1) + "\n", encoding="utf-8")


def build_frozen(config: ModelConfig, *, tokenizer: str | None = None) -> Network:
    """A model with the shipped frozen towers and random weights elsewhere.

    Parameters
    ----------
    tokenizer
        Content of the ``tokenizer.json`` of a text tower that is trained along; frozen towers have their own.
    """
    model = build(config, text=_text(config, tokenizer))
    if isinstance(model, SALM) and isinstance(model.pair, TaggerAndHTSAT):
        model.pair.tagger.load_state_dict(_read_weights(WEIGHTS / "mn04"))
        model.pair.tagger = fused(model.pair.tagger)
    return model


def _text(config: ModelConfig, tokenizer: str | None) -> TextTower:
    if config.text == "roberta":
        for name in ("text_maps", "text_adapter_rank"):
            if value := getattr(config, name):
                raise InputError(f"{name} is {value} but RoBERTa is trained whole; set it to 0.")
        return RobertaTower(config.roberta, tokenizer=tokenizer)
    tower = text_tower(config.text)
    if config.text_maps:
        tower = tower.mapped(config.text_maps)
    if config.text_adapter_rank:
        tower = tower.adapted(rank=config.text_adapter_rank, layers=config.text_adapter_layers)
    return tower


def text_tower(name: str) -> SentenceTower:
    """A frozen text tower that ships with the package."""
    towers = sorted(path.parent.name for path in WEIGHTS.glob(f"*/{TOKENIZER_NAME}"))
    if name not in towers:
        raise InputError(f"there is no text tower {reprlib.repr(name)}; there are {', '.join(towers)} and roberta.")
    folder = WEIGHTS / name
    tower = SentenceTower(config=read_json(folder / CONFIG_NAME), tokenizer=folder / "tokenizer.json")
    tower.bert.load_state_dict({key: value.float() for key, value in _read_weights(folder).items()})
    return tower


def tag_labels() -> tuple[str, ...]:
    """AudioSet's label names in the order of the tagger's logits."""
    return tuple(read_json(WEIGHTS / "mn04" / CONFIG_NAME)["labels"])


def digest(name: str | Path) -> str:
    """First 16 hexadecimal digits of the SHA-256 of a model's configuration and weights: its identity."""
    folder = resolve(name)
    content = hashlib.sha256()
    for part in (CONFIG_NAME, WEIGHTS_NAME):
        content.update((folder / part).read_bytes())
    return content.hexdigest()[:16]


def read_config(folder: Path) -> ModelConfig:
    """Configuration of the model in a folder."""
    return from_mapping(ModelConfig, read_json(folder / CONFIG_NAME), where=str(folder / CONFIG_NAME))


def _own(model: Network) -> Callable[[str], bool]:
    """Whether a weight of this name is stored with the model, and not in a frozen tower's own folder."""
    tagger = isinstance(model, SALM) and isinstance(model.pair, TaggerAndHTSAT)
    frozen = (*(("text.",) if isinstance(model.text, SentenceTower) else ()), *(("pair.tagger.",) if tagger else ()))
    trained = {f"text.{name}" for name, parameter in model.text.named_parameters() if parameter.requires_grad}
    return lambda key: key in trained or not key.startswith(frozen)


def _read_weights(folder: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(folder / WEIGHTS_NAME))
    except (OSError, SafetensorError) as error:
        raise InputError(f"{folder / WEIGHTS_NAME} cannot be read as safetensors: {error}.") from error


def read_json(path: Path) -> Any:
    """What a JSON file holds."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read as JSON: {error}.") from error


def _read_text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _download(hub_id: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(hub_id, allow_patterns=[CONFIG_NAME, WEIGHTS_NAME, TOKENIZER_NAME]))
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{hub_id}: not a folder here, and the hub did not give it: {reason}") from error
