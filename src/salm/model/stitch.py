"""Cross-stitch: how two encoders of the same shape exchange features (Misra et al., arXiv 1604.03539)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["CrossStitch"]


class CrossStitch(nn.Module):
    """Mixes two streams of tokens channel by channel, the second with the first's *result*.

    x' = w00 x + w01 y, then y' = w10 x' + w11 y, for each channel's own four weights.

    Parameters
    ----------
    channels
        Width of both streams.

    Notes
    -----
    The published cross-stitch computes both results from the inputs. PSELDNets' encoders, which ours start from, were
    trained with the sequential form, so that is what stands here. The weights start as the identity: both encoders as
    they were.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, 2, 2))
        self.reset_identity()

    @torch.no_grad()
    def reset_identity(self) -> None:
        """Make both outputs the inputs again, as after loading two encoders that never met."""
        self.weight.copy_(torch.eye(2).expand_as(self.weight))

    def forward(
        self, x: Float[Tensor, "batch token channel"], y: Float[Tensor, "batch token channel"]
    ) -> tuple[Float[Tensor, "batch token channel"], Float[Tensor, "batch token channel"]]:
        """The two mixed streams."""
        w = self.weight
        x = w[:, 0, 0] * x + w[:, 0, 1] * y
        y = w[:, 1, 0] * x + w[:, 1, 1] * y
        return x, y
