"""The default protocol: scenes that all differ, phrasings never trained on, and what surrounds the figures."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float

from salm.evaluation.applicable import not_applicable
from salm.evaluation.attributes import attribute_figures
from salm.evaluation.bench import Bench
from salm.evaluation.binding import binding_figures
from salm.evaluation.confidence import confidence_figures
from salm.evaluation.controls import controls
from salm.evaluation.editing import changed_sectors, editing_figures
from salm.evaluation.gallery import true_directions
from salm.evaluation.intervals import Figure, Tree, clustered
from salm.evaluation.leakage import leakage_figures
from salm.evaluation.localisation import beside_baselines
from salm.evaluation.retrieval import retrieval_figures
from salm.evaluation.wordings import wording_figures
from salm.evaluation.zero_shot import zero_shot_figures
from salm.scenes.corpora.base import Sound
from salm.scenes.scene import Scene

__all__ = ["DEFAULT", "default_measured", "default_surroundings", "default_tables"]

DEFAULT: Mapping[str, str] = {
    "name": "default",
    "localisation": "Simulated scenes: one dry sound in a room of its own, azimuth uniform without gaps, elevation "
    "within 45 degrees. The error is the great-circle angle; the core is within 17.5 degrees of a sector's centre.",
    "baselines": "The same scenes without learning: the mean intensity vector, plain and onset-weighted.",
    "retrieval": "Joint embeddings of the gallery against spatial captions, one a scene, in phrasings that were never "
    "trained on; all (caption, sector) pairs are distinct. direction_blind has the semantic embedding instead (text to "
    "audio unless it says otherwise), trained_phrasings the phrasings of training.",
    "semantic": "Semantic embeddings against all different captions of the sounds that are heard, one scene a sound in "
    "the free field; equal captions are all right answers. r1, r5 and r10 are text to audio. semantic_reverberant has "
    "all scenes in their rooms instead.",
    "zero_shot": "Which of eight direction sentences is nearest; each is the mean over the trained phrasings of a "
    "direction.",
    "editing": "The gallery with its spatial embeddings replaced by the direction sentence of the true sector (swap) "
    "or of another one, which the captions then say (change). arithmetic is ELSA's way to that change: the joint "
    "embedding less the old direction's sentence plus the new one's. The sector is the one whose sentence is nearest.",
    "controls": "The first scenes once more, robbed of what the figures claim to measure.",
    "leakage": "What by the spatial embedding alone: the same sound in the free field from another direction, among "
    "all. Where by the semantic embedding alone: the nearest direction sentence, and a linear probe trained on "
    "the labelled directions of other recordings. Beside each the embedding that should know, and chance.",
    "confidence": "Plain scenes, and as many with noise, another sound elsewhere, long reverberation, and no direction "
    "at all; a location is right within 20 degrees of a sound.",
    "wordings": "Which sentence about the place alone is nearest, right where no other of its set means a nearer "
    "azimuth. trained and unseen are means over frames of one sentence a direction, the latter never trained on, and "
    "loss is their difference over the same scenes. Below are words that training never had.",
    "binding": "Two sounds in two sectors of a room, and the same two with each in the other's place. preferred is how "
    "often the sentence that says which is where is nearer to the joint embedding than the one with the places "
    "exchanged, both how often for the two scenes of a pair.",
    "attributes": "Which of two sentences is nearer, where one of the two is true by ELSA's thresholds; the mean of "
    "the shares that are right among those of either word.",
    "intervals": "95 %, percentile bootstrap over source recordings: all scenes of one are drawn together, and queries "
    "with the gallery as it is; 1000 draws.",
}
"""How each table comes about, in words."""

# So many scenes of the tables for one pair of sounds, and for one scene of the attributes.
_BINDING_SHARE, _ATTRIBUTES_SHARE = 5, 3


def default_tables(bench: Bench, tables: Sequence[int]) -> Tree:
    """Tables 1 to 3 over the scenes and the gallery of the default protocol."""
    figures: dict[str, Tree] = {}
    if 1 in tables:
        figures |= _directions(bench) | {"retrieval": _retrieval(bench)}
    if 2 in tables:
        figures["zero_shot"] = _zero_shot(bench)
    if 3 in tables:
        figures["editing"] = _editing(bench)
    return figures


def default_measured(bench: Bench, tables: Sequence[int]) -> Tree:
    """Of tables 1 and 2 what scenes through measured responses tell."""
    figures: dict[str, Tree] = {}
    if 1 in tables:
        figures |= _directions(bench) | {"retrieval": _spatial_retrieval(bench)}
    if 2 in tables:
        figures["zero_shot"] = _zero_shot(bench)
    return figures


def default_surroundings(bench: Bench) -> Tree:
    """What says how far the tables can be believed, and what is beyond them: two sounds, and more than direction."""
    reasons = not_applicable(bench.model)
    count = len(bench.scenes) // 2
    return {
        "controls": controls(bench),
        "leakage": {} if "leakage" in reasons else leakage_figures(bench),
        "confidence": {}
        if "confidence" in reasons
        else confidence_figures(bench.model, bench.corpus, scenes=count, seed=bench.seed, progress=bench.progress),
        "wordings": wording_figures(bench),
        "binding": binding_figures(bench, scenes=max(1, len(bench.scenes) // _BINDING_SHARE)),
        "attributes": attribute_figures(bench, scenes=max(1, len(bench.scenes) // _ATTRIBUTES_SHARE)),
    }


def _directions(bench: Bench) -> dict[str, Tree]:
    return beside_baselines(bench.heard.direction, bench.baselines, true_directions(bench.scenes), bench.recordings)


def _retrieval(bench: Bench) -> Tree:
    joint = bench.heard.take(bench.gallery).embeddings.joint
    own = np.eye(len(bench.gallery), dtype=bool)
    trained = clustered(retrieval_figures(joint, bench.trained, own), bench.gallery_recordings)
    dry_scenes, dry = bench.free_field
    return {
        **_spatial_retrieval(bench),
        "trained_phrasings": _text_to_audio_first(trained),
        "semantic": _semantic(bench, dry_scenes, dry.embeddings.semantic),
        "semantic_reverberant": _semantic(bench, bench.scenes, bench.heard.embeddings.semantic),
    }


def _spatial_retrieval(bench: Bench) -> Tree:
    joint, semantic, _ = bench.heard.take(bench.gallery).embeddings
    own = np.eye(len(bench.gallery), dtype=bool)
    ways, blind = (
        clustered(retrieval_figures(audio, bench.unseen, own), bench.gallery_recordings) for audio in (joint, semantic)
    )
    return {**ways, "direction_blind": _text_to_audio_first(blind)}


def _semantic(bench: Bench, scenes: Sequence[Scene], audio: Float[np.ndarray, "scene width"]) -> Tree:
    sounds = {sound.id: sound for sound in bench.corpus.sounds}
    heard = [sounds[scene.sources[0].sound_id] for scene in scenes]
    captions = sorted({sound.caption for sound in heard})
    ways = retrieval_figures(audio, bench.model.embed_text(captions), _described(heard, captions))
    # A caption is no recording: as a query each is its own. All recordings have their caption.
    own = clustered({"audio_to_text": ways["audio_to_text"]}, bench.recordings_of(scenes))
    return _text_to_audio_first({**ways, **own})


def _described(sounds: list[Sound], captions: list[str]) -> Bool[np.ndarray, "sound caption"]:
    """Whether each caption is one of those of each sound, main or not."""
    return np.array([[caption in sound.captions for caption in captions] for sound in sounds])


def _text_to_audio_first(ways: Mapping[str, Mapping[str, Figure]]) -> Tree:
    return {**ways["text_to_audio"], **ways}


def _zero_shot(bench: Bench) -> Tree:
    true = true_directions(bench.scenes)
    return clustered(zero_shot_figures(bench.heard.embeddings, bench.model.direction_sentences, true), bench.recordings)


def _editing(bench: Bench) -> Tree:
    changed = changed_sectors(bench.captions, bench.sectors, seed=bench.seed)
    figures = editing_figures(
        bench.model,
        bench.heard.take(bench.gallery).embeddings,
        bench.sectors,
        changed,
        said=bench.unseen,
        said_changed=bench.said(bench.unseen_phrasings, changed),
    )
    return clustered(figures, bench.gallery_recordings)
