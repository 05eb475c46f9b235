"""The sequential update of the cross-stitch, by hand-computed values."""

import torch

from salm.model.stitch import CrossStitch


def constant(value: float, *, channels: int = 1) -> torch.Tensor:
    return torch.full((2, 3, channels), value)


def test_the_second_output_mixes_with_the_first_result() -> None:
    stitch = CrossStitch(1)
    stitch.weight.data = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
    x, y = stitch(constant(1.0), constant(10.0))
    assert torch.equal(x, constant(21.0))
    assert torch.equal(y, constant(103.0))  # a parallel update would give 43


def test_it_starts_as_the_identity_and_returns_to_it() -> None:
    stitch = CrossStitch(5)
    first, second = torch.randn(2, 3, 5), torch.randn(2, 3, 5)
    for _ in range(2):
        x, y = stitch(first, second)
        assert torch.equal(x, first)
        assert torch.equal(y, second)
        stitch.weight.data.fill_(0.3)
        stitch.reset_identity()


def test_every_channel_has_its_own_weights() -> None:
    stitch = CrossStitch(2)
    stitch.weight.data[1] = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    x, y = stitch(constant(1.0, channels=2), constant(10.0, channels=2))
    assert x[0, 0].tolist() == [1.0, 10.0]
    assert y[0, 0].tolist() == [10.0, 10.0]


def test_the_input_is_not_written_to() -> None:
    first, second = constant(1.0), constant(10.0)
    stitch = CrossStitch(1)
    stitch.weight.data.fill_(0.5)
    stitch(first, second)
    assert torch.equal(first, constant(1.0))
    assert torch.equal(second, constant(10.0))


def test_the_papers_four_have_5760_weights_that_all_learn() -> None:
    stitches = [CrossStitch(width) for width in (96, 192, 384, 768)]
    assert sum(stitch.weight.numel() for stitch in stitches) == 5_760
    stitch = stitches[0]
    x, y = stitch(torch.randn(1, 4, 96), torch.randn(1, 4, 96))
    (x + y).square().sum().backward()
    assert stitch.weight.grad is not None
    assert torch.all(stitch.weight.grad != 0)
