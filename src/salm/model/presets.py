"""Models by name: the numbers of each preset, and builders that read like the paper."""

from dataclasses import replace

from salm.audio.features import LogMelIntensity
from salm.errors import InputError
from salm.model.config import FeatureConfig, HTSATConfig, ModelConfig
from salm.model.encoders import DualHTSAT, EncoderPair, TaggerAndHTSAT
from salm.model.htsat import HTSAT
from salm.model.salm import SALM
from salm.model.tagger import Tagger, TaggerMel
from salm.model.text import SentenceTower

__all__ = ["PRESETS", "build", "build_pair", "preset"]

LAPTOP_FEATURES = FeatureConfig(window_s=5.0, hop=480)
LAPTOP_HTSAT = HTSATConfig(grid=128, embed_dim=32, depths=(2, 2, 2, 2), heads=(2, 4, 8, 16), drop_path=0.0)
WHERE_HTSAT = replace(LAPTOP_HTSAT, embed_dim=24, heads=(1, 2, 4, 8))
TINY_HTSAT = HTSATConfig(grid=64, embed_dim=8, depths=(1, 1, 1, 1), heads=(1, 2, 4, 8), window=4, drop_path=0.0)

PRESETS = {
    config.name: config
    for config in (
        ModelConfig(
            name="small",
            pair="tagger_htsat",
            features=LAPTOP_FEATURES,
            htsat=WHERE_HTSAT,
            intensity_maps=8,
            dropout=0.1,
        ),
        ModelConfig(name="small_htsat", features=LAPTOP_FEATURES, htsat=LAPTOP_HTSAT, intensity_maps=0),
        ModelConfig(name="tiny", features=FeatureConfig(window_s=1.0, hop=480), htsat=TINY_HTSAT, width=32),
    )
}
"""Every preset: `small` is what is shipped, `small_htsat` the paper's own pair at its size, `tiny` is for tests."""


def preset(name: str) -> ModelConfig:
    """The configuration of a preset.

    Raises
    ------
    InputError
        If there is no preset of that name.
    """
    if name not in PRESETS:
        raise InputError(f"there is no preset {name!r}; there are {', '.join(PRESETS)}.")
    return PRESETS[name]


def build(config: ModelConfig, *, text: SentenceTower) -> SALM:
    """A model with random weights, its frozen text tower handed in."""
    return SALM(pair=build_pair(config), text=text, width=config.width, dropout=config.dropout)


def build_pair(config: ModelConfig) -> EncoderPair:
    """The pair of encoders with random weights."""
    features, size = config.features, config.htsat
    frontend = LogMelIntensity(
        rate_hz=features.rate_hz, n_fft=features.n_fft, hop=features.hop, mel_bins=features.mel_bins
    )
    where = _htsat(size, in_channels=7, mel_bins=features.mel_bins)
    if config.pair == "tagger_htsat":
        tagger_mel = TaggerMel(rate_hz=features.rate_hz)
        return TaggerAndHTSAT(
            frontend=frontend, tagger=Tagger(), tagger_mel=tagger_mel, where=where, intensity_maps=config.intensity_maps
        )
    what = _htsat(size, in_channels=1, mel_bins=features.mel_bins)
    return DualHTSAT(frontend=frontend, what=what, where=where)


def _htsat(size: HTSATConfig, *, in_channels: int, mel_bins: int) -> HTSAT:
    return HTSAT(
        in_channels=in_channels,
        mel_bins=mel_bins,
        grid=size.grid,
        embed_dim=size.embed_dim,
        depths=size.depths,
        heads=size.heads,
        window=size.window,
        drop_path=size.drop_path,
    )
