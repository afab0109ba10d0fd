import torch

from swift_hydra_kedro.synthesis.acceptance import Acceptance


def test_the_mean_probability_of_the_committee_decides():
    logits = torch.tensor([[-9.0, 0.0, 9.0, 9.0], [-9.0, 9.0, -0.4, 9.0]])
    acceptance = Acceptance(lambda x: logits, 0.7)
    torch.testing.assert_close(acceptance.probability(torch.zeros(4, 3)), torch.sigmoid(logits).mean(0))
    assert acceptance(torch.zeros(4, 3)).tolist() == [False, True, True, True]
    assert Acceptance(lambda x: logits, 0.75)(torch.zeros(4, 3)).tolist() == [False, False, False, True]
