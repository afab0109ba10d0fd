import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from swift_hydra_kedro.detection.rows import NO_FOLD, common_batches, expert_batches, stratified_folds

from .toy import N_ANOMALOUS, N_NORMAL, experts_config, training_rows

SIZE, N_STEPS = 40, 50
FOLDS = np.array([0, 1, 2, 3, 4, 0])
CLUSTERS = np.array([0, 1, 2, 0, 1, 2])


def drawn(rows, folds=FOLDS, clusters=CLUSTERS, **settings):
    config = experts_config(**settings)
    config = config.model_copy(update={"training": config.training.model_copy(update={"batch_size": SIZE})})
    return expert_batches(rows, clusters, folds, config, N_STEPS, torch.Generator().manual_seed(0))


@given(n_normal=st.integers(0, 60), n_anomalous=st.integers(0, 20), n_folds=st.integers(2, 6))
def test_folds_share_each_class_evenly_or_there_are_none(n_normal, n_anomalous, n_folds):
    y = np.repeat([0, 1], [n_normal, n_anomalous])
    fold = stratified_folds(y, n_folds, np.random.default_rng(0))
    if min(n_normal, n_anomalous) < n_folds:
        assert (fold == NO_FOLD).all()
    else:
        for label in (0, 1):
            sizes = np.bincount(fold[y == label], minlength=n_folds)
            assert len(sizes) == n_folds
            assert sizes.max() - sizes.min() <= 1


def test_folds_do_not_follow_the_order_of_the_rows(rng):
    fold = stratified_folds(np.repeat([0, 1], 50), 5, rng)
    assert not np.array_equal(fold, np.arange(100) % 5)
    assert not np.array_equal(fold, stratified_folds(np.repeat([0, 1], 50), 5, rng))


def test_table_knows_whether_it_has_folds():
    assert training_rows().has_folds
    assert not training_rows(folds=None).has_folds


def test_an_expert_never_draws_a_row_that_it_holds_out():
    rows = training_rows()
    index = drawn(rows)
    assert index.shape == (N_STEPS, 6, SIZE)
    for expert, fold in enumerate(FOLDS):
        of_expert = index[:, expert].flatten()
        assert (rows.fold[of_expert] != int(fold)).all()
        assert set(rows.fold[of_expert].tolist()) == {-1, 0, 1, 2, 3, 4} - {int(fold)}


def test_without_folds_every_row_is_drawn():
    rows = training_rows(folds=None)
    index = drawn(rows, folds=np.full(6, NO_FOLD))
    assert set(index.flatten().tolist()) == set(range(len(rows.y)))


def test_half_of_every_batch_is_anomalous():
    rows = training_rows()
    assert (rows.y[drawn(rows)].sum(-1) == SIZE // 2).all()


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0), (0.2, 4), (0.5, 10)])
def test_synthetic_share_of_the_anomalies_holds_in_every_batch(share, expected):
    rows = training_rows()
    assert (rows.synthetic[drawn(rows, synthetic_share=share)].sum(-1) == expected).all()


def test_without_synthetic_rows_real_anomalies_fill_their_place():
    rows = training_rows(n_synthetic=0)
    assert (rows.y[drawn(rows, synthetic_share=0.5)].sum(-1) == SIZE // 2).all()


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_cluster_share_holds(share):
    rows = training_rows()
    index = drawn(rows, cluster_share=share)
    own = rows.cluster[index] == torch.as_tensor(CLUSTERS).unsqueeze(1)
    expected = share + (1 - share) / 3  # what comes from everywhere is of the own cluster by a third
    assert float(own.float().mean()) == pytest.approx(expected, abs=0.03)


def test_a_cluster_of_one_class_still_gives_both():
    rows = training_rows()
    rows.cluster[:] = rows.y.long()
    index = drawn(rows, clusters=np.array([0, 0, 0, 1, 1, 1]), cluster_share=1.0)
    assert (rows.y[index].sum(-1) == SIZE // 2).all()


def test_an_empty_cluster_draws_from_everywhere():
    rows = training_rows()
    index = drawn(rows, clusters=np.full(6, 7), cluster_share=1.0)
    assert set(rows.cluster[index].flatten().tolist()) == {0, 1, 2}


def test_experts_draw_different_batches(generator):
    index = drawn(training_rows(), folds=np.zeros(6, int), clusters=np.zeros(6, int))
    assert not torch.equal(index[:, 0], index[:, 1])


def test_common_batches_hold_all_rows_and_half_anomalies(generator):
    rows = training_rows()
    index = common_batches(rows, experts_config(synthetic_share=0.2), SIZE, N_STEPS, generator)
    assert index.shape == (N_STEPS, SIZE)
    assert (rows.y[index].sum(1) == SIZE // 2).all()
    assert (rows.synthetic[index].sum(1) == 4).all()
    assert set(index.flatten().tolist()) == set(range(len(rows.y)))
    assert len(rows.y) > N_NORMAL + N_ANOMALOUS
