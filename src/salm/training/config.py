"""Everything a training run is: model, data, losses and optimisation, as plain data read from a YAML file."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml

from salm.errors import InputError
from salm.model.config import ModelConfig, from_mapping, to_mapping
from salm.model.presets import preset
from salm.scenes.dataset import WindowRanges
from salm.scenes.sample import SceneRanges
from salm.training.losses import LossWeights

__all__ = ["CorpusConfig", "TrainConfig", "read_train_config"]


@dataclass(frozen=True, kw_only=True)
class CorpusConfig:
    """One corpus to train on."""

    folder: str | None = None
    """Folder with sounds and a manifest; left out, the built-in procedural sounds."""
    rows: dict[str, str] = field(default_factory=dict)
    """Only rows of the manifest with these values, such as ``licence_class: permissive``."""
    share: float = 1.0
    """Share of the items of a batch, relative to the other corpora."""
    per_kind: int = 60
    """Procedural sounds of each kind."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """One training run."""

    model: ModelConfig
    corpora: tuple[CorpusConfig, ...] = (CorpusConfig(),)
    """What is trained on; training uses the split `train`, validation the split `val`."""
    losses: LossWeights = field(default_factory=LossWeights)
    scenes: SceneRanges = field(default_factory=SceneRanges)
    windows: WindowRanges = field(default_factory=WindowRanges)
    batch_size: int = 64
    steps: int = 10_000
    warmup_steps: int = 300
    learning_rate: float = 1e-4
    """At its peak."""
    weight_decay: float = 0.0
    """Of matrices; vectors (biases, norms, s) have none."""
    clip_norm: float = 1.0
    """Largest norm of all gradients together."""
    rivals: int = 7
    """With how many of the seven wrong directions each clip also sees its own caption, drawn anew each time."""
    mask_features: bool = True
    """Light SpecAugment."""
    bfloat16: bool = True
    """Autocast; weights stay in single precision."""
    seed: int = 2025
    workers: int = 1
    """Loader processes."""
    checkpoint_steps: int = 250
    validation_steps: int = 1000
    validation_scenes: int = 200

    def __post_init__(self) -> None:
        if not self.corpora:
            raise InputError("corpora is empty; name at least one folder, or one entry without a folder.")
        shares = [corpus.share for corpus in self.corpora]
        if min(shares) < 0 or sum(shares) == 0:
            raise InputError(f"the corpora's shares are {shares} but must not be negative, nor all zero.")
        for name in ("batch_size", "steps", "checkpoint_steps", "validation_steps", "validation_scenes"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)} but must be at least 1.")
        for name in ("seed", "workers", "warmup_steps"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} is {getattr(self, name)} but must not be negative.")
        if not 0 <= self.rivals <= 7:
            raise InputError(f"rivals is {self.rivals} but there are 0 to 7 wrong directions.")


def read_train_config(path: str | Path, *, data: str | Path | None = None) -> TrainConfig:
    """Training run from a YAML file; ``model`` is the name of a preset or a table of settings.

    ``data``, the folder of a corpus, takes the place of the file's corpora. Folders in the file are relative to where
    the command runs.

    Raises
    ------
    InputError
        If the file cannot be read, or names an unknown setting, preset or a value of the wrong type.
    """
    path = Path(path)
    try:
        plain = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read as YAML: {error.strerror}.") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path} cannot be read as YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(plain, dict) or "model" not in plain:
        raise InputError(f"{path}: expected a table of settings with a `model`.")
    if isinstance(plain["model"], str):
        plain["model"] = to_mapping(preset(plain["model"]))
    config = from_mapping(TrainConfig, plain, where=str(path))
    return config if data is None else replace(config, corpora=(CorpusConfig(folder=str(data)),))
