import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from swift_hydra_kedro.config import NeighboursConfig
from swift_hydra_kedro.detection.rows import (
    TrainingRows,
    blur_described,
    common_batches,
    draw_bags,
    expert_batches,
    noise_of_described,
    pools,
)
from swift_hydra_kedro.models.neighbours import N_DESCRIBED

from .toy import N_ANOMALOUS, N_NORMAL, experts_config, training_rows

SIZE, N_STEPS = 40, 50
CLUSTERS = np.array([0, 1, 2, 0, 1, 2])


def bags_of(rows, bootstrap=True, n_experts=6):
    return draw_bags(rows, n_experts, bootstrap, torch.Generator().manual_seed(1))


def drawn(rows, bags=None, clusters=CLUSTERS, n_before=0, **settings):
    config = experts_config(**settings)
    config = config.model_copy(update={"training": config.training.model_copy(update={"batch_size": SIZE})})
    bags = bags_of(rows, bootstrap=False) if bags is None else bags
    own = [pools(rows, bag, int(cluster)) for bag, cluster in zip(bags, clusters, strict=True)]
    return expert_batches(own, config, N_STEPS, torch.Generator().manual_seed(0), n_before)


def test_a_bag_is_a_bootstrap_sample_of_each_kind():
    rows = training_rows()
    for bag in bags_of(rows):
        assert list(map(len, bag)) == [int(mask.sum()) for mask in rows.kinds]
        assert all(mask[kind].all() for mask, kind in zip(rows.kinds, bag, strict=True))
        assert 0.5 < len(bag.rows.unique()) / len(bag.rows) < 0.75  # 1 - 1/e is expected


def test_bags_differ_between_experts_and_without_bootstrap_hold_all_rows():
    rows = training_rows()
    first, second, *_ = bags_of(rows)
    assert not torch.equal(first.rows, second.rows)
    assert all(bag.rows.sort().values.tolist() == list(range(len(rows.y))) for bag in bags_of(rows, bootstrap=False))


def test_the_only_anomaly_is_in_every_bag():
    rows = training_rows(n_synthetic=0)
    rows.y[N_NORMAL + 1 :] = 0
    assert all(int(rows.y[bag.rows].sum()) == 1 for bag in bags_of(rows))


def test_an_expert_draws_every_row_of_its_bag_and_no_other():
    rows = training_rows()
    bags = bags_of(rows)
    index = drawn(rows, bags)
    assert index.shape == (N_STEPS, 6, SIZE)
    for expert, bag in enumerate(bags):
        assert set(index[:, expert].flatten().tolist()) == set(bag.rows.tolist())


def test_half_of_every_batch_is_anomalous():
    rows = training_rows()
    assert (rows.y[drawn(rows)].sum(-1) == SIZE // 2).all()


@pytest.mark.parametrize(
    ("n_synthetic", "share", "n_full", "worth", "expected"),
    [
        (30, 0.0, 1, 8, 0),
        (30, 0.2, 1, 8, 4),  # that share at most
        (30, 0.2, 60, 8, 2),  # half as many as were wanted
        (30, 0.5, 1, 8, 20 * 8 / 28),  # as much as 8 of the 20 real ones and 8 more
        (30, 0.5, 1, 100, 10),
        (1, None, 1, 8, 20 / 21),  # as often as a real one
        (5, 0.5, 1, 8, 20 * 5 / 25),  # none more often than a real one
        (30, None, 60, 8, 20 * 30 / 50),  # all alike
        (0, 0.5, 1, 8, 0),
        (0, None, 1, 8, 0),
    ],
)
def test_share_of_synthetic_rows_among_the_anomalies_of_every_batch(n_synthetic, share, n_full, worth, expected):
    rows = training_rows(n_synthetic)
    index = drawn(rows, synthetic_share=share, full_share_rows=n_full, synthetic_worth=worth)
    taken = rows.synthetic[index].sum(-1)
    assert set(taken.flatten().tolist()) <= {math.floor(expected), math.ceil(expected)}
    assert (taken.sum(0) == math.ceil(N_STEPS * expected)).all()
    assert (rows.y[index].sum(-1) == SIZE // 2).all()


@pytest.mark.parametrize(
    ("n_synthetic", "n_full", "worth", "due"),
    [(2, 20, 8, 0.5), (2, 600, 8, 1 / 60), (30, 1, 0.5, 20 * 0.5 / 20.5), (30, 1, 2, 20 * 2 / 22)],
)
def test_synthetic_rows_are_never_behind_what_they_are_due_nor_a_whole_place_ahead(n_synthetic, n_full, worth, due):
    rows = training_rows(n_synthetic)
    index = drawn(rows, synthetic_share=0.25, full_share_rows=n_full, synthetic_worth=worth)
    ahead = rows.synthetic[index].sum(-1).cumsum(0).T - due * torch.arange(1, N_STEPS + 1)
    assert ahead.min() > -1e-6
    assert ahead.max() < 1 + 1e-6
    assert (rows.y[index].sum(-1) == SIZE // 2).all()


def test_steps_before_count_for_which_batches_have_a_synthetic_row():
    rows, settings = training_rows(30), {"synthetic_share": 0.25, "full_share_rows": 1, "synthetic_worth": 0.25}
    whole = rows.synthetic[drawn(rows, **settings)].sum(-1)
    for n_before in range(9):
        taken = rows.synthetic[drawn(rows, n_before=n_before, **settings)].sum(-1)
        assert torch.equal(taken[: N_STEPS - n_before], whole[n_before:])


def test_synthetic_rows_take_the_places_of_anomalies_and_change_no_other_draw():
    with_, without = training_rows(n_synthetic=30), training_rows(n_synthetic=0)
    indices = [
        drawn(rows, bags_of(rows), synthetic_share=0.5, full_share_rows=30, synthetic_worth=100)
        for rows in (with_, without)
    ]
    is_synthetic = with_.synthetic[indices[0]]
    assert (is_synthetic.sum(-1) == SIZE // 4).all()
    assert torch.equal(indices[0][~is_synthetic], indices[1][~is_synthetic])


def test_the_few_rows_of_a_kind_in_a_cluster_are_not_drawn_over_and_over():
    rows = training_rows()
    rows.cluster[:] = 0
    rows.cluster[[0, N_NORMAL]] = 1  # a normal row and an anomaly
    index = drawn(rows, clusters=np.ones(6), cluster_share=0.9)
    for row, n in ((0, N_NORMAL), (N_NORMAL, N_ANOMALOUS)):
        assert float((index == row).float().sum(-1).mean()) < 3.2 * (SIZE / 2) / n


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
    index = drawn(training_rows(), clusters=np.zeros(6, int))
    assert not torch.equal(index[:, 0], index[:, 1])


def test_common_batches_hold_all_rows_and_half_anomalies(generator):
    rows = training_rows()
    index = common_batches(rows, experts_config(synthetic_share=0.2), SIZE, N_STEPS, generator)
    assert index.shape == (N_STEPS, SIZE)
    assert (rows.y[index].sum(1) == SIZE // 2).all()
    assert (rows.synthetic[index].sum(1) == 4).all()
    assert set(index.flatten().tolist()) == set(range(len(rows.y)))
    assert len(rows.y) > N_NORMAL + N_ANOMALOUS


@pytest.mark.parametrize(("n_anomalous", "expected"), [(100, 0.8), (400, 0.4), (1600, 0.2)])  # of 100 normal rows
def test_what_neighbours_say_is_the_noisier_the_fewer_the_rows(n_anomalous, expected):
    y = (torch.arange(100 + n_anomalous) >= 100).float()
    synthetic = torch.zeros_like(y, dtype=torch.bool)
    rows = TrainingRows(y.unsqueeze(1), y, torch.ones_like(y), torch.zeros_like(y), synthetic, N_DESCRIBED[2])
    config = experts_config(neighbours=NeighboursConfig(min_rows=100, noise=0.8))
    assert noise_of_described(rows, config) == pytest.approx(expected)
    for n_spaces in (1, 2):
        of_normal_rows_alone = replace(rows, n_described=n_spaces * N_DESCRIBED[1])
        assert noise_of_described(of_normal_rows_alone, config) == pytest.approx(0.8)
    assert noise_of_described(replace(rows, n_described=0), config) == 0
    assert noise_of_described(rows, experts_config(neighbours=None)) == 0


def test_the_noise_falls_on_what_neighbours_say_alone():
    x = torch.zeros(4, 5000, 3)
    blurred = blur_described(x, 2, 0.5, torch.Generator().manual_seed(0))
    assert (blurred[..., 0] == 0).all()
    np.testing.assert_allclose(blurred[..., 1:].std((0, 1)), 0.5, rtol=0.05)
    assert (x == 0).all()
    assert blur_described(x, 2, 0.0, torch.Generator()) is x
