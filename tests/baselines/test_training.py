import numpy as np
import torch

from swift_hydra_kedro.baselines.training import minimise


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
