"""What becomes of every weight when one model's checkpoint fills another model: nothing is lost or left silently."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from torch import Tensor

from salm.errors import InputError

__all__ = ["PATCH", "Adapted", "Ledger", "Mapped", "Patch", "Report", "Source"]

PATCH = "patch_embed.proj.weight"
"""The one weight of an encoder that depends on its number of input channels."""

_CONSTANTS = ("relative_position_index", "attn_mask")
"""Buffers that follow from an encoder's sizes; a file may hold them, and they must be the same then."""

Make = Callable[..., Tensor]


class Source(NamedTuple):
    """One weight by the name that a mapping knows it by."""

    value: Tensor
    keys: tuple[str, ...]
    """Its names in the file: several if it was put together."""
    how: str = ""
    """How it was put together, in words."""


class Patch(NamedTuple):
    """How a patch embedding is adapted to another number of channels."""

    make: Callable[[Tensor], Tensor]
    how: str


@dataclass(frozen=True, kw_only=True)
class Adapted:
    """Weights that were not simply copied from one name to another."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    how: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """Four lists in which every name of the file and every name of the model stands exactly once."""

    matched: dict[str, str]
    """Name in the file to name in the model: copied as they are."""
    adapted: tuple[Adapted, ...]
    """Names in the file to names in the model, with what was done on the way."""
    ignored: dict[str, str]
    """Name in the file to why it was not used."""
    missing: dict[str, str]
    """Name in the model, which nothing in the file fills, to what stands there instead."""
    notes: tuple[str, ...] = ()
    """What whoever uses the weights should know."""

    def rows(self) -> list[dict[str, Any]]:
        """A short table: each list with its length and its first names."""
        lists = {
            "matched": list(self.matched),
            "adapted": [source for entry in self.adapted for source in entry.sources],
            "ignored": list(self.ignored),
            "missing": list(self.missing),
        }
        return [{"list": name, "weights": len(keys), "first": _some(keys)} for name, keys in lists.items()]


class Mapped(NamedTuple):
    """The state of a model that a checkpoint filled, and the account of it."""

    values: dict[str, Tensor]
    report: Report


class Ledger:
    """Fills the state of a model from a checkpoint's weights and keeps the books.

    Parameters
    ----------
    sources
        The checkpoint's weights by the names that the mapping uses.
    own
        The state of the model as it is; what nothing fills stays.
    """

    def __init__(self, sources: Mapping[str, Source], own: Mapping[str, Tensor]) -> None:
        self.sources, self.own = sources, own
        self.values: dict[str, Tensor] = {}
        self._matched: dict[str, str] = {}
        self._adapted: list[Adapted] = []
        self._ignored: dict[str, str] = {}
        self._missing: dict[str, str] = {}
        self._notes: list[str] = []
        self._towers: list[str] = []
        self._used: set[str] = set()
        self._absent: list[str] = []
        self._misfits: list[str] = []

    def give(self, names: Sequence[str], makes: Mapping[str, Make], *, how: str = "") -> None:
        """Make weights of the model, each a function of the named sources; without ``how`` they are copies."""
        if absent := [name for name in names if name not in self.sources]:
            self._go_without(absent, tuple(makes))
            return
        sources = [self.sources[name] for name in names]
        self._used.update(names)
        for target, make in makes.items():
            self.values[target] = self._fitted(target, make, sources)
        self._enter(sources, tuple(makes), how=how)

    def tower(self, source: str, targets: Mapping[str, Patch | None], *, how: str = "") -> None:
        """Copy everything that begins with ``source`` to the same names below each of ``targets``.

        The patch embedding is adapted where a target says how.
        """
        self._towers.append(source)
        first = next(iter(targets))
        for name in [key.removeprefix(first) for key in self.own if key.startswith(first)]:
            patches = {target: patch for target, patch in targets.items() if patch is not None and name == PATCH}
            makes = {f"{target}{name}": patches[target].make if target in patches else _same for target in targets}
            words = (how, *(f"{patch.how} for {target.rstrip('.')}" for target, patch in patches.items()))
            self.give((f"{source}{name}",), makes, how="; ".join(filter(None, words)))

    def ignore(self, *prefixes: str, why: str) -> bool:
        """Leave out sources that begin so and were not used; whether there were any."""
        left = [name for name in self._left() if name.startswith(prefixes)]
        self._ignored |= {key: why for name in left for key in self.sources[name].keys}
        self._used.update(left)
        return bool(left)

    def keep(self, *prefixes: str, why: str, value: Callable[[Tensor], Tensor] | None = None) -> None:
        """Leave weights of the model that begin so and are not filled as they are, or make them anew."""
        for target in [key for key in self.own if key.startswith(prefixes) and key not in self.values]:
            self.values[target] = self.own[target] if value is None else value(self.own[target])
            self._missing[target] = why

    def note(self, text: str) -> None:
        """Add a note to the report."""
        self._notes.append(text)

    def close(self) -> Mapped:
        """The filled state and the report.

        Raises
        ------
        InputError
            If a weight is missing or of another size, or an encoder of the file has more weights than the model's.
        """
        unknown = [self.sources[name].keys[0] for name in self._left() if name.startswith(tuple(self._towers))]
        if wrong := [*self._absent, *self._misfits, *unknown]:
            raise InputError(
                f"the weights do not fit: {len(self._absent)} are missing, {len(self._misfits)} of another size or "
                f"kind and {len(unknown)} too many; the first is {wrong[0]}."
            )
        self.ignore("", why="not among the documented weights")
        return Mapped(
            self.values,
            Report(
                matched=self._matched,
                adapted=tuple(self._adapted),
                ignored=self._ignored,
                missing=self._missing,
                notes=tuple(self._notes),
            ),
        )

    def _left(self) -> list[str]:
        return [name for name in self.sources if name not in self._used]

    def _go_without(self, absent: Sequence[str], targets: Sequence[str]) -> None:
        self.values |= {target: self.own[target] for target in targets}
        if all(target.endswith(_CONSTANTS) for target in targets):
            self._missing |= dict.fromkeys(targets, "a constant, which the file does not hold")
        else:
            self._absent += absent

    def _fitted(self, target: str, make: Make, sources: Sequence[Source]) -> Tensor:
        """The made weight in the model's type; if it does not fit, the model's own, and an entry in the books."""
        own, key = self.own[target], sources[0].keys[0]
        try:
            value = make(*(source.value for source in sources))
        except (RuntimeError, IndexError):
            self._misfits.append(f"{key} of {tuple(sources[0].value.shape)}, which cannot become {target}")
            return own
        if value.shape != own.shape or value.is_floating_point() != own.is_floating_point():
            self._misfits.append(
                f"{key}: {tuple(value.shape)} of {_kind(value)} where {tuple(own.shape)} of {_kind(own)} is needed"
            )
            return own
        if target.endswith(_CONSTANTS) and not value.equal(own):
            self._misfits.append(f"{key}, whose numbers are not those of this layout")
        return value.to(own.dtype)

    def _enter(self, sources: Sequence[Source], targets: tuple[str, ...], *, how: str) -> None:
        keys = tuple(key for source in sources for key in source.keys)
        words = "; ".join(filter(None, (*dict.fromkeys(source.how for source in sources), how)))
        if words:
            self._adapted.append(Adapted(sources=keys, targets=targets, how=words))
        else:
            self._matched[keys[0]] = targets[0]


def _same(value: Tensor) -> Tensor:
    return value


def _kind(value: Tensor) -> str:
    return str(value.dtype).removeprefix("torch.")


def _some(keys: Sequence[str]) -> str:
    return ", ".join(keys[:2]) + (", ..." if len(keys) > 2 else "")
