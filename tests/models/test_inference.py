import numpy as np
import pytest
import torch

from swift_hydra_kedro.config import MambaConfig
from swift_hydra_kedro.models import inference
from swift_hydra_kedro.models.detector import MambaDetector
from swift_hydra_kedro.models.encoding import PiecewiseLinearEncoding
from swift_hydra_kedro.models.inference import expert_load, predict_probability
from swift_hydra_kedro.models.mome import MixtureOfExperts, NoisyTopKGate

X = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)


def detector(stack=()):
    return MambaDetector(PiecewiseLinearEncoding.fit(X, 2), MambaConfig(d_model=8, bins=2, depth=1), stack)


def mixture():
    return MixtureOfExperts(detector((4,)), NoisyTopKGate(3, 4, 2))


@pytest.mark.parametrize("make", [detector, mixture])
@pytest.mark.parametrize("chunk", [1, 7, 50])
def test_chunks_give_what_one_pass_gives(monkeypatch, make, chunk):
    model = make()
    whole = predict_probability(model, X)
    monkeypatch.setattr(inference, "CHUNK", chunk)
    np.testing.assert_allclose(predict_probability(model, X), whole, rtol=1e-5)


def test_no_more_rows_than_a_chunk_are_computed_at_once(monkeypatch):
    model, sizes = detector(), []
    model.register_forward_hook(lambda _module, inputs, _output: sizes.append(len(inputs[0])))
    monkeypatch.setattr(inference, "CHUNK", 20)
    predict_probability(model, X)
    assert sizes == [20, 20, 10]


def test_detector_s_logits_become_probabilities():
    model = detector()
    expected = torch.sigmoid(model(torch.as_tensor(X))).detach()
    scores = predict_probability(model, X)
    assert scores.dtype == np.float64
    np.testing.assert_allclose(scores, expected, rtol=1e-6)


def test_mixture_s_probabilities_stay_as_they_are():
    model = mixture()
    np.testing.assert_allclose(predict_probability(model, X), model(torch.as_tensor(X)).detach(), rtol=1e-6)


@pytest.mark.parametrize("make", [detector, mixture])
def test_no_rows_give_no_scores(make):
    assert predict_probability(make(), X[:0]).shape == (0,)


def test_expert_load_is_the_share_of_choices():
    model = mixture()
    with torch.no_grad():
        model.gate.score.weight.copy_(torch.tensor([[1.0, 0, 0], [-1.0, 0, 0], [0.0, 0, 0], [0.0, 0, 0]]))
        model.gate.score.weight[3, 0] = -2  # the order is 0, 2, 1, 3 for a positive feature, else reversed
    positive = (X[:, 0] > 0).mean()
    expected = np.array([positive, 1 - positive, positive, 1 - positive]) / 2
    np.testing.assert_allclose(expert_load(model, X), expected)
