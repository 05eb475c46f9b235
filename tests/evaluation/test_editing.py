"""Table 3 on embeddings made by hand, where every answer is known."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from salm.evaluation.editing import OPERATIONS, changed_sectors, editing_figures
from salm.evaluation.intervals import plain
from salm.model import hub
from salm.model.inference import AudioEmbeddings, Model
from salm.model.presets import preset

CAPTIONS = ["a dog", "a dog", "a dog", "rain", "rain", "a bell"]
SECTORS = np.array([0, 3, 5, 0, 7, 2])


def test_all_scenes_of_a_caption_turn_together_and_none_stays() -> None:
    for seed in range(30):
        changed = changed_sectors(CAPTIONS, SECTORS, seed=seed)
        turns = (changed - SECTORS) % 8
        assert turns.min() >= 1
        assert len(set(turns[:3])) == len(set(turns[3:5])) == 1
        assert len(set(zip(CAPTIONS, changed.tolist(), strict=True))) == len(CAPTIONS)
    assert changed_sectors(CAPTIONS, SECTORS, seed=1).tolist() == changed_sectors(CAPTIONS, SECTORS, seed=1).tolist()
    assert len({tuple(changed_sectors(CAPTIONS, SECTORS, seed=seed)) for seed in range(9)}) > 4


def pieces(spatial_sectors: np.ndarray) -> tuple[SimpleNamespace, AudioEmbeddings]:
    """A model whose sentences are axes, and embeddings that hear the given sectors twice as loud as the sound."""
    axes = np.eye(12, dtype=np.float32)
    kinds = [sorted(set(CAPTIONS)).index(caption) for caption in CAPTIONS]
    semantic, spatial = axes[8:][kinds], 2 * axes[spatial_sectors]
    model = SimpleNamespace(direction_sentences=axes[:8], network=SimpleNamespace(joint_weight=torch.full((12,), 0.5)))
    return model, AudioEmbeddings(semantic + 0.5 * spatial, semantic, spatial)


def figures(heard: np.ndarray, changed: np.ndarray) -> dict:
    model, embeddings = pieces(heard)
    said, said_changed = (pieces(sectors)[1].joint for sectors in (SECTORS, changed))
    return plain(editing_figures(model, embeddings, SECTORS, changed, said=said, said_changed=said_changed))


def test_a_model_that_hears_right_is_edited_right() -> None:
    table = figures(SECTORS, changed_sectors(CAPTIONS, SECTORS, seed=0))
    assert tuple(table) == OPERATIONS
    assert {
        recall for ways in table.values() for way in ("text_to_audio", "audio_to_text") for recall in ways[way].values()
    } == {1.0}


def test_edits_mend_what_was_heard_wrong() -> None:
    """All is heard in front: without an edit half of the dogs go wrong, with one the words say where they are."""
    table = figures(np.zeros(6, int), changed_sectors(CAPTIONS, SECTORS, seed=0))
    assert table["none"]["text_to_audio"]["r1"] == pytest.approx(3 / 6)
    assert table["swap"]["text_to_audio"]["r1"] == table["change"]["audio_to_text"]["r1"] == 1.0


def test_a_change_that_is_not_made_is_not_found() -> None:
    """The captions say the new place; embeddings that keep the old one would be found by kind alone."""
    changed = changed_sectors(CAPTIONS, SECTORS, seed=0)
    model, embeddings = pieces(SECTORS)
    model.network.joint_weight = torch.zeros(12)
    said = pieces(changed)[1].joint
    table = plain(
        editing_figures(model, embeddings, SECTORS, changed, said=pieces(SECTORS)[1].joint, said_changed=said)
    )
    assert table["change"]["text_to_audio"]["r1"] == pytest.approx(3 / 6)


def test_where_one_embedding_is_both_nothing_is_edited() -> None:
    _, embeddings = pieces(SECTORS)
    network = hub.build_frozen(replace(preset("tiny"), pair="single_htsat", width=12))
    model = Model(network, preset("tiny"))
    said = embeddings.joint
    table = plain(editing_figures(model, embeddings, SECTORS, SECTORS, said=said, said_changed=said))
    assert table.keys() == {"none", "arithmetic"}
    assert table["none"]["text_to_audio"]["r1"] == 1.0
