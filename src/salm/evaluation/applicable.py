"""What of an evaluation a model has no answer to: other rows of Table 1 have one embedding, or no direction at all."""

from collections.abc import Iterable
from typing import Any

from salm.evaluation.attributes import ASKED
from salm.evaluation.intervals import Tree
from salm.evaluation.wordings import NEW_WORDS
from salm.model.inference import Model
from salm.model.single import SingleBranch

__all__ = ["blanked", "not_applicable"]

_ONE_EMBEDDING = "the model has one embedding for what and where, and it counts as the joint one"
_ONE_CHANNEL = "the model hears one channel, which holds no direction"

_NEEDS_TWO_EMBEDDINGS = (
    "retrieval.direction_blind",
    "zero_shot.spatial",
    "zero_shot.spatial_core",
    "editing.swap",
    "editing.change",
    "controls.direction_blind",
    "leakage",
    *(f"wordings.{name}.spatial" for name in ("trained", "unseen", "loss", *NEW_WORDS)),
    *(f"attributes.{name}.spatial" for name in ASKED),
)
_NEEDS_DIRECTION = (
    "localisation",
    "directions.model",
    "controls.w_only",
    "controls.other_xyz",
    "controls.mirror",
    "controls.yaw",
    "controls.two_rooms",
    "confidence",
)


def not_applicable(model: Model) -> dict[str, str]:
    """Paths into a report, such as ``editing.swap``, of all that a model cannot be asked, with the reason."""
    reasons: dict[str, str] = {}
    if isinstance(model.network, SingleBranch):
        reasons |= dict.fromkeys(_NEEDS_TWO_EMBEDDINGS, _ONE_EMBEDDING)
    if not model.network.has_direction:
        reasons |= dict.fromkeys(_NEEDS_DIRECTION, _ONE_CHANNEL)
    return reasons


def blanked(tree: Tree, paths: Iterable[str]) -> dict[str, Any]:
    """A tree with None at each of the paths whose first name it has."""
    found = dict(tree)
    for path in paths:
        name, _, below = path.partition(".")
        if name in found:
            found[name] = _blanked(found[name], below)
    return found


def _blanked(branch: Any, below: str) -> Any:
    if not below or branch is None:
        return None
    name, _, further = below.partition(".")
    return {**branch, name: _blanked(branch.get(name), further)}
