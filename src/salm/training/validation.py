"""How good a model is while it trains: a few figures on fixed scenes of the val split."""

from dataclasses import replace

import numpy as np
import torch

from salm.errors import InputError
from salm.evaluation.gallery import HeardScenes, draw_scenes, hear_scenes, true_directions, true_sectors
from salm.evaluation.localisation import localisation
from salm.evaluation.retrieval import retrieval
from salm.evaluation.zero_shot import nearest_sector
from salm.model.inference import Model
from salm.model.network import Network
from salm.scenes.captions import PAPER_PHRASING, spatial_caption
from salm.training.config import TrainConfig
from salm.training.corpora import OpenCorpora

__all__ = ["Validation", "check_figure", "is_better"]

_RECALLS = tuple(f"{name}_{way}_r1" for name in ("spatial", "semantic") for way in ("text_to_audio", "audio_to_text"))
_DIRECTIONS = ("mean_deg", "median_deg", "p90_deg", "sector_accuracy", "sector_accuracy_core", "zero_shot")


def check_figure(name: str, *, has_direction: bool) -> None:
    """Refuse a name that no figure of validation has.

    Raises
    ------
    InputError
        If there is no such figure, or none of this model.
    """
    known = ("mean_r1", *_RECALLS, *(_DIRECTIONS if has_direction else ()))
    if name not in known:
        raise InputError(f"best_by is {name!r} but must be one of {', '.join(known)}, or null.")


def is_better(name: str, value: float, than: float) -> bool:
    """Whether a figure is at least as good as an earlier one: of equals the later counts."""
    return value <= than if name.endswith("_deg") else value >= than


class Validation:
    """Scenes of other sounds than those trained on, drawn once; call it with a model for its figures."""

    def __init__(self, config: TrainConfig, corpora: OpenCorpora) -> None:
        self.config = config
        self.corpus = corpora.validation
        self.scenes = draw_scenes(self.corpus, count=config.validation_scenes, seed=config.seed)

    def __call__(self, network: Network) -> dict[str, float]:
        """Localisation, zero-shot direction, and recall at 1 of captions with and without the place, both ways.

        ``mean_r1`` is the mean of the four recalls, which is less a matter of chance than any one of them.
        """
        was_training = network.training
        model = Model(network, self.config.model, device=str(next(network.parameters()).device))
        with torch.inference_mode():
            heard = hear_scenes(model, self.corpus, self.scenes)
        figures = self._recall(model, heard)
        if network.has_direction:
            figures |= localisation(heard.direction, true_directions(self.scenes))
            nearest = nearest_sector(heard.embeddings.spatial, model.direction_sentences)
            figures["zero_shot"] = float((nearest == true_sectors(self.scenes)).mean())
        # Not before the sentences went through the network: their projection may have dropout.
        network.train(was_training)
        return figures

    def _recall(self, model: Model, heard: HeardScenes) -> dict[str, float]:
        sources = [scene.sources[0] for scene in self.scenes]
        captions = [source.caption for source in sources]
        shares, facing = self.config.windows.vocabularies, self.config.model.facing
        # In the words that are trained on most.
        phrasing = replace(PAPER_PHRASING, vocabulary=max(shares, key=shares.__getitem__))
        placed = [spatial_caption(s.caption, s.sector, phrasing=phrasing, facing=facing) for s in sources]
        figures: dict[str, float] = {}
        for name, audio, sentences in (
            ("spatial", heard.embeddings[0], placed),
            ("semantic", heard.embeddings[1], captions),
        ):
            unique = sorted(set(sentences))
            positives = [[text == sentence for text in unique] for sentence in sentences]
            scores = retrieval(audio, model.embed_text(unique), np.array(positives))
            figures |= {f"{name}_{way}_r1": recall["r1"] for way, recall in scores.items()}
        return {"mean_r1": float(np.mean(list(figures.values()))), **figures}
