"""Every number of a model as plain data: what `config.json` beside a set of weights holds."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from salm.errors import InputError

__all__ = ["FeatureConfig", "HTSATConfig", "ModelConfig", "RobertaSize", "from_mapping", "to_mapping"]

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class FeatureConfig:
    """Front end of the model: one window of first-order Ambisonics to seven feature channels."""

    rate_hz: int = 24_000
    """Sampling rate the model runs at, in Hz."""
    window_s: float = 10.0
    """Length of one window in seconds."""
    n_fft: int = 1024
    """Transform and Hann window length in samples."""
    hop: int = 240
    """Samples from frame to frame."""
    mel_bins: int = 64
    """Number of mel bands between 20 Hz and half the rate."""

    @property
    def window_samples(self) -> int:
        """Length of one window in samples."""
        return round(self.window_s * self.rate_hz)


@dataclass(frozen=True, kw_only=True)
class HTSATConfig:
    """Size of one hierarchical token-semantic audio transformer (HTSAT)."""

    grid: int = 256
    """Side of the square image that the folded features fill."""
    embed_dim: int = 96
    """Width of the first stage; every further stage doubles it."""
    depths: tuple[int, ...] = (2, 2, 6, 2)
    """Blocks a stage."""
    heads: tuple[int, ...] = (4, 8, 16, 32)
    """Attention heads a stage."""
    window: int = 8
    """Side of an attention window in tokens."""
    drop_path: float = 0.1
    """Stochastic depth of the last block; it rises linearly from 0."""


@dataclass(frozen=True, kw_only=True)
class RobertaSize:
    """Size of a RoBERTa text tower; the defaults are those of ``roberta-base``."""

    vocabulary: int = 50_265
    """Tokens of the vocabulary."""
    dim: int = 768
    """Width of a token."""
    layers: int = 12
    """Transformer layers."""
    heads: int = 12
    """Attention heads a layer."""
    hidden: int = 3072
    """Width of the hidden layer of an MLP."""
    positions: int = 514
    """Rows of the table of positions, two of which are never used."""
    max_tokens: int = 77
    """Longer sentences are truncated."""
    layer_norm_eps: float = 1e-5
    """What the original was trained with; Hugging Face's configuration of CLAP says 1e-12."""
    dropout: float = 0.1
    """In training."""


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """A whole model: its encoders, the text tower and the frame its words mean."""

    name: str
    """Preset the model was built from."""
    pair: Literal["dual_htsat", "tagger_htsat", "single_htsat", "mono_htsat"] = "dual_htsat"
    """The what and where encoders: two HTSATs with cross-stitch (the paper), or a frozen tagger beside one HTSAT; or
    one HTSAT for both, on all channels or on W alone."""
    features: FeatureConfig = field(default_factory=FeatureConfig)
    """Front end."""
    htsat: HTSATConfig = field(default_factory=HTSATConfig)
    """Size of each HTSAT."""
    intensity_maps: int = 0
    """Attention maps that pool the mel intensity into the where encoding; 0 is the paper."""
    text: str = "minilm-l6-v2"
    """Frozen text tower, by the name of its folder of weights; or ``roberta``, which is trained along."""
    text_maps: int = 0
    """Attention maps that pool the tokens of a frozen text tower beside their mean; 0 is the mean alone."""
    text_adapter_rank: int = 0
    """Rank of the adapters (LoRA) of a frozen text tower, which are trained along; 0 has none."""
    text_adapter_layers: int = 2
    """How many of its layers, from the last on, have adapters, if there are any."""
    roberta: RobertaSize = field(default_factory=RobertaSize)
    """Size of the text tower if it is ``roberta``."""
    width: int = 512
    """Size of the shared space."""
    dropout: float = 0.0
    """Dropout at the input of the what and text projections, in training; 0 is the paper."""
    temperature: Literal["exp", "raw"] = "exp"
    """Whether the learned temperature is exponentiated, as in CLAP, or used raw, as in the paper's code line."""
    facing: str = "north"
    """Where the front is on the compass of the training captions."""
    confidence: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    """Weights of :func:`salm.model.confidence.confidence`; zeros, before calibration, always say one half."""
    cone: tuple[tuple[float, ...], ...] = ()
    """Weights of :func:`salm.model.confidence.cones_deg`, a row for each probability; none, before calibration and in
    models of older versions, leave locations without a cone, and no direction is too uncertain to be named."""


def to_mapping(value: Any) -> dict[str, Any]:
    """A dataclass tree as nested dictionaries of plain values."""
    return dataclasses.asdict(value)


def from_mapping(cls: type[T], mapping: Mapping[str, Any], *, where: str) -> T:
    """A dataclass tree from nested dictionaries; fields that are left out keep their defaults.

    Raises
    ------
    InputError
        If a key is unknown, a value has the wrong type or a required field is missing. ``where`` (a file name)
        opens the message.
    """
    if not isinstance(mapping, Mapping):
        raise InputError(f"{where}: expected a table of settings, got {mapping!r}.")
    hints = typing.get_type_hints(cls)
    unknown = [key for key in mapping if key not in hints]
    if unknown:
        raise InputError(f"{where}: unknown setting {unknown[0]!r}; known are {', '.join(hints)}.")
    values = {key: _convert(hints[key], value, where=f"{where}: {key}") for key, value in mapping.items()}
    try:
        return cls(**values)
    except TypeError as error:
        raise InputError(f"{where}: {error}.") from error


def _convert(hint: Any, value: Any, *, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        return from_mapping(typing.cast(type, hint), value, where=where)
    if origin is types.UnionType:
        return None if value is None else _convert(arguments[0], value, where=where)
    if origin is Literal and value in arguments:
        return value
    if origin is tuple and isinstance(value, list | tuple):
        items = arguments[:1] * len(value) if arguments[-1] is Ellipsis else arguments
        if len(items) == len(value):
            return tuple(_convert(item, part, where=where) for item, part in zip(items, value, strict=True))
    if origin is dict and isinstance(value, Mapping):
        return {key: _convert(arguments[1], part, where=where) for key, part in value.items()}
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, type) and isinstance(value, hint) and isinstance(value, bool) == (hint is bool):
        return value
    raise InputError(f"{where} is {value!r} but must be {_spell(hint)}.")


def _spell(hint: Any) -> str:
    if typing.get_origin(hint) is Literal:
        return "one of " + ", ".join(map(repr, typing.get_args(hint)))
    return getattr(hint, "__name__", str(hint)) if not typing.get_args(hint) else str(hint)
