import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from swift_hydra_kedro.models.batches import batches, draw, mixup, trim


def labels(n_normal, n_anomalous):
    return torch.cat([torch.zeros(n_normal), torch.ones(n_anomalous)])


@given(n_normal=st.integers(0, 30), n_anomalous=st.integers(0, 30), seed=st.integers(0, 99))
def test_trim_keeps_the_smaller_class_s_number_of_each_without_replacement(n_normal, n_anomalous, seed):
    label = labels(n_normal, n_anomalous)
    kept = trim(label, torch.Generator().manual_seed(seed))
    smaller = min(n_normal, n_anomalous)
    assert len(set(kept.tolist())) == len(kept) == 2 * smaller
    assert label[kept].sum() == smaller


def test_trim_draws_other_rows_of_the_larger_class_for_other_seeds(generator):
    label = labels(100, 5)
    first, second = (set(trim(label, generator).tolist()) for _ in range(2))
    assert first != second
    assert first & second >= set(range(100, 105))


def test_trim_shuffles_the_classes_together(generator):
    label = labels(50, 50)
    first_half = label[trim(label, generator)[:50]]
    assert 10 < first_half.sum() < 40


def test_draw_returns_members_of_the_pool_only(generator):
    pool = torch.tensor([3, 5, 8])
    drawn = draw(pool, (20, 10), generator)
    assert drawn.shape == (20, 10)
    assert set(drawn.flatten().tolist()) == {3, 5, 8}


@pytest.mark.parametrize("size", [8, 9])
def test_balanced_batches_hold_half_anomalies(generator, size):
    label = labels(95, 5)
    index = batches(label, 12, size, True, generator)
    assert index.shape == (12, size)
    assert (label[index].sum(1) == size // 2).all()


def test_unbalanced_batches_hold_the_table_s_share(generator):
    label = labels(80, 20)
    share = label[batches(label, 100, 100, False, generator)].mean()
    assert share == pytest.approx(0.2, abs=0.02)


def test_one_class_alone_is_drawn_as_it_is(generator):
    assert batches(labels(7, 0), 3, 4, True, generator).shape == (3, 4)


def test_every_row_is_drawn_sooner_or_later(generator):
    index = batches(labels(20, 3), 100, 8, True, generator)
    assert set(index.flatten().tolist()) == set(range(23))


def coefficients(beta, generator, n_stack, y, weight):
    """What each mixed row is made of, `(n_stack, 6, 6)`: the rows are unit vectors, so they tell."""
    return mixup(torch.eye(6).expand(n_stack, 6, 6), y.expand(n_stack, 6), weight.expand(n_stack, 6), beta, generator)


@given(beta=st.floats(0.01, 5), seed=st.integers(0, 99))
def test_mixed_rows_labels_and_weights_are_the_same_convex_mix_of_two(beta, seed):
    y, weight = torch.tensor([0.0, 1, 0, 1, 1, 0]), torch.tensor([1.0, 2, 3, 4, 5, 6])
    share, mixed_y, mixed_weight = coefficients(beta, torch.Generator().manual_seed(seed), 3, y, weight)
    assert (share >= 0).all()
    assert ((share > 0).sum(-1) <= 2).all()
    torch.testing.assert_close(share.sum(-1), torch.ones(3, 6))
    torch.testing.assert_close(mixed_y, share @ y)
    torch.testing.assert_close(mixed_weight, share @ weight)


@pytest.mark.parametrize("beta", [0.4, 2.0])
def test_mixing_ratios_are_beta_distributed(generator, beta):
    share, _, _ = coefficients(beta, generator, 500, torch.ones(6), torch.ones(6))
    own = share.diagonal(dim1=1, dim2=2)  # (500, 6), 1 where a row is its own partner
    ratio = own[:, (own < 1).any(0)].flatten()
    assert len(ratio) >= 1000
    assert stats.kstest(ratio.numpy(), stats.beta(beta, beta).cdf).pvalue > 0.01


def test_zero_switches_mixup_off(generator):
    x, y, weight = torch.randn(4, 2), torch.ones(4), torch.ones(4)
    before = generator.get_state()
    assert all(a is b for a, b in zip(mixup(x, y, weight, 0, generator), (x, y, weight), strict=True))
    assert torch.equal(generator.get_state(), before)
