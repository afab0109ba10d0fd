import math

import numpy as np
import pytest
import torch
from sklearn.utils.estimator_checks import parametrize_with_checks

from swift_hydra_kedro.baselines.detectors.transformer import TransformerClassifier, TransformerDetector


@parametrize_with_checks(
    [
        TransformerDetector(
            d_model=8, depth=1, max_steps=20, batch_size=16, learning_rate=1e-2, device="cpu", random_state=0
        )
    ]
)
def test_keeps_scikit_learns_rules(estimator, check):
    check(estimator)


@pytest.fixture
def network():
    return TransformerClassifier(n_features=5, d_model=8, depth=2, dropout=0.1).double().eval()


def normalised(tokens, norm):
    centred = tokens - tokens.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + norm.eps).sqrt() * norm.weight + norm.bias


def written_out(network, row):
    """The paper's equations for one row `(P,)`, one head at a time."""
    tokens = row.unsqueeze(1) * network.tokens.weight + network.tokens.bias  # (P, d_model)
    for layer in network.encoder.layers:
        attention, heads = layer.self_attn, []
        for head in range(4):
            own = slice(2 * head, 2 * head + 2)
            weights, biases = attention.in_proj_weight.reshape(3, 8, 8), attention.in_proj_bias.reshape(3, 8)
            query, key, value = (tokens @ weights[i, own].T + biases[i, own] for i in range(3))
            scores = (query @ key.T / math.sqrt(2)).exp()
            heads.append(scores / scores.sum(1, keepdim=True) @ value)
        merged = torch.cat(heads, 1) @ attention.out_proj.weight.T + attention.out_proj.bias
        tokens = normalised(tokens + merged, layer.norm1)
        hidden = (tokens @ layer.linear1.weight.T + layer.linear1.bias).clamp(min=0)
        tokens = normalised(tokens + hidden @ layer.linear2.weight.T + layer.linear2.bias, layer.norm2)
    return tokens.mean(0) @ network.output.weight[0] + network.output.bias[0]


def test_logits_are_those_of_the_equations_written_out(network):
    x = torch.randn(6, 5, dtype=torch.double)
    expected = torch.stack([written_out(network, row) for row in x])
    torch.testing.assert_close(network(x).flatten(), expected)
    with torch.inference_mode():  # torch has another path here
        torch.testing.assert_close(network(x).flatten(), expected)


def test_features_have_no_order_but_their_embeddings(network):
    x, order = torch.randn(6, 5, dtype=torch.double), torch.tensor([3, 0, 4, 1, 2])
    before = network(x)
    assert not torch.allclose(network(x[:, order]), before)
    for weights in network.tokens.parameters():
        weights.data = weights[order]
    torch.testing.assert_close(network(x[:, order]), before)


def test_in_wide_tables_neighbouring_features_share_a_token():
    network = TransformerClassifier(n_features=300, d_model=8, depth=1, dropout=0.0)
    x = torch.randn(2, 300)
    tokens = network.tokens(x)
    assert tokens.shape == (2, 100, 8)
    weight = network.tokens.weight
    expected = sum(x[1, i] * weight[i] for i in (297, 298, 299)) + network.tokens.bias[99]
    torch.testing.assert_close(tokens[1, 99], expected)


@pytest.mark.parametrize("n_features", [1, 128, 129, 1500])
def test_tables_of_any_width_are_scored(n_features):
    x = np.random.default_rng(0).normal(size=(20, n_features))
    detector = TransformerDetector(d_model=8, depth=1, max_steps=2, batch_size=4, device="cpu", random_state=0)
    scores = detector.fit(x, np.arange(20) < 3).decision_function(np.vstack([x, 1e5 + 0 * x[:1]]))
    assert np.isfinite(scores).all()
    assert len(detector.network_.tokens.bias) <= 128


def test_a_width_that_heads_do_not_divide_is_refused():
    x, y = np.random.default_rng(0).normal(size=(20, 2)), np.arange(20) < 3
    with pytest.raises(ValueError, match="d_model must be a multiple of the 4 heads; it is 6"):
        TransformerDetector(d_model=6, device="cpu").fit(x, y)
