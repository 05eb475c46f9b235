"""Where a run computes: in one process, or in several that share every batch out among them.

Several processes are started by ``accelerate launch`` or ``torchrun``; nothing else in the training code knows of them.
Every process computes the loss of the whole batch from embeddings that it gathers with their gradients. The backward
pass of the gathering adds up what all processes want of an embedding, and the gradients of the weights are averaged:
together that is exactly the gradient that one process would find with the whole batch.
"""

import os
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from jaxtyping import Shaped
from torch import Tensor, distributed, nn

from salm.extras import needed

__all__ = ["Devices", "ManyProcesses", "OneProcess", "has_bfloat16", "is_first_process", "open_devices"]


class Devices:
    """One process of a run: its device, and what it does together with the others."""

    device: torch.device
    rank: int
    count: int
    """Processes in all."""

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and talks."""
        return self.rank == 0

    def wrapped(self, towers: nn.Module) -> nn.Module:
        """The network on its device, its gradients averaged over the processes."""
        raise NotImplementedError

    def gathered(self, own: Shaped[Tensor, "own *rest"]) -> Shaped[Tensor, "all *rest"]:
        """The items of all processes, in the order of their ranks; gradients flow back to whoever's items they are."""
        raise NotImplementedError

    def unsynchronised(self, towers: nn.Module) -> AbstractContextManager[None]:
        """A context in which gradients only pile up, to be averaged after the last backward pass."""
        raise NotImplementedError

    def wait(self) -> None:
        """Go on when all processes are here."""


class OneProcess(Devices):
    """A run by itself.

    Parameters
    ----------
    device
        Such as ``cpu`` or ``cuda``.
    """

    def __init__(self, device: str = "cpu") -> None:
        self.device, self.rank, self.count = torch.device(device), 0, 1

    def wrapped(self, towers: nn.Module) -> nn.Module:
        """The network on its device."""
        return towers.to(self.device)

    def gathered(self, own: Shaped[Tensor, "own *rest"]) -> Shaped[Tensor, "own *rest"]:
        """The items as they are."""
        return own

    def unsynchronised(self, towers: nn.Module) -> AbstractContextManager[None]:
        """Nothing: there is nobody to average with."""
        del towers
        return nullcontext()


class ManyProcesses(Devices):
    """One of several processes, by accelerate: on GPUs one each, otherwise on processors.

    Raises
    ------
    InputError
        If accelerate is not installed.
    """

    def __init__(self) -> None:
        accelerate = needed("accelerate", extra="train", by="a training in several processes")
        self._accelerator = accelerate.Accelerator(cpu=not torch.cuda.is_available())
        self.device = self._accelerator.device
        self.rank, self.count = self._accelerator.process_index, self._accelerator.num_processes

    def wrapped(self, towers: nn.Module) -> nn.Module:
        """The network on its device; batch normalisation is synchronised on GPUs, where torch can."""
        if self.device.type == "cuda":
            towers = nn.SyncBatchNorm.convert_sync_batchnorm(towers)  # type: ignore[no-untyped-call]
        prepared: nn.Module = self._accelerator.prepare_model(towers)
        return prepared

    def gathered(self, own: Shaped[Tensor, "own *rest"]) -> Shaped[Tensor, "all *rest"]:
        """The items of all processes."""
        gathered: Tensor = _Gather.apply(own.contiguous(), self.rank, self.count)  # type: ignore[no-untyped-call]
        return gathered

    def unsynchronised(self, towers: nn.Module) -> AbstractContextManager[None]:
        """No averaging in this context."""
        context: AbstractContextManager[None] = self._accelerator.no_sync(towers)
        return context

    def wait(self) -> None:
        """Go on when all processes are here."""
        self._accelerator.wait_for_everyone()


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device computes with bfloat16 itself; one that does not takes several times longer than without."""
    if device.type == "cpu":
        # Of older releases of torch nothing is known.
        capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
        return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return device.type != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False)


class _Gather(torch.autograd.Function):
    """Concatenation over the processes.

    The backward pass adds up what all of them want and gives everyone their own share. torch's differentiable gathering
    is deprecated, and its gradients are wrong with gloo.
    """

    @staticmethod
    def forward(context: Any, own: Tensor, rank: int, count: int) -> Tensor:
        """The items of all."""
        context.own = slice(rank * len(own), (rank + 1) * len(own))
        parts = [torch.empty_like(own) for _ in range(count)]
        distributed.all_gather(parts, own)
        return torch.cat(parts)

    @staticmethod
    def backward(context: Any, *wanted: Tensor) -> tuple[Tensor, None, None]:
        """The sum of the gradients for the own items."""
        summed = wanted[0].contiguous().clone()
        distributed.all_reduce(summed)
        return summed[context.own], None, None


def open_devices(device: str = "cpu") -> Devices:
    """The devices of this run: several processes if it was launched as such, otherwise one on the given device."""
    return ManyProcesses() if int(os.environ.get("WORLD_SIZE", "1")) > 1 else OneProcess(device)


def is_first_process() -> bool:
    """Whether this process is the one that talks."""
    return os.environ.get("RANK", "0") == "0"
