import torch

from swift_hydra_kedro.synthesis.acceptance import Acceptance


def test_the_probability_of_the_committee_decides():
    probability = torch.tensor([0.1, 0.71, 0.73, 0.99])
    acceptance = Acceptance(lambda x: probability, 0.72)
    assert torch.equal(acceptance.probability(torch.zeros(4, 3)), probability)
    assert acceptance(torch.zeros(4, 3)).tolist() == [False, False, True, True]
    assert Acceptance(lambda x: probability, 0.71)(torch.zeros(4, 3)).tolist() == [False, True, True, True]
