"""Every number of a model as plain data: what `config.json` beside a set of weights holds."""

import dataclasses
import reprlib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from salm.errors import InputError

__all__ = ["FeatureConfig", "HTSATConfig", "ModelConfig", "RobertaSize", "from_mapping", "to_mapping"]

T = TypeVar("T")

_PATCH = 4


@dataclass(frozen=True, kw_only=True)
class FeatureConfig:
    """Front end of the model: one window of first-order Ambisonics to seven feature channels.

    Raises
    ------
    InputError
        If a number is none that a front end can have.
    """

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

    def __post_init__(self) -> None:
        _check(self, rate_hz=(1000, 1_000_000), window_s=(0.01, 600), n_fft=(16, 65_536), mel_bins=(1, 1024))
        _check(self, hop=(1, 65_536))
        if self.window_samples <= self.n_fft // 2:
            raise InputError(
                f"window_s is {self.window_s} but must be longer than half of n_fft, {self.n_fft // 2} samples."
            )

    @property
    def window_samples(self) -> int:
        """Length of one window in samples."""
        return round(self.window_s * self.rate_hz)


@dataclass(frozen=True, kw_only=True)
class HTSATConfig:
    """Size of one hierarchical token-semantic audio transformer (HTSAT).

    Raises
    ------
    InputError
        If the numbers are those of no such transformer.
    """

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

    def __post_init__(self) -> None:
        _check(self, grid=(4, 4096), embed_dim=(1, 1024), window=(1, 64))
        if not 0 <= self.drop_path < 1:
            raise InputError(f"drop_path is {self.drop_path} but must be at least 0 and below 1.")
        if not 1 <= len(self.depths) <= 6 or len(self.depths) != len(self.heads):
            raise InputError(
                f"depths {self.depths} and heads {self.heads} must have one number for each of 1 to 6 stages."
            )
        if not all(1 <= depth <= 64 for depth in self.depths):
            raise InputError(f"depths is {self.depths} but a stage has 1 to 64 blocks.")
        for stage, heads in enumerate(self.heads):
            width, side = self.embed_dim << stage, (self.grid // _PATCH) >> stage
            if heads < 1 or width % heads:
                raise InputError(
                    f"heads is {self.heads} but {heads} must divide the width of stage {stage + 1}, {width}."
                )
            if side < 1 or side % min(self.window, side) or self.grid % (_PATCH << stage):
                raise InputError(
                    f"grid is {self.grid}, which makes stage {stage + 1} {side} tokens wide: that must be a multiple "
                    f"of the window, {self.window}."
                )


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

    def __post_init__(self) -> None:
        _check(self, vocabulary=(1, 1_000_000), dim=(1, 8192), layers=(1, 128), heads=(1, 512), hidden=(1, 65_536))
        _check(self, positions=(4, 65_536), max_tokens=(3, self.positions - 2), layer_norm_eps=(0, 1), dropout=(0, 1))
        if self.dim % self.heads:
            raise InputError(f"heads is {self.heads} but must divide dim, {self.dim}.")


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """A whole model: its encoders, the text tower and the frame its words mean.

    Raises
    ------
    InputError
        If a number is none that a model can have, or the encoders do not take what the front end gives.
    """

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

    def __post_init__(self) -> None:
        _check(self, width=(1, 8192), intensity_maps=(0, 256), text_maps=(0, 256), dropout=(0, 1))
        _check(self, text_adapter_rank=(0, 1024), text_adapter_layers=(0, 128))
        grid, mel_bins = self.htsat.grid, self.features.mel_bins
        if grid % mel_bins:
            raise InputError(f"htsat.grid is {grid} but must be a multiple of features.mel_bins, {mel_bins}.")
        frames, most = self.features.window_samples // self.features.hop + 1, grid * (grid // mel_bins)
        if frames > most:
            raise InputError(
                f"a window has {frames} frames but the encoders take at most {most}; give features a longer hop or a "
                "shorter window_s, or htsat a larger grid."
            )


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
        raise InputError(f"{where}: expected a table of settings, got {reprlib.repr(mapping)}.")
    hints = typing.get_type_hints(cls)
    unknown = [key for key in mapping if key not in hints]
    if unknown:
        raise InputError(f"{where}: unknown setting {reprlib.repr(unknown[0])}; known are {', '.join(hints)}.")
    values = {key: _convert(hints[key], value, where=f"{where}: {key}") for key, value in mapping.items()}
    try:
        return cls(**values)
    except TypeError as error:
        raise InputError(f"{where}: {error}.") from error
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def _convert(hint: Any, value: Any, *, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        return from_mapping(typing.cast(type, hint), value, where=where)
    if origin is types.UnionType:
        return None if value is None else _convert(arguments[0], value, where=where)
    if origin is Literal and isinstance(value, str) and value in arguments:
        return value
    if origin is tuple and isinstance(value, list | tuple):
        items = arguments[:1] * len(value) if arguments[-1] is Ellipsis else arguments
        if len(items) == len(value):
            return tuple(_convert(item, part, where=where) for item, part in zip(items, value, strict=True))
    if origin is dict and isinstance(value, Mapping):
        for key in value:
            _convert(arguments[0], key, where=where)
        return {key: _convert(arguments[1], part, where=where) for key, part in value.items()}
    if hint in (int, float) and isinstance(value, int | float) and not isinstance(value, bool):
        # No setting is as large as this, and what computes with it would fail later and less clearly.
        if not abs(value) < 2**63:
            raise InputError(f"{where} is {reprlib.repr(value)} but must be a number below 2^63.")
        if hint is float:
            return float(value)
    if isinstance(hint, type) and isinstance(value, hint) and isinstance(value, bool) == (hint is bool):
        return value
    raise InputError(f"{where} is {reprlib.repr(value)} but must be {_spell(hint)}.")


def _check(settings: Any, **ranges: tuple[float, float]) -> None:
    for name, (least, most) in ranges.items():
        if not least <= getattr(settings, name) <= most:
            raise InputError(f"{name} is {getattr(settings, name)} but must be from {least:,} to {most:,}.")


def _spell(hint: Any) -> str:
    if typing.get_origin(hint) is Literal:
        return "one of " + ", ".join(map(repr, typing.get_args(hint)))
    return getattr(hint, "__name__", str(hint)) if not typing.get_args(hint) else str(hint)
