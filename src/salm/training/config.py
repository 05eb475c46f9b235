"""Everything a training run is: model, data, losses and optimisation, as plain data read from a YAML file."""

import reprlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from salm.acoustics.measured import ResponsesFrom
from salm.errors import InputError
from salm.model.config import ModelConfig, from_mapping, to_mapping
from salm.model.presets import preset
from salm.scenes.corpora import CorpusLayout
from salm.scenes.dataset import WindowRanges
from salm.scenes.sample import SceneRanges
from salm.scenes.storage import MEASURED_SHARE
from salm.training.losses import LossWeights
from salm.training.schedule import Schedule

__all__ = ["HELD_OUT", "CorpusConfig", "ResponsesConfig", "TrainConfig", "read_scene_ranges", "read_train_config"]

HELD_OUT = 0.2
"""Share of somebody's own sounds that is held out where they have no splits."""


@dataclass(frozen=True, kw_only=True)
class CorpusConfig:
    """One corpus to train on."""

    folder: str | None = None
    """Folder with sounds and a manifest, or a CSV table beside its sounds; left out, the built-in procedural sounds."""
    layout: CorpusLayout = "manifest"
    """How the folder is laid out: with a manifest, or as a published corpus."""
    rows: dict[str, str] = field(default_factory=dict)
    """Only rows of the manifest with these values, such as ``licence_class: permissive``."""
    share: float = 1.0
    """Share of the items of a batch, relative to the other corpora."""
    per_kind: int = 60
    """Procedural sounds of each kind."""
    held_out: float = 0.0
    """Share of the sounds, whole groups by the run's seed, that validation hears and training does not, where the
    manifest has the split `train` alone; where it has others, they are what is held out. 0 goes by the splits."""


@dataclass(frozen=True, kw_only=True)
class ResponsesConfig(ResponsesFrom):
    """Measured responses to train through. Validation and calibration are in simulated rooms, so its rooms differ."""

    share: float = MEASURED_SHARE
    """Share of fresh scenes that sound through one of them; fixed scenes say themselves which do."""

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise InputError(f"responses.share is {self.share} but must be from 0 to 1.")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """One training run."""

    model: ModelConfig
    corpora: tuple[CorpusConfig, ...] = (CorpusConfig(),)
    """What fresh scenes are drawn from; training uses the split `train`, validation the split `val`."""
    scene_files: tuple[str, ...] = ()
    """Fixed scenes, as `salm scenes make sclotho` writes them, all of them once an epoch; they take the place of
    `corpora` and `scenes`."""
    spatial_captions: tuple[str, ...] = ()
    """Spatial captions of each of `scene_files`, as `salm scenes rephrase` writes them; left out, templates. They need
    `identity_targets` and no `rivals`, which only templates have."""
    splits: tuple[str, ...] = ("train",)
    """Splits of the fixed scenes that are trained on."""
    validation_split: str = "val"
    """Split whose sounds are heard in validation."""
    responses: ResponsesConfig | None = None
    """Measured responses that a share of fresh scenes sounds through. Fixed scenes take those that their files name,
    unless others are given here, such as the same in another folder."""
    roberta: str | None = None
    """Folder or hub id of RoBERTa's weights and tokenizer, for a model that trains it and starts from nothing else."""
    losses: LossWeights = field(default_factory=LossWeights)
    scenes: SceneRanges = field(default_factory=SceneRanges)
    windows: WindowRanges = field(default_factory=WindowRanges)
    batch_size: int = 64
    """Windows that the contrastive losses compare, over all processes."""
    micro_batch_size: int | None = None
    """Windows through the network at once in each process; left out, its whole share of the batch. The losses see the
    whole batch all the same; batch normalisation sees micro-batches."""
    steps: int = 10_000
    """Length of the run, unless it is given in `epochs`."""
    warmup_steps: int = 300
    epochs: int | None = None
    """Length of the run in passes over all scenes (of fresh scenes: three a sound); it takes the place of `steps`."""
    warmup_epochs: int = 0
    """Takes the place of `warmup_steps` where the length is in epochs."""
    cl_from_epoch: int = 0
    """First epoch, from 0, in which L_CL counts; L_sCL has its weight before."""
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
    """Autocast, where the device computes with bfloat16 itself; weights stay in single precision."""
    gradient_checkpointing: bool = False
    """Transformer blocks are computed twice instead of kept: less memory, a third more time."""
    compile: bool = False
    """Compile the network with torch.compile."""
    seed: int = 2025
    workers: int = 1
    """Loader processes, of each process."""
    deterministic: bool = True
    """Compute with algorithms that give the same bits each time, so that a resumed run ends where an uninterrupted one
    does; where a GPU has none for an operation, torch warns."""
    log_steps: int = 50
    """Steps from line to line of the log."""
    checkpoint_steps: int = 250
    validation_steps: int = 1000
    validation_scenes: int = 200
    best_by: str | None = "mean_r1"
    """Figure of validation by which the best weights are chosen, which are then the run's model; None takes the last.
    Degrees are better when they are less, all others when they are more."""
    tensorboard: bool | None = None
    """Also write TensorBoard's files: left out, where it is installed; true says so if it is not."""

    def schedule(self, epoch_scenes: int) -> Schedule:
        """Length and warm-up of the run in steps.

        Parameters
        ----------
        epoch_scenes
            Scenes in an epoch; what is left over of whole batches is not shown.

        Raises
        ------
        InputError
            If an epoch has no whole batch.
        """
        if self.epochs is None:
            return Schedule(steps=self.steps, warmup_steps=self.warmup_steps)
        epoch = epoch_scenes // self.batch_size
        if not epoch:
            raise InputError(f"an epoch has {epoch_scenes} scenes, less than one batch of {self.batch_size}.")
        return Schedule(
            steps=self.epochs * epoch,
            warmup_steps=self.warmup_epochs * epoch,
            cl_from_step=self.cl_from_epoch * epoch,
        )

    def __post_init__(self) -> None:
        if not self.corpora:
            raise InputError("corpora is empty; name at least one folder, or one entry without a folder.")
        shares = [corpus.share for corpus in self.corpora]
        if min(shares) < 0 or sum(shares) == 0:
            raise InputError(f"the corpora's shares are {shares} but must not be negative, nor all zero.")
        if wrong := [corpus.held_out for corpus in self.corpora if not 0 <= corpus.held_out < 1]:
            raise InputError(f"held_out of a corpus is {wrong[0]} but must be at least 0 and less than 1.")
        counts = ("batch_size", "micro_batch_size", "steps", "epochs")
        for name in (*counts, "log_steps", "checkpoint_steps", "validation_steps", "validation_scenes"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name} is {value} but must be at least 1.")
        for name in ("seed", "workers", "warmup_steps", "warmup_epochs", "cl_from_epoch"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} is {getattr(self, name)} but must not be negative.")
        if not 0 <= self.rivals <= 7:
            raise InputError(f"rivals is {self.rivals} but there are 0 to 7 wrong directions.")
        if self.spatial_captions:
            self._check_spatial_captions()

    def _check_spatial_captions(self) -> None:
        files, scenes = len(self.spatial_captions), len(self.scene_files)
        if files != scenes:
            raise InputError(f"spatial_captions has {files} files but scene_files {scenes}; each needs its own.")
        if self.rivals:
            raise InputError(
                f"rivals is {self.rivals} but must be 0 with spatial_captions, which are of one direction."
            )
        if not self.windows.identity_targets:
            raise InputError("windows.identity_targets must be true with spatial_captions.")


def read_train_config(path: str | Path, *, data: str | Path | None = None) -> TrainConfig:
    """Training run from a YAML file.

    ``model`` is the name of a preset, or a table of settings; a ``preset`` among them stands for all that are left out.
    ``like`` names a file beside this one, whose settings hold where this one has none of its own.

    ``data``, the folder of a corpus or a CSV table beside its sounds, takes the place of the file's corpora and fixed
    scenes; without splits a fifth of it is held out. Folders in the file are relative to where the command runs.

    Raises
    ------
    InputError
        If the file cannot be read, or names an unknown setting, preset or a value of the wrong type.
    """
    plain = _read(Path(path))
    if "model" not in plain:
        raise InputError(f"{path}: expected a table of settings with a `model`.")
    plain["model"] = _model(plain["model"], where=str(path))
    config = from_mapping(TrainConfig, plain, where=str(path))
    if data is None:
        return config
    own = CorpusConfig(folder=str(data), held_out=HELD_OUT)
    return replace(config, corpora=(own,), scene_files=(), spatial_captions=())


def read_scene_ranges(path: str | Path) -> SceneRanges:
    """The ranges that a run's file draws its scenes from: its table ``scenes``, and nothing else of it.

    Raises
    ------
    InputError
        If the file cannot be read, has no such table, or that has an unknown setting or a value of the wrong type.
    """
    plain = _read(Path(path))
    if "scenes" not in plain:
        raise InputError(f"{path} has no table `scenes`; give the file of a training run that has one.")
    return from_mapping(SceneRanges, plain["scenes"], where=f"{path}, scenes")


def _read(path: Path, *, alike: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The settings of a file, and under them those of the file that it is like; ``alike`` are those that led here."""
    try:
        plain = _Loader(path.read_text(encoding="utf-8-sig")).get_single_data()
    except OSError as error:
        raise InputError(f"{path} cannot be read as YAML: {error.strerror}.") from error
    except RecursionError as error:
        raise InputError(f"{path} cannot be read as YAML: it is nested too deeply.") from error
    # Numbers with too many digits and dates that there are not are errors of Python's own.
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(f"{path} cannot be read as YAML: {' '.join(str(error).split())[:300]}.") from error
    if not isinstance(plain, dict):
        raise InputError(f"{path}: expected a table of settings, got {reprlib.repr(plain)}.")
    like = plain.pop("like", None)
    if like is None:
        return plain
    alike = (*alike, path.resolve())
    if not isinstance(like, str) or "\0" in like or (path.parent / like).resolve() in alike:
        raise InputError(
            f"{path}: like is {reprlib.repr(like)} but must be the name of another file, and not lead back here."
        )
    return _read(path.parent / like, alike=alike) | plain


class _Loader(yaml.SafeLoader):
    """YAML whose tables have every key once: of two the first would be lost without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A table."""
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if twice := next((key for key in keys if keys.count(key) > 1), None):
            raise yaml.YAMLError(f"line {node.start_mark.line + 1}: {twice} is there twice")
        return super().construct_mapping(node, deep)


def _model(plain: Any, *, where: str) -> Any:
    if isinstance(plain, str):
        return to_mapping(preset(plain))
    if not isinstance(plain, dict) or "preset" not in plain:
        return plain
    own = {key: value for key, value in plain.items() if key != "preset"}
    if not isinstance(plain["preset"], str):
        raise InputError(f"{where}: preset is {reprlib.repr(plain['preset'])} but must be a name.")
    return to_mapping(preset(plain["preset"])) | own
