"""One batch through the towers: at once, in pieces, and with blocks that are computed twice."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from salm.model import hub
from salm.model.config import RobertaSize
from salm.model.network import Network
from salm.model.presets import build, preset
from salm.model.text import RobertaTower, Tokens
from salm.training.checkpoint import RunState, load_checkpoint, save_checkpoint
from salm.training.devices import OneProcess
from salm.training.towers import Embedded, TextInput, Towers, backward, checkpointed

ROBERTA = RobertaSize(vocabulary=20, dim=16, layers=2, heads=2, hidden=32, dropout=0.2)


@pytest.fixture
def windows() -> Tensor:
    return 0.1 * torch.randn(4, 4, 24_000, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def tokens() -> Tokens:
    ids = torch.randint(4, 20, (8, 6), generator=torch.Generator().manual_seed(2))
    mask = torch.ones_like(ids)
    ids[3, 4:], mask[3, 4:] = 1, 0
    return Tokens(ids, mask)


def network(*, drop_path: float = 0.0, dropout: float = 0.2) -> Network:
    """The paper's model at the smallest size, with all that is random in it."""
    torch.manual_seed(0)
    size = replace(ROBERTA, dropout=dropout)
    config = replace(preset("tiny"), text="roberta", roberta=size)
    config = replace(config, htsat=replace(config.htsat, depths=(1, 1, 2, 1), drop_path=drop_path))
    return build(config, text=RobertaTower(size)).train()


def loss(embedded: Embedded) -> Tensor:
    """Anything in which every item meets every other."""
    audio = nn.functional.normalize(embedded.joint + embedded.semantic, dim=-1)
    text = nn.functional.normalize(embedded.text, dim=-1)
    logits = embedded.scale * audio @ text.T
    return logits.logsumexp(1).mean() + logits.logsumexp(0).mean() + embedded.direction.square().sum()


def gradients(
    model: Network, windows: Tensor, text: TextInput, *, pieces: int = 1, seeds: tuple[int, ...] = (5,)
) -> dict[str, Tensor]:
    model.zero_grad()
    towers = Towers(model, bfloat16=False)
    backward(towers, model.observe(windows), text, loss=loss, pieces=pieces, seeds=seeds, devices=OneProcess())
    names = {name.replace("_checkpoint_wrapped_module.", ""): p.grad for name, p in model.named_parameters()}
    return {name: gradient.clone() for name, gradient in names.items() if gradient is not None}


def test_pieces_of_a_batch_see_the_whole_of_it(windows: Tensor, tokens: Tokens) -> None:
    model = network(dropout=0.0)
    # With fixed statistics a piece is what it is in the whole.
    model.pair.norm.eval()
    model.double()
    model.pair.frontend.double()
    whole = gradients(model, windows.double(), tokens)
    pieces = gradients(model, windows.double(), tokens, pieces=3, seeds=(1, 2, 3))
    assert whole.keys() == pieces.keys()
    for name, value in whole.items():
        torch.testing.assert_close(pieces[name], value, rtol=1e-9, atol=1e-12)


def test_both_passes_of_a_piece_draw_the_same(windows: Tensor, tokens: Tokens) -> None:
    model = network(drop_path=0.5)
    towers, seen = Towers(model, bfloat16=False), []
    whole = towers.forward
    towers.forward = lambda *parts: seen.append(whole(*parts)) or seen[-1]  # type: ignore[method-assign, func-returns-value]
    backward(towers, model.observe(windows), tokens, loss=loss, pieces=2, seeds=(7, 8), devices=OneProcess())
    assert len(seen) == 4
    for first, second in zip(seen[:2], seen[2:], strict=True):
        for name, value, again in zip(Embedded._fields, first, second, strict=True):
            torch.testing.assert_close(value, again, msg=name)
    assert not torch.allclose(seen[0].joint, seen[1].joint)


def test_running_statistics_take_each_piece_once(windows: Tensor, tokens: Tokens) -> None:
    model = network()
    observation = model.observe(windows)
    gradients(model, windows, tokens, pieces=2, seeds=(7, 8))
    found = {name: value.clone() for name, value in model.named_buffers() if "running" in name}
    other = network()
    for start in (0, 2):
        other(type(observation)(*(value[start : start + 2] for value in observation)))
    for name, value in other.named_buffers():
        if "running" in name:
            torch.testing.assert_close(found[name], value, msg=name)


def test_blocks_that_are_computed_twice_give_the_same_gradients(windows: Tensor, tokens: Tokens) -> None:
    kept = gradients(network(drop_path=0.3), windows, tokens)
    again = gradients(checkpointed(network(drop_path=0.3)), windows, tokens)
    assert kept.keys() == again.keys()
    for name, value in kept.items():
        torch.testing.assert_close(again[name], value, msg=name)


def test_they_keep_less(windows: Tensor, tokens: Tokens) -> None:
    def kept_bytes(model: Network) -> int:
        sizes: list[int] = []
        observation = model.observe(windows)
        with torch.autograd.graph.saved_tensors_hooks(lambda t: sizes.append(t.nbytes) or t, lambda t: t):
            Towers(model, bfloat16=False)(observation, tokens)
        return sum(sizes)

    assert kept_bytes(checkpointed(network())) < 0.6 * kept_bytes(network())


def test_their_weights_have_the_same_names(tmp_path) -> None:
    plain, wrapped = network(), checkpointed(network())
    assert plain.state_dict().keys() == wrapped.state_dict().keys()
    # A run may be resumed with or without it.
    optimizers = [torch.optim.AdamW(model.parameters()) for model in (plain, wrapped)]
    sum(parameter.sum() for parameter in wrapped.parameters()).backward()
    optimizers[1].step()
    save_checkpoint(tmp_path / "c", model=wrapped, optimizer=optimizers[1], state=RunState(step=3, threads=1))
    assert load_checkpoint(tmp_path / "c", model=plain, optimizer=optimizers[0]).step == 3
    assert len(optimizers[0].state) == len(list(plain.parameters()))


@pytest.mark.parametrize("bfloat16", [False, True])
def test_frozen_and_trained_text_are_read(windows: Tensor, tokens: Tokens, bfloat16: bool) -> None:
    frozen = hub.build_frozen(preset("tiny"))
    for model, text in ((network(), tokens), (frozen, torch.randn(8, frozen.text.dim))):
        model.eval()
        embedded = Towers(model, bfloat16=bfloat16)(model.observe(windows), text)
        assert embedded.text.shape == (8, 32)
        assert embedded.semantic.dtype == (torch.bfloat16 if bfloat16 else torch.float32)
        assert embedded.scale == model.scale


@pytest.mark.slow
def test_compiled_towers_are_the_same(windows: Tensor) -> None:
    # RoBERTa is not ours, and takes a minute to compile.
    model, tokens = network().eval(), torch.randn(8, 16)
    towers = Towers(model, bfloat16=False)
    expected = towers(model.observe(windows), tokens)
    towers.compile(backend="eager")
    for name, found, value in zip(Embedded._fields, towers(model.observe(windows), tokens), expected, strict=True):
        torch.testing.assert_close(found, value, rtol=1e-4, atol=1e-5, msg=name)
