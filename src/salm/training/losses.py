"""The losses: Eq. 1 of the paper, and two terms that a small model on little data is helped by.

    L = 1/2 (L_CL + L_sCL) + L_DOA                                                     (Eq. 1)

L_CL pulls semantic audio embeddings to captions, L_sCL joint audio embeddings to spatial captions, L_DOA is one minus
the cosine between predicted and true direction. The further terms have weight 0 in the paper's presets.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import cosine_similarity, cross_entropy, log_softmax, normalize

__all__ = ["LossWeights", "contrastive", "direction_of_arrival", "label_distillation", "nearest_sentence", "total"]


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """Factor of every term; the defaults are Eq. 1."""

    cl: float = 0.5
    """Semantic audio against caption."""
    scl: float = 0.5
    """Joint audio against spatial caption."""
    doa: float = 1.0
    """Predicted against true direction."""
    sentence: float = 0.0
    """Spatial audio against the eight direction sentences, as a classification."""
    labels: float = 0.0
    """Semantic audio against the sentences of AudioSet's labels, towards what the tagger says of them."""


def contrastive(
    audio: Float[Tensor, "audio width"],
    text: Float[Tensor, "text width"],
    *,
    scale: Float[Tensor, ""],
    positives: Bool[Tensor, "audio text"],
    rivals: Float[Tensor, "audio rival width"] | None = None,
) -> Float[Tensor, ""]:
    """Symmetric cross-entropy over cosine similarities, with any number of positives an item.

    With the identity as ``positives`` it is CLIP's loss. Where several texts describe a clip, the target is uniform
    over them. An item without a positive does not count in that direction.

    Parameters
    ----------
    audio, text
        Raw embeddings.
    scale
        Factor on the cosines (the inverse of the temperature).
    positives
        Which text describes which audio.
    rivals
        Further wrong texts for each audio, for the audio-to-text direction only.
    """
    audio, text = _unit(audio), _unit(text)
    logits = scale * audio @ text.T
    targets = positives.to(logits.dtype)
    wider = logits
    if rivals is not None:
        wrong = scale * torch.einsum("aw,arw->ar", audio, _unit(rivals))
        wider = torch.cat([logits, wrong], dim=1)
    to_text = _soft_cross_entropy(wider, torch.nn.functional.pad(targets, (0, wider.shape[1] - targets.shape[1])))
    to_audio = _soft_cross_entropy(logits.T, targets.T)
    return 0.5 * (to_text + to_audio)


def direction_of_arrival(predicted: Float[Tensor, "batch 3"], true: Float[Tensor, "batch 3"]) -> Float[Tensor, ""]:
    """Mean of one minus the cosine between directions."""
    return (1.0 - cosine_similarity(_precise(predicted), true, dim=-1)).mean()


def nearest_sentence(
    spatial: Float[Tensor, "batch width"],
    sentences: Float[Tensor, "sector width"],
    *,
    scale: Float[Tensor, ""],
    sector: Int[Tensor, " batch"],
) -> Float[Tensor, ""]:
    """Cross-entropy of choosing the sentence of the right sector by cosine similarity."""
    logits = scale * _unit(spatial) @ _unit(sentences).T
    return cross_entropy(logits, sector)


def label_distillation(
    semantic: Float[Tensor, "batch width"],
    label_text: Float[Tensor, "label width"],
    *,
    scale: Float[Tensor, ""],
    tag_logits: Float[Tensor, "batch label"],
) -> Float[Tensor, ""]:
    """Cross-entropy of similarities to the labels' sentences against the tagger's posteriors, made to sum to one."""
    logits = scale * _unit(semantic) @ _unit(label_text).T
    posterior = tag_logits.float().sigmoid()
    return _soft_cross_entropy(logits, posterior)


def total(terms: dict[str, Float[Tensor, ""]], weights: LossWeights) -> Float[Tensor, ""]:
    """Weighted sum of the named terms."""
    return torch.stack([getattr(weights, name) * term for name, term in terms.items()]).sum()


def _precise(values: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """At least single precision: half is too coarse for cosines near one."""
    return values if values.dtype == torch.float64 else values.float()


def _unit(vectors: Float[Tensor, "*item width"]) -> Float[Tensor, "*item width"]:
    return normalize(_precise(vectors), dim=-1)


def _soft_cross_entropy(logits: Float[Tensor, "row column"], targets: Float[Tensor, "row column"]) -> Tensor:
    mass = targets.sum(1, keepdim=True)
    per_row = -(targets / mass.clamp(min=1e-12) * log_softmax(logits, dim=1)).sum(1)
    return per_row.sum() / (mass > 0).sum().clamp(min=1)
