"""The learning rate against torch's own schedules."""

from itertools import pairwise

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR

from salm.training.losses import LossWeights
from salm.training.schedule import Schedule, warmup_cosine


def test_after_the_warm_up_it_is_torchs_cosine() -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    reference = CosineAnnealingLR(optimizer, T_max=80)
    for step in range(20, 100):
        assert warmup_cosine(step, warmup_steps=20, steps=100) == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        reference.step()


def test_the_warm_up_is_linear_and_not_zero_at_first() -> None:
    shares = [warmup_cosine(step, warmup_steps=4, steps=100) for step in range(4)]
    assert shares == pytest.approx([0.25, 0.5, 0.75, 1.0])


def test_without_warm_up_it_begins_at_its_peak() -> None:
    assert warmup_cosine(0, warmup_steps=0, steps=10) == 1.0


def test_it_falls_to_half_in_the_middle_and_to_zero_at_the_end() -> None:
    assert warmup_cosine(60, warmup_steps=20, steps=100) == pytest.approx(0.5)
    assert warmup_cosine(100, warmup_steps=20, steps=100) == pytest.approx(0.0, abs=1e-12)
    assert warmup_cosine(250, warmup_steps=20, steps=100) == pytest.approx(0.0, abs=1e-12)


def test_it_never_rises_after_the_peak() -> None:
    shares = [warmup_cosine(step, warmup_steps=5, steps=50) for step in range(5, 50)]
    assert all(later < earlier for earlier, later in pairwise(shares))
    assert min(shares) > 0


@pytest.mark.parametrize("steps", [3, 5])
def test_a_run_no_longer_than_its_warm_up_is_defined(steps: int) -> None:
    assert [warmup_cosine(step, warmup_steps=5, steps=steps) for step in range(steps)] == pytest.approx(
        [0.2, 0.4, 0.6, 0.8, 1.0][:steps]
    )


def test_it_serves_torchs_own_scheduler() -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=2.0)
    scheduler = LambdaLR(optimizer, lambda step: warmup_cosine(step, warmup_steps=2, steps=10))
    assert optimizer.param_groups[0]["lr"] == 1.0
    optimizer.step()
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] == 2.0


def test_a_schedule_has_the_learning_rate_of_its_length() -> None:
    schedule = Schedule(steps=50, warmup_steps=5)
    for step in range(50):
        assert schedule.learning_rate(step) == warmup_cosine(step, warmup_steps=5, steps=50)


def test_while_l_cl_does_not_count_l_scl_has_its_weight() -> None:
    schedule, weights = Schedule(steps=50, warmup_steps=5, cl_from_step=20), LossWeights(sentence=0.3)
    assert schedule.weights(19, weights) == LossWeights(cl=0.0, scl=1.0, doa=1.0, sentence=0.3)
    assert schedule.weights(20, weights) == weights
