import numpy as np
import pytest
import torch

from swift_hydra_kedro.baselines.detectors.adgym_losses import LOSSES

SCORE, LABEL = np.array([-2.0, 0.3, 1.5, 7.0, -0.4]), np.array([0, 0, 1, 1, 1])


def softplus(value):
    return np.log1p(np.exp(value))


def mean_by_row(normal, anomalous):
    return np.mean([anomalous(s) if y else normal(s) for s, y in zip(SCORE, LABEL, strict=True)])


PAIRS = [(i, j) for i in range(5) for j in range(5)]
EXPECTED = {
    "bce": mean_by_row(softplus, lambda s: softplus(-s)),
    "focal": mean_by_row(
        lambda s: (1 / (1 + np.exp(-s))) ** 2 * softplus(s), lambda s: (1 / (1 + np.exp(s))) ** 2 * softplus(-s)
    ),
    "minus": mean_by_row(softplus, lambda s: -min(softplus(s), 5)),
    "inverse": mean_by_row(softplus, lambda s: 1 / (softplus(s) + 1e-3)),
    "hinge": np.mean([max(0, 5 + SCORE[i] - SCORE[j]) for i, j in PAIRS if not LABEL[i] and LABEL[j]]),
    "deviation": mean_by_row(abs, lambda s: max(0, 5 - s)),
    "ordinal": np.mean([abs(SCORE[i] + SCORE[j] - 4 * (LABEL[i] + LABEL[j])) for i, j in PAIRS]),
}


def test_the_losses_are_the_papers_seven():
    assert set(LOSSES) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_loss_is_that_of_a_loop_over_rows_or_pairs(name):
    actual = LOSSES[name](torch.tensor(SCORE), torch.tensor(LABEL).double())
    np.testing.assert_allclose(actual, EXPECTED[name], rtol=1e-6)


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("label", [[0, 0, 0], [1, 1, 1], [0, 0.5, 1]])
def test_losses_and_slopes_are_finite_far_out_and_without_a_class(name, label):
    score = torch.tensor([-1e5, 0.0, 1e5], requires_grad=True)
    loss = LOSSES[name](score, torch.tensor(label, dtype=torch.float32))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(score.grad).all()


@pytest.mark.parametrize("name", EXPECTED)
def test_following_a_loss_ranks_anomalies_first(name):
    score, label = torch.zeros(6, requires_grad=True), torch.tensor([1.0, 0, 1, 0, 0, 1])
    optimiser = torch.optim.SGD([score], lr=0.1)
    for _ in range(50):
        optimiser.zero_grad()
        LOSSES[name](score, label).backward()
        optimiser.step()
    assert score[label == 1].min() > score[label == 0].max()
