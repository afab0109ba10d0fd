import numpy as np
import pytest
import torch
import torch.nn.functional as F
from rtdl_num_embeddings import PiecewiseLinearEmbeddings, compute_bins
from sklearn.utils.estimator_checks import parametrize_with_checks
from tabm import TabM

from swift_hydra_kedro.baselines.detectors.tabm import TabMDetector, bin_edges
from swift_hydra_kedro.models.batches import batches
from swift_hydra_kedro.models.layers import seeded_init
from swift_hydra_kedro.models.runtime import stage_generators


@parametrize_with_checks(
    [TabMDetector(k=2, d_block=8, max_steps=20, batch_size=16, learning_rate=1e-2, device="cpu", random_state=0)]
)
def test_keeps_scikit_learns_rules(estimator, check):
    check(estimator)


def table(n_features=3):
    x = np.random.default_rng(0).normal(size=(60, n_features)).astype(np.float32)
    return x, (np.arange(60) < 4).astype(int)


def test_two_steps_are_those_of_the_library_used_by_hand():
    x, y = table()
    rows, label = torch.as_tensor(x), torch.as_tensor(y, dtype=torch.float32)
    generator = stage_generators(5, "TabMDetector", torch.device("cpu")).torch
    with seeded_init(generator):
        embeddings = PiecewiseLinearEmbeddings(compute_bins(rows, 48), 16, activation=False, version="B")
        network = TabM.make(n_num_features=3, d_out=1, num_embeddings=embeddings, k=4, d_block=16)
        optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=3e-4)
        for batch in batches(label, 2, 16, True, generator):
            optimiser.zero_grad()
            logits = network(rows[batch])  # (B, k, 1)
            losses = [F.binary_cross_entropy_with_logits(logits[:, k, 0], label[batch]) for k in range(4)]
            (sum(losses) / 4).backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
    network.eval()
    expected = torch.sigmoid(network(rows)).mean(1).flatten().detach()
    detector = TabMDetector(k=4, d_block=16, max_steps=2, batch_size=16, device="cpu", random_state=5).fit(x, y)
    np.testing.assert_allclose(detector.decision_function(x) + detector.offset_, expected, rtol=1e-5)


@pytest.mark.parametrize("rounded", [0, 1, 6])
def test_bins_are_the_librarys_where_all_columns_vary(rounded):
    x = torch.as_tensor(np.random.default_rng(0).normal(size=(500, 4)).round(rounded), dtype=torch.float32)
    for ours, theirs in zip(bin_edges(x), compute_bins(x, 48), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("value", [0.0, -3.0, 1e8])
def test_a_constant_column_has_one_bin_that_starts_there(value):
    (edges,) = bin_edges(torch.full((10, 1), value))
    assert edges[0] == value < edges[1]
    assert len(edges) == 2


@pytest.mark.filterwarnings("error")
def test_rows_far_out_flags_and_constant_columns_have_finite_scores():
    x, y = table()
    x[:, 1], x[:, 2] = 0, np.arange(60) % 2
    x[0, 0] = 1e5
    detector = TabMDetector(k=2, d_block=8, max_steps=10, device="cpu", random_state=0).fit(x, y)
    assert np.isfinite(detector.decision_function(np.vstack([x, -1e5 * np.ones((1, 3))]))).all()


@pytest.mark.parametrize(("n_features", "d_embedding"), [(3, 16), (512, 8), (1500, 2)])
def test_embeddings_are_smaller_in_wide_tables(n_features, d_embedding):
    x, y = table(n_features)
    detector = TabMDetector(k=2, d_block=4, max_steps=1, batch_size=4, device="cpu", random_state=0).fit(x, y)
    assert detector.network_.num_module.get_output_shape() == (n_features, d_embedding)
    assert np.isfinite(detector.decision_function(x)).all()
