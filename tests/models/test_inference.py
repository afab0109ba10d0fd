import threading

import numpy as np
import pytest
import torch

from swift_hydra_kedro.config import MambaConfig
from swift_hydra_kedro.models import inference
from swift_hydra_kedro.models.detector import MambaDetector
from swift_hydra_kedro.models.encoding import PiecewiseLinearEncoding
from swift_hydra_kedro.models.inference import Predictor, expert_load
from swift_hydra_kedro.models.mome import MixtureOfExperts, NoisyTopKGate
from swift_hydra_kedro.models.neighbours import Neighbourhood

X = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)


def detector(stack=(), **changes):
    config = MambaConfig(d_model=8, bins=2, depth=1, **changes)
    return MambaDetector(PiecewiseLinearEncoding.fit(X, 2), config, stack)


def mixture(**changes):
    return MixtureOfExperts(detector((4,), **changes), NoisyTopKGate(3, 4, 2))


@pytest.fixture
def two_threads(set_num_threads):
    set_num_threads(2)


@pytest.fixture
def small_chunks(monkeypatch):
    """Chunks of at most 60 numbers, 20 rows, and of 5 rows at least; who computed how many rows."""
    sizes = []
    monkeypatch.setattr(inference, "CHUNK", 60)
    monkeypatch.setattr(inference, "MIN_ROWS", 5)
    folding = inference.fold

    def fold(model):
        score = folding(model)
        return lambda x: sizes.append((threading.get_ident(), len(x))) or score(x)

    monkeypatch.setattr(inference, "fold", fold)
    return sizes


@pytest.mark.parametrize("make", [detector, mixture])
def test_chunks_give_what_one_pass_gives(make, two_threads, request):
    model = make()
    whole = Predictor(model)(X)
    sizes = request.getfixturevalue("small_chunks")
    np.testing.assert_array_equal(Predictor(model)(X), whole)
    assert len(sizes) > 1


@pytest.mark.parametrize("changes", [{"block": "mlp"}, {"tokens": "feature"}])
def test_experts_that_cannot_be_folded_are_not_mistaken_for_each_other_by_threads(changes, two_threads, monkeypatch):
    monkeypatch.setattr(inference, "MIN_ROWS", 100)
    monkeypatch.setattr(inference, "CHUNK", 600)
    model, rows = mixture(**changes), np.tile(X, (80, 1))
    torch.nn.init.normal_(model.gate.score.weight)
    expected = model(torch.as_tensor(rows)).detach()
    np.testing.assert_allclose(Predictor(model)(rows), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("n_rows", "expected"), [(4, [4]), (9, [9]), (10, [5, 5]), (39, [19, 20]), (50, [12, 12, 13, 13]), (120, [20] * 6)]
)
def test_rows_come_in_chunks_of_even_size_for_all_threads_and_none_is_too_large(
    n_rows, expected, two_threads, small_chunks
):
    Predictor(detector())(np.tile(X, (3, 1))[:n_rows])
    assert sorted(size for _, size in small_chunks) == expected
    assert len({thread for thread, _ in small_chunks}) <= 2


def test_the_number_of_threads_is_left_as_it_was(two_threads, small_chunks):
    for n_rows in (4, 50):
        Predictor(mixture())(X[:n_rows])
        assert torch.get_num_threads() == 2


@pytest.mark.parametrize("make", [detector, mixture])
def test_probabilities_are_the_model_s(make):
    model = make()
    expected = model(torch.as_tensor(X)).detach()
    scores = Predictor(model)(X)
    assert scores.dtype == np.float64
    np.testing.assert_allclose(scores, torch.sigmoid(expected) if make is detector else expected, rtol=1e-5)


@pytest.mark.parametrize("make", [detector, mixture])
def test_no_rows_give_no_scores(make):
    assert Predictor(make())(X[:0]).shape == (0,)


def test_training_rows_are_no_neighbours_of_themselves_when_experts_share_them():
    x, y = torch.as_tensor(X), torch.as_tensor(X[:, 0] > 0).float()
    hood = Neighbourhood.fit(x, y, 512, 1000, torch.Generator().manual_seed(0))
    described = hood.describe_training_rows(x, x[:0])
    experts = MambaDetector(PiecewiseLinearEncoding.fit(described.numpy(), 2), MambaConfig(d_model=8, bins=2), (4,))
    model = MixtureOfExperts(experts, NoisyTopKGate(described.shape[1], 4, 2), hood)
    torch.nn.init.normal_(model.gate.score.weight, generator=torch.Generator().manual_seed(0))
    chosen = model.gate(described)[1]
    expected = [float((chosen == expert).float().mean()) for expert in range(4)]
    np.testing.assert_allclose(expert_load(model, X, of_training=True), expected, rtol=1e-6)
    assert not np.allclose(expert_load(model, X), expected)


def test_expert_load_is_the_share_of_choices():
    model = mixture()
    with torch.no_grad():
        model.gate.score.weight.copy_(torch.tensor([[1.0, 0, 0], [-1.0, 0, 0], [0.0, 0, 0], [0.0, 0, 0]]))
        model.gate.score.weight[3, 0] = -2  # the order is 0, 2, 1, 3 for a positive feature, else reversed
    positive = (X[:, 0] > 0).mean()
    expected = np.array([positive, 1 - positive, positive, 1 - positive]) / 2
    np.testing.assert_allclose(expert_load(model, X), expected)
