import numpy as np
import pytest
import torch
from torch import nn

from swift_hydra_kedro.baselines.training import descend, minimise


def test_each_loss_is_computed_after_the_step_before_it():
    weight = torch.nn.Parameter(torch.tensor(8.0))
    seen = []

    def losses():
        for _ in range(3):
            seen.append(weight.item())
            yield weight.square() / 2

    minimise(losses(), torch.optim.SGD([weight], lr=0.5))
    np.testing.assert_allclose(seen, [8, 4, 2])
    np.testing.assert_allclose(weight.item(), 1)


def test_the_gradient_of_a_clipped_network_is_no_longer_than_asked_for():
    network = nn.Linear(3, 2)
    before = [weight.detach().clone() for weight in network.parameters()]
    loss = 100 * network(torch.ones(4, 3)).sum()
    descend(loss, torch.optim.SGD(network.parameters(), lr=1.0), network, 0.5)
    moved = torch.cat([(new - old).flatten() for new, old in zip(network.parameters(), before, strict=True)])
    assert float(moved.norm()) == pytest.approx(0.5, rel=1e-4)
