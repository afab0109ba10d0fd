import pytest
import torch

from swift_hydra_kedro.config import MambaConfig
from swift_hydra_kedro.models.detector import MambaDetector
from swift_hydra_kedro.models.encoding import PiecewiseLinearEncoding
from swift_hydra_kedro.models.mome import MixtureOfExperts, NoisyTopKGate

N_EXPERTS = 5
X = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))


def mixture(top_k, n_experts=N_EXPERTS, tokens="record"):
    encoding = PiecewiseLinearEncoding.fit(X.numpy(), 3)
    experts = MambaDetector(encoding, MambaConfig(d_model=8, d_state=4, bins=3, tokens=tokens), (n_experts,))
    return MixtureOfExperts(experts, NoisyTopKGate(3, n_experts, top_k))


def densely(model, x):
    """All experts on all rows; the gate's scores outside the top k are minus infinity (eq. 4, 5)."""
    h = x @ model.gate.score.weight.T
    threshold = h.sort(dim=1, descending=True).values[:, model.gate.top_k - 1 : model.gate.top_k]
    weights = torch.softmax(h.masked_fill(h < threshold, -torch.inf), dim=1)
    logits = model.experts(x.expand(h.shape[1], -1, -1))  # (M, B)
    return (weights * torch.sigmoid(logits).T).sum(1)


@pytest.mark.parametrize("top_k", [1, 2, N_EXPERTS])
def test_gate_weighs_k_different_experts_and_the_weights_sum_to_one(top_k):
    weights, chosen = NoisyTopKGate(3, N_EXPERTS, top_k)(X)
    assert weights.shape == chosen.shape == (40, top_k)
    torch.testing.assert_close(weights.sum(1), torch.ones(40))
    assert all(len(set(row)) == top_k for row in chosen.tolist())


def test_gate_without_noise_is_linear():
    gate = NoisyTopKGate(3, N_EXPERTS, 2)
    torch.testing.assert_close(gate.scores(X), X @ gate.score.weight.T)
    torch.testing.assert_close(gate.scores(X, torch.zeros(40, N_EXPERTS)), gate.scores(X))


def test_gate_s_noise_is_scaled_by_the_softplus_of_its_own_linear_map():
    gate = NoisyTopKGate(3, N_EXPERTS, 2)
    torch.nn.init.normal_(gate.noise.weight)
    normal = torch.randn(40, N_EXPERTS)
    expected = X @ gate.score.weight.T + normal * torch.log1p(torch.exp(X @ gate.noise.weight.T))
    torch.testing.assert_close(gate.scores(X, normal), expected)


@pytest.mark.parametrize("tokens", ["record", "feature"])
@pytest.mark.parametrize("top_k", [1, 2, N_EXPERTS])
def test_the_mixture_is_the_weighted_mean_of_the_k_experts_of_the_highest_scores(top_k, tokens):
    model = mixture(top_k, tokens=tokens)
    torch.testing.assert_close(model(X), densely(model, X))


def test_mixture_is_an_average_of_probabilities():
    model = mixture(N_EXPERTS)
    with torch.no_grad():
        model.gate.score.weight.zero_()
    torch.testing.assert_close(model(X), model.all_probabilities(X).mean(0))


def test_all_probabilities_are_those_of_each_expert():
    model = mixture(2)
    torch.testing.assert_close(model.all_probabilities(X), torch.sigmoid(model.experts(X.expand(N_EXPERTS, -1, -1))))


def test_no_rows_give_no_scores():
    assert mixture(2)(X[:0]).shape == (0,)
