"""HTSAT: a shifted-window transformer over a folded spectrogram.

Chen et al., "HTS-AT", arXiv 2202.00874, after Liu et al., "Swin Transformer", arXiv 2103.14030, in the form that
LAION-CLAP and PSELDNets share. The modules nest so that the encoders of both projects load by name.
"""

from collections import OrderedDict

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

__all__ = ["HTSAT", "PatchMerging", "Stage", "SwinBlock", "WindowAttention"]

_SEPARATED = -100.0
"""Added to the attention between tokens that must not see each other; finite, as in the published checkpoints."""


class HTSAT(nn.Module):
    """Hierarchical token-semantic audio transformer, without its classifier.

    ``forward`` is ``embed``, then every stage of ``layers``, then ``finish``. A dual encoder calls the three itself
    and exchanges features in between. Features come in normalised: that is the affair of the pair of encoders, which
    share it. The defaults are the paper's.

    Parameters
    ----------
    in_channels
        Feature channels.
    mel_bins
        Mel bands a channel; the image stacks ``grid // mel_bins`` chunks.
    grid
        Side of the image. A stage with more tokens a side than ``window`` has a multiple of it.
    embed_dim
        Width of the first stage; every further stage halves the side and doubles the width.
    depths, heads
        Blocks and attention heads of every stage.
    window
        Side of an attention window; a stage with a smaller side uses all of it.
    drop_path
        Probability to skip the last block in training; rises linearly from 0 in the first.

    Raises
    ------
    ValueError
        If the sizes do not divide each other.
    """

    patch = 4
    """Side of a patch, and its stride."""

    def __init__(
        self,
        *,
        in_channels: int,
        mel_bins: int = 64,
        grid: int = 256,
        embed_dim: int = 96,
        depths: tuple[int, ...] = (2, 2, 6, 2),
        heads: tuple[int, ...] = (4, 8, 16, 32),
        window: int = 8,
        drop_path: float = 0.1,
    ) -> None:
        super().__init__()
        if len(depths) != len(heads):
            raise ValueError(f"depths {depths} and heads {heads} must have one number a stage each")
        last_patch = self.patch << (len(depths) - 1)
        if grid % mel_bins or grid % last_patch:
            raise ValueError(
                f"grid ({grid}) must be a multiple of mel_bins ({mel_bins}) and patch * 2^merges ({last_patch})"
            )
        self.grid, self.mel_bins = grid, mel_bins
        self.stage_widths = tuple(embed_dim << stage for stage in range(len(depths)))
        self.out_dim = self.stage_widths[-1]
        self.patch_embed = _PatchEmbed(in_channels, embed_dim, patch=self.patch)
        rates = torch.split(torch.linspace(0, drop_path, sum(depths)), list(depths))
        self.layers = nn.ModuleList(
            Stage(
                dim=width,
                side=(grid // self.patch) >> index,
                heads=heads[index],
                window=window,
                drop_path=tuple(rates[index].tolist()),
                merge=index < len(depths) - 1,
            )
            for index, width in enumerate(self.stage_widths)
        )
        self.norm = nn.LayerNorm(self.out_dim)
        self.apply(_initialise)

    def forward(self, features: Float[Tensor, "batch channel frame mel"]) -> Float[Tensor, "batch token dim"]:
        """Final tokens, row by row of the last grid; their mean is the clip's embedding."""
        tokens = self.embed(features)
        for stage in self.layers:
            tokens = stage(tokens)
        return self.finish(tokens)

    def fold(self, features: Float[Tensor, "batch channel frame mel"]) -> Float[Tensor, "batch channel grid grid"]:
        """Spectrograms as square images: chunks of ``grid`` frames, one below the other.

        Row ``mel_bins * chunk + mel``, column frame in the chunk. Missing frames are zeros.

        Raises
        ------
        ValueError
            If the spectrogram has other mel bins, or more frames than the image holds.
        """
        frames, mel_bins = features.shape[2:]
        chunks = self.grid // self.mel_bins
        if mel_bins != self.mel_bins or frames > self.grid * chunks:
            raise ValueError(
                f"the spectrogram has {frames} frames of {mel_bins} mel bins but this encoder takes "
                f"at most {self.grid * chunks} of {self.mel_bins}"
            )
        # Bands before frames first: that is how normalised features lie in memory, and rows of frames copy fast.
        padded = nn.functional.pad(features.transpose(2, 3), (0, self.grid * chunks - frames))
        # [batch, channel, mel, chunk, frame] -> [batch, channel, chunk, mel, frame]
        return torch.unflatten(padded, 3, (chunks, self.grid)).transpose(2, 3).flatten(2, 3)

    def embed(self, features: Float[Tensor, "batch channel frame mel"]) -> Float[Tensor, "batch token dim"]:
        """Tokens of the image's patches, row by row."""
        tokens: Tensor = self.patch_embed(self.fold(features))
        return tokens

    def finish(self, tokens: Float[Tensor, "batch token dim"]) -> Float[Tensor, "batch token dim"]:
        """The last stage's tokens, normalised."""
        normalised: Tensor = self.norm(tokens)
        return normalised


class Stage(nn.Module):
    """Swin blocks at one resolution, and the merging of patches to the next.

    Calling it is ``attend``, then ``merge``.
    """

    def __init__(
        self,
        *,
        dim: int,
        side: int,
        heads: int,
        window: int,
        drop_path: tuple[float, ...],
        merge: bool,
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            SwinBlock(
                dim=dim,
                side=side,
                heads=heads,
                window=min(window, side),
                shift=window // 2 if index % 2 and side > window else 0,
                drop_path=rate,
            )
            for index, rate in enumerate(drop_path)
        )
        self.downsample = PatchMerging(dim=dim, side=side) if merge else None

    def forward(self, tokens: Float[Tensor, "batch token dim"]) -> Float[Tensor, "batch token2 dim2"]:
        """Tokens at the next resolution; the last stage's keep their own."""
        return self.merge(self.attend(tokens))

    def attend(self, tokens: Float[Tensor, "batch token dim"]) -> Float[Tensor, "batch token dim"]:
        """Tokens after all blocks, at this stage's resolution."""
        for block in self.blocks:
            tokens = block(tokens)
        return tokens

    def merge(self, tokens: Float[Tensor, "batch token dim"]) -> Float[Tensor, "batch token2 dim2"]:
        """A quarter of the tokens at twice the width; the last stage's are left alone."""
        return tokens if self.downsample is None else self.downsample(tokens)


class PatchMerging(nn.Module):
    """Four neighbouring tokens to one of twice the width."""

    def __init__(self, *, dim: int, side: int) -> None:
        super().__init__()
        self.side = side
        self.norm = nn.LayerNorm(4 * dim)
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)

    def forward(self, tokens: Float[Tensor, "batch token dim"]) -> Float[Tensor, "batch token2 dim2"]:
        """Tokens of the grid of half the side."""
        half = self.side // 2
        # [batch, row, odd row, column, odd column, dim]; Swin's order of the four lets the row change fastest
        grid = torch.unflatten(tokens, 1, (half, 2, half, 2)).permute(0, 1, 3, 4, 2, 5)
        merged: Tensor = self.reduction(self.norm(grid.flatten(3).flatten(1, 2)))
        return merged


class SwinBlock(nn.Module):
    """Attention in windows of the grid, then an MLP, both normalised before and added to what came in.

    Parameters
    ----------
    dim, side
        Width of a token and side of the grid.
    heads, window, shift
        Attention heads, side of a window, and by how much the windows are moved down and right; tokens that only
        meet because the grid wraps around do not see each other.
    drop_path
        As in :class:`HTSAT`.
    """

    attn_mask: Float[Tensor, "window token token"] | None

    def __init__(self, *, dim: int, side: int, heads: int, window: int, shift: int, drop_path: float) -> None:
        super().__init__()
        if side % window:
            raise ValueError(f"the side of the grid ({side}) must be a multiple of the window ({window})")
        self.side, self.window, self.shift, self.drop_path = side, window, shift, drop_path
        self.norm1 = nn.LayerNorm(dim)
        self.attn = WindowAttention(dim=dim, heads=heads, window=window)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(OrderedDict(fc1=nn.Linear(dim, 4 * dim), act=nn.GELU(), fc2=nn.Linear(4 * dim, dim)))
        self.register_buffer("attn_mask", _shift_mask(side=side, window=window, shift=shift) if shift else None)

    def forward(self, tokens: Float[Tensor, "batch token dim"]) -> Float[Tensor, "batch token dim"]:
        """Tokens of the same grid."""
        tokens = tokens + self._skip_some(self._attend(self.norm1(tokens)))
        return tokens + self._skip_some(self.mlp(self.norm2(tokens)))

    def _attend(self, tokens: Float[Tensor, "batch token dim"]) -> Float[Tensor, "batch token dim"]:
        grid = torch.unflatten(tokens, 1, (self.side, self.side))
        if self.shift:
            grid = grid.roll((-self.shift, -self.shift), (1, 2))
        windows = self.attn(_to_windows(grid, window=self.window), self.attn_mask)
        grid = _from_windows(windows, side=self.side, window=self.window)
        if self.shift:
            grid = grid.roll((self.shift, self.shift), (1, 2))
        return grid.flatten(1, 2)

    def _skip_some(self, update: Float[Tensor, "batch token dim"]) -> Float[Tensor, "batch token dim"]:
        """Stochastic depth: no update for random items of the batch, so much more for the others."""
        if not (self.training and self.drop_path):
            return update
        kept = update.new_empty(len(update), 1, 1).bernoulli_(1 - self.drop_path)
        return update * (kept / (1 - self.drop_path))


class WindowAttention(nn.Module):
    """Multi-head attention inside every window, with a learned bias for each relative position.

    softmax(q k^T / sqrt(d) + bias + mask) v, d = dim / heads, for windows of ``window`` x ``window`` tokens.

    Raises
    ------
    ValueError
        If ``dim`` is not a multiple of ``heads``.
    """

    relative_position_index: Int[Tensor, "token token"]

    def __init__(self, *, dim: int, heads: int, window: int) -> None:
        super().__init__()
        if dim % heads:
            raise ValueError(f"dim ({dim}) must be a multiple of heads ({heads})")
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.relative_position_bias_table = nn.Parameter(torch.empty((2 * window - 1) ** 2, heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        self.register_buffer("relative_position_index", _relative_positions(window))

    def forward(
        self,
        windows: Float[Tensor, "batch window token dim"],
        mask: Float[Tensor, "window token token"] | None = None,
    ) -> Float[Tensor, "batch window token dim"]:
        """Tokens of the same windows; ``mask`` is added to the attention of all heads."""
        count, dim = windows.shape[1], windows.shape[3]
        qkv = torch.unflatten(self.qkv(windows), -1, (3, self.heads, dim // self.heads))
        # [batch, window, token, three, head, d] -> three of [batch, window * head, token, d]
        query, key, value = qkv.permute(3, 0, 1, 4, 2, 5).flatten(2, 3)
        bias = self._bias().expand(count, -1, -1, -1)
        bias = (bias if mask is None else bias + mask.unsqueeze(1)).flatten(0, 1).to(query.dtype)
        attended = torch.unflatten(_attention(query, key, value, bias), 1, (count, self.heads))
        mixed: Tensor = self.proj(attended.transpose(2, 3).flatten(3))
        return mixed

    def _bias(self) -> Float[Tensor, "head token token"]:
        # index_select: the gradient of plain indexing sorts, which takes longer than the attention itself.
        flat = self.relative_position_bias_table.T.index_select(1, self.relative_position_index.flatten())
        return torch.unflatten(flat, 1, self.relative_position_index.shape)


def _attention(
    query: Float[Tensor, "batch head token d"],
    key: Float[Tensor, "batch head token d"],
    value: Float[Tensor, "batch head token d"],
    bias: Float[Tensor, "head token token"],
) -> Float[Tensor, "batch head token d"]:
    # torch's fused kernel for CPUs has no gradient for the bias; what it takes instead is 1.5 times slower than this.
    if query.device.type == "cpu" and torch.is_grad_enabled():
        scores: Tensor = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2) + bias
        return scores.softmax(-1) @ value
    return nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=bias.unsqueeze(0))


def _relative_positions(window: int) -> Int[Tensor, "token token"]:
    """Row of the bias table for every (query, key): (rows apart, columns apart), both counted from 1 - window."""
    row, column = torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")
    rows, columns = (axis.flatten()[:, None] - axis.flatten() + window - 1 for axis in (row, column))
    return rows * (2 * window - 1) + columns


def _shift_mask(*, side: int, window: int, shift: int) -> Float[Tensor, "window token token"]:
    """Separates, in every window of the rolled grid, tokens that wrapped around from those that did not."""
    wrapped = (torch.arange(side) >= side - shift).long()
    region = _to_windows((2 * wrapped[:, None] + wrapped)[None, :, :, None], window=window)[0, :, :, 0]
    return torch.where(region[:, :, None] == region[:, None, :], 0.0, _SEPARATED)


def _to_windows(
    grid: Shaped[Tensor, "batch side side dim"], *, window: int
) -> Shaped[Tensor, "batch window token dim"]:
    batch, side, _, dim = grid.shape
    count = side // window
    # [batch, window row, row, window column, column, dim]
    rows = grid.reshape(batch, count, window, count, window, dim)
    return rows.transpose(2, 3).reshape(batch, count * count, window * window, dim)


def _from_windows(
    windows: Float[Tensor, "batch window token dim"], *, side: int, window: int
) -> Float[Tensor, "batch side side dim"]:
    batch, dim, count = windows.shape[0], windows.shape[3], side // window
    rows = windows.reshape(batch, count, count, window, window, dim)
    return rows.transpose(2, 3).reshape(batch, side, side, dim)


class _PatchEmbed(nn.Module):
    """Square patches of an image to tokens, row by row."""

    def __init__(self, channels: int, dim: int, *, patch: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(channels, dim, patch, stride=patch)
        self.norm = nn.LayerNorm(dim)

    def forward(self, image: Float[Tensor, "batch channel row column"]) -> Float[Tensor, "batch token dim"]:
        tokens: Tensor = self.norm(self.proj(image).flatten(2).transpose(1, 2))
        return tokens


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
