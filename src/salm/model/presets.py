"""Models by name: the numbers of each preset, and builders that read like the paper."""

import reprlib
from dataclasses import replace

from salm.audio.features import LogMelIntensity
from salm.errors import InputError
from salm.model.config import FeatureConfig, HTSATConfig, ModelConfig, RobertaSize
from salm.model.encoders import DualHTSAT, EncoderPair, TaggerAndHTSAT
from salm.model.htsat import HTSAT
from salm.model.network import Network
from salm.model.salm import SALM
from salm.model.single import SingleBranch, SingleHTSAT
from salm.model.tagger import Tagger, TaggerMel
from salm.model.text import RobertaTower, TextTower

__all__ = ["PRESETS", "base", "build", "build_pair", "laion_clap", "preset", "salm_s"]

LAPTOP_FEATURES = FeatureConfig(window_s=5.0, hop=480)
LAPTOP_HTSAT = HTSATConfig(grid=128, embed_dim=32, depths=(2, 2, 2, 2), heads=(2, 4, 8, 16), drop_path=0.0)
WHERE_HTSAT = replace(LAPTOP_HTSAT, embed_dim=24, heads=(1, 2, 4, 8))
TINY_HTSAT = HTSATConfig(grid=64, embed_dim=8, depths=(1, 1, 1, 1), heads=(1, 2, 4, 8), window=4, drop_path=0.0)

BASE = ModelConfig(
    name="base",
    pair="dual_htsat",
    features=FeatureConfig(rate_hz=24_000, window_s=10.0, n_fft=1024, hop=240, mel_bins=64),
    htsat=HTSATConfig(grid=256, embed_dim=96, depths=(2, 2, 6, 2), heads=(4, 8, 16, 32), window=8, drop_path=0.1),
    text="roberta",
    roberta=RobertaSize(max_tokens=77, layer_norm_eps=1e-5),
    width=512,
    facing="south",
)
"""The paper's model, 181,964,084 parameters; the captions of its code line have the front in the south."""

LAPTOP = ModelConfig(name="small_htsat", pair="dual_htsat", features=LAPTOP_FEATURES, htsat=LAPTOP_HTSAT)

_SINGLE_CHANNELS = {"single_htsat": 7, "mono_htsat": 1}

PRESETS = {
    config.name: config
    for config in (
        ModelConfig(
            name="small",
            pair="tagger_htsat",
            features=LAPTOP_FEATURES,
            htsat=WHERE_HTSAT,
            intensity_maps=8,
            text_maps=8,
            dropout=0.1,
        ),
        BASE,
        replace(BASE, name="salm_s", pair="single_htsat"),
        replace(BASE, name="laion_clap", pair="mono_htsat"),
        LAPTOP,
        replace(LAPTOP, name="small_salm_s", pair="single_htsat"),
        replace(LAPTOP, name="small_laion_clap", pair="mono_htsat"),
        ModelConfig(name="tiny", features=FeatureConfig(window_s=1.0, hop=480), htsat=TINY_HTSAT, width=32),
    )
}
"""Every preset. `small` is what is shipped; `base`, `salm_s` and `laion_clap` are the models of the paper's Table 1 and
`small_htsat`, `small_salm_s` and `small_laion_clap` the same at the size of a laptop; `tiny` is for tests."""


def preset(name: str) -> ModelConfig:
    """The configuration of a preset.

    Raises
    ------
    InputError
        If there is no preset of that name.
    """
    if name not in PRESETS:
        raise InputError(f"there is no preset {reprlib.repr(name)}; there are {', '.join(PRESETS)}.")
    return PRESETS[name]


def base() -> SALM:
    """The paper's model with random weights: two HTSATs with cross-stitch, RoBERTa, 10 s windows.

    It has no tokenizer: that comes with public weights, see :mod:`salm.model.pretrained`.
    """
    return SALM(pair=build_pair(BASE), text=RobertaTower(BASE.roberta), width=BASE.width)


def salm_s() -> SingleBranch:
    """SALM-s of Table 1 with random weights: one HTSAT on all seven channels, and a direction head."""
    return SingleBranch(encoder=_single(BASE, channels=7), text=RobertaTower(BASE.roberta), width=BASE.width)


def laion_clap() -> SingleBranch:
    """LAION-CLAP of Table 1 with random weights: one HTSAT on W, which knows nothing of direction."""
    return SingleBranch(encoder=_single(BASE, channels=1), text=RobertaTower(BASE.roberta), width=BASE.width)


def build(config: ModelConfig, *, text: TextTower) -> Network:
    """A model with random weights, its text tower handed in."""
    width, dropout, temperature = config.width, config.dropout, config.temperature
    if config.pair in _SINGLE_CHANNELS:
        encoder = _single(config, channels=_SINGLE_CHANNELS[config.pair])
        return SingleBranch(encoder=encoder, text=text, width=width, dropout=dropout, temperature=temperature)
    return SALM(pair=build_pair(config), text=text, width=width, dropout=dropout, temperature=temperature)


def build_pair(config: ModelConfig) -> EncoderPair:
    """The pair of encoders with random weights.

    Raises
    ------
    ValueError
        If the configuration is one of a single encoder.
    """
    where = _htsat(config, channels=7)
    if config.pair == "tagger_htsat":
        return TaggerAndHTSAT(
            frontend=_frontend(config.features),
            tagger=Tagger(),
            tagger_mel=TaggerMel(rate_hz=config.features.rate_hz),
            where=where,
            intensity_maps=config.intensity_maps,
        )
    if config.pair != "dual_htsat":
        raise ValueError(f"{config.pair} is no pair of encoders; build it with build().")
    return DualHTSAT(frontend=_frontend(config.features), what=_htsat(config, channels=1), where=where)


def _single(config: ModelConfig, *, channels: int) -> SingleHTSAT:
    htsat = _htsat(config, channels=channels)
    return SingleHTSAT(frontend=_frontend(config.features), htsat=htsat, channels=channels)


def _frontend(features: FeatureConfig) -> LogMelIntensity:
    return LogMelIntensity(rate_hz=features.rate_hz, n_fft=features.n_fft, hop=features.hop, mel_bins=features.mel_bins)


def _htsat(config: ModelConfig, *, channels: int) -> HTSAT:
    size = config.htsat
    return HTSAT(
        in_channels=channels,
        mel_bins=config.features.mel_bins,
        grid=size.grid,
        embed_dim=size.embed_dim,
        depths=size.depths,
        heads=size.heads,
        window=size.window,
        drop_path=size.drop_path,
    )
