"""EfficientAT ``mn04_as``: an AudioSet tagger of one million parameters, and the mel spectrogram it was trained on.

MobileNetV3-large (Howard et al., arXiv 1905.02244, table 1) with 0.4 times the channels, distilled from transformers
(Schmid, Koutini, Widmer, arXiv 2211.04772). Modules nest so that the names of the published weights fit.
"""

import copy
from collections import OrderedDict
from typing import NamedTuple, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils import convert_conv2d_weight_memory_format
from torch.nn.utils.fusion import fuse_conv_bn_eval

from salm.audio.spectrum import band_blocks, in_bands, reflected
from salm.errors import InputError

__all__ = ["Tagger", "TaggerMel", "fused"]


class _Row(NamedTuple):
    """One row of table 1 of arXiv 1905.02244, channels before scaling."""

    kernel: int
    expand: int
    out: int
    squeeze: bool
    activation: type[nn.Module]
    stride: int


_STEM = 16
_HEAD = 1280
_LABELS = 527
_ROWS = (
    _Row(3, 16, 16, False, nn.ReLU, 1),
    _Row(3, 64, 24, False, nn.ReLU, 2),
    _Row(3, 72, 24, False, nn.ReLU, 1),
    _Row(5, 72, 40, True, nn.ReLU, 2),
    _Row(5, 120, 40, True, nn.ReLU, 1),
    _Row(5, 120, 40, True, nn.ReLU, 1),
    _Row(3, 240, 80, False, nn.Hardswish, 2),
    _Row(3, 200, 80, False, nn.Hardswish, 1),
    _Row(3, 184, 80, False, nn.Hardswish, 1),
    _Row(3, 184, 80, False, nn.Hardswish, 1),
    _Row(3, 480, 112, True, nn.Hardswish, 1),
    _Row(3, 672, 112, True, nn.Hardswish, 1),
    _Row(5, 672, 160, True, nn.Hardswish, 2),
    _Row(5, 960, 160, True, nn.Hardswish, 1),
    _Row(5, 960, 160, True, nn.Hardswish, 1),
)

_RATE_HZ = 32_000  # of the recordings the network was trained on; all below are multiples of its 31.25 Hz bins
_BIN_HZ = 31.25
_HOP_S = 0.01
_WINDOW_S = 0.025
_MEL_BANDS = 128
_HIGH_HZ = 15_000.0
_PRE_EMPHASIS = 0.97


class TaggerMel(nn.Module):
    """Waveform to the tagger's log-mel spectrogram: 128 Kaldi mel bands from 0 to 15 kHz, a frame every 10 ms.

    At 32 kHz this is the recipe of the published weights. At 24 kHz windows have the same duration and bins the same
    width, so that no resampling is needed: bands above 12 kHz stay at the floor, the pre-emphasis
    y[t] = x[t + 1] - 0.97 x[t] of the 32 kHz signal becomes its power response, and powers are scaled to what the
    longer windows at 32 kHz would hold. Embeddings then agree with those of the resampled signal to a cosine of 0.99.

    Parameters
    ----------
    rate_hz
        Sampling rate of the input: 32000 or 24000.

    Raises
    ------
    InputError
        For any other rate.
    """

    window: Tensor
    filters: Tensor

    def __init__(self, *, rate_hz: int = _RATE_HZ) -> None:
        super().__init__()
        if rate_hz not in (32_000, 24_000):
            raise InputError(f"the tagger's rate_hz is {rate_hz} but must be 32000 or 24000; resample first.")
        self.n_fft, self.hop = round(rate_hz / _BIN_HZ), round(rate_hz * _HOP_S)
        filters = _kaldi_filters(bins=self.n_fft // 2 + 1)
        self.emphasis = _PRE_EMPHASIS
        if rate_hz != _RATE_HZ:
            self.emphasis = 0.0
            filters = filters * _emphasis_power(bins=len(filters))[:, None] * (_RATE_HZ / rate_hz) ** 2
        hann = torch.hann_window(round(rate_hz * _WINDOW_S), periodic=False)
        margin = (self.n_fft - len(hann)) // 2
        # Derived from the rate, hence not part of a checkpoint.
        self.register_buffer("window", nn.functional.pad(hann, (margin, margin)), persistent=False)
        self.register_buffer("filters", filters.float(), persistent=False)
        self.blocks = band_blocks(self.filters)

    def forward(self, waveform: Float[Tensor, "batch time"]) -> Float[Tensor, "batch 1 128 frame"]:
        """Log-mel spectrogram of signals whose full scale is 1; ``time`` samples give ``(time - 1) // hop + 1`` frames.

        Raises
        ------
        ValueError
            If the signal is shorter than half a transform, which centred frames cannot be taken from.
        """
        if waveform.shape[-1] <= self.n_fft // 2 + 1:
            raise ValueError(f"the signal has {waveform.shape[-1]} samples but needs over {self.n_fft // 2 + 1}.")
        # At 24 kHz emphasis is 0, and this only takes the first sample off: one frame more of a whole second would end
        # in a column of padding in each strided layer, which weighs a lot in the mean over a short clip (cosine 0.64).
        emphasised = waveform[:, 1:] - self.emphasis * waveform[:, :-1]
        frames = reflected(emphasised, self.n_fft // 2).unfold(-1, self.n_fft, self.hop)
        spectrum = torch.fft.rfft(frames * self.window)
        power = spectrum.real.square().addcmul_(spectrum.imag, spectrum.imag)
        log_mel = in_bands(power, self.filters, self.blocks).add_(1e-5).log_().add_(4.5).div_(5.0)
        return log_mel.transpose(1, 2).unsqueeze(1)


def _kaldi_filters(*, bins: int) -> Float[Tensor, "bin 128"]:
    """Triangles of height one, straight on the mel axis itself (Kaldi), over bins of 31.25 Hz."""
    mel = 1127.0 * torch.log1p(torch.arange(bins, dtype=torch.float64) * (_BIN_HZ / 700.0))
    high_mel = 1127.0 * torch.log1p(torch.tensor(_HIGH_HZ / 700.0, dtype=torch.float64))
    step = high_mel / (_MEL_BANDS + 1)
    centres = step * torch.arange(1, _MEL_BANDS + 1, dtype=torch.float64)
    return (1.0 - (mel[:, None] - centres).abs() / step).clamp(min=0.0)


def _emphasis_power(*, bins: int) -> Float[Tensor, " bin"]:
    """Power response of the pre-emphasis at 32 kHz, over bins of 31.25 Hz."""
    angle = 2 * torch.pi * torch.arange(bins, dtype=torch.float64) * _BIN_HZ / _RATE_HZ
    return 1.0 + _PRE_EMPHASIS**2 - 2 * _PRE_EMPHASIS * torch.cos(angle)


class Tagger(nn.Module):
    """MobileNetV3 over a log-mel spectrogram: a clip embedding and the logits of AudioSet's 527 labels.

    The state dict has the names of ``mn04_as_mAP_432``: 983,599 parameters. Any number of frames will do.
    """

    embedding_dim = 384
    """Width of the clip embedding."""

    def __init__(self) -> None:
        super().__init__()
        stem = _scaled(_STEM)
        layers: list[nn.Module] = [_conv(1, stem, kernel=3, stride=2, activation=nn.Hardswish)]
        channels = stem
        for row in _ROWS:
            layers.append(_InvertedResidual(channels, row))
            channels = _scaled(row.out)
        layers.append(_conv(channels, self.embedding_dim, kernel=1, activation=nn.Hardswish))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(self.embedding_dim, _scaled(_HEAD)),
            nn.Hardswish(),
            nn.Dropout(0.2),
            nn.Linear(_scaled(_HEAD), _LABELS),
        )
        # The memory layout decides which kernels a CPU takes: these need about half the time.
        convert_conv2d_weight_memory_format(self, torch.channels_last)

    def forward(
        self, mel: Float[Tensor, "batch 1 128 frame"]
    ) -> tuple[Float[Tensor, "batch 384"], Float[Tensor, "batch 527"]]:
        """Clip embeddings (mean of the last feature map) and logits, of spectrograms from :class:`TaggerMel`."""
        embedding = self.classifier[:2](self.features(mel))
        return embedding, self.classifier[2:](embedding)


def fused(tagger: Tagger) -> Tagger:
    """A frozen copy for inference, every batch normalisation folded into the convolution before it.

    The outputs are the same to rounding; the names of the state dict are not those of the published weights.
    """
    frozen = copy.deepcopy(tagger).eval().requires_grad_(False)
    for part in list(frozen.modules()):
        if isinstance(part, nn.ReLU | nn.Hardswish):
            part.inplace = True  # nothing else reads what comes in
        if isinstance(part, nn.Sequential) and len(part) > 1 and isinstance(part[1], nn.BatchNorm2d):
            conv = fuse_conv_bn_eval(cast(nn.Conv2d, part[0]), part[1])
            if conv.kernel_size == (1, 1) and conv.in_channels <= 8:
                # Spreads a single tap nowhere; without it torch multiplies matrices, which is slow for so few channels.
                conv.dilation = (2, 2)
            part[0], part[1] = conv, nn.Identity()
    return frozen


class _InvertedResidual(nn.Module):
    """Expand, depthwise, squeeze and excite, project; with a shortcut where the shapes allow it."""

    def __init__(self, channels: int, row: _Row) -> None:
        super().__init__()
        width, out = _scaled(row.expand), _scaled(row.out)
        layers: list[nn.Module] = []
        if width != channels:
            layers.append(_conv(channels, width, kernel=1, activation=row.activation))
        layers.append(
            _conv(width, width, kernel=row.kernel, stride=row.stride, groups=width, activation=row.activation)
        )
        if row.squeeze:
            layers.append(nn.Sequential(OrderedDict(conc_se_layers=nn.Sequential(_ChannelGate(width)))))
        layers.append(_conv(width, out, kernel=1))
        self.block = nn.Sequential(*layers)
        self.shortcut = row.stride == 1 and channels == out

    def forward(self, x: Float[Tensor, "batch channel mel frame"]) -> Float[Tensor, "batch out mel2 frame2"]:
        out: Tensor = self.block(x)
        return x + out if self.shortcut else out


class _ChannelGate(nn.Module):
    """Squeeze and excitation: every channel times a gate that all channels' means decide."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, _multiple_of_8(channels / 4))
        self.fc2 = nn.Linear(self.fc1.out_features, channels)

    def forward(self, x: Float[Tensor, "batch channel mel frame"]) -> Float[Tensor, "batch channel mel frame"]:
        gate: Tensor = self.fc2(self.fc1(x.mean((2, 3))).relu()).sigmoid()
        return x * gate[:, :, None, None]


def _conv(
    channels: int, out: int, *, kernel: int, stride: int = 1, groups: int = 1, activation: type[nn.Module] = nn.Identity
) -> nn.Sequential:
    conv = nn.Conv2d(channels, out, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out, eps=1e-3, momentum=0.01), activation())


def _scaled(channels: int) -> int:
    return _multiple_of_8(0.4 * channels)


def _multiple_of_8(channels: float) -> int:
    """The nearest multiple of 8, at least 8 and never more than 10 % below (the rule of the MobileNet papers)."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * channels else nearest + 8
