from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from swift_hydra_kedro.models.encoding import MAX_INPUTS, PiecewiseLinearEncoding

COLUMNS = arrays(np.float32, st.tuples(st.integers(3, 40), st.just(2)), elements=st.floats(-10, 10, width=16))


def normal_rows(n=200, n_features=3):
    return np.random.default_rng(0).normal(size=(n, n_features)).astype(np.float32)


def slowly(x, train, bins):
    """Encode by definition: each feature's position in each of its bins, one number at a time."""
    columns = list(x.T)
    for values, column in zip(train.T, x.T, strict=True):
        edges = sorted(set(np.quantile(values, np.linspace(0, 1, bins + 1))))
        if len(edges) > 2:
            for low, high in pairwise(edges):
                columns.append([0 if v <= low else 1 if v >= high else (v - low) / (high - low) for v in column])
    return np.column_stack(columns)


@pytest.mark.parametrize("bins", [2, 5, 16])
def test_equals_the_definition_inside_and_outside_the_training_range(bins):
    train, x = normal_rows(), 2 * normal_rows(50)
    encoded = PiecewiseLinearEncoding.fit(train, bins)(torch.as_tensor(x))
    np.testing.assert_allclose(encoded, slowly(x, train, bins), atol=1e-4)


def test_zero_bins_are_the_features_alone():
    encoding = PiecewiseLinearEncoding.fit(normal_rows(), 0)
    x = torch.as_tensor(normal_rows())
    assert torch.equal(encoding(x), x)
    assert encoding.n_outputs == 3


def test_stacked_rows_are_encoded_alike():
    encoding = PiecewiseLinearEncoding.fit(normal_rows(), 4)
    x = torch.as_tensor(normal_rows(6)).reshape(2, 3, 3)
    torch.testing.assert_close(encoding(x).flatten(0, 1), encoding(x.flatten(0, 1)))


@given(train=COLUMNS, bins=st.integers(1, 8))
def test_is_monotone_and_its_bins_lie_between_zero_and_one(train, bins):
    encoding = PiecewiseLinearEncoding.fit(train, bins)
    line = torch.linspace(-12, 12, 500).unsqueeze(1).expand(-1, 2)
    encoded = encoding(line)
    assert (encoded.diff(dim=0) >= 0).all()
    assert ((encoded[:, 2:] >= 0) & (encoded[:, 2:] <= 1)).all()


@given(train=COLUMNS)
def test_bins_of_a_feature_join_without_a_gap(train):
    encoding = PiecewiseLinearEncoding.fit(train, 8)
    for feature in range(2):
        own = encoding.column == feature
        right = encoding.left[own] + 1 / encoding.inverse_width[own]
        torch.testing.assert_close(right[:-1], encoding.left[own][1:], rtol=1e-4, atol=1e-4)


def test_is_continuous_at_the_edges():
    encoding = PiecewiseLinearEncoding.fit(normal_rows(n_features=1), 8).double()
    edges = encoding.left.unsqueeze(1)
    gap = 1e-9
    jump = encoding(edges + gap) - encoding(edges - gap)
    assert (jump.abs() <= 2.1 * gap * encoding.inverse_width.max()).all()


def test_gradient_reaches_the_feature_through_its_bins():
    encoding = PiecewiseLinearEncoding.fit(normal_rows(), 4).double()
    x = torch.tensor([[0.3, -0.2, 5.0]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(encoding, x)


@pytest.mark.parametrize("feature", [[0, 1, 0, 0, 1, 1, 0], [3] * 7], ids=["binary", "constant"])
def test_feature_of_one_or_two_values_gets_no_bins(feature):
    encoding = PiecewiseLinearEncoding.fit(np.column_stack([feature, range(7)]).astype(np.float32), 4)
    assert encoding.column.tolist() == [1] * 4


def test_coinciding_quantiles_share_an_edge():
    x = np.array([[0.0]] * 90 + [[1.0]] * 5 + [[2.0]] * 5, dtype=np.float32)
    encoding = PiecewiseLinearEncoding.fit(x, 10)
    assert torch.isfinite(encoding.inverse_width).all()
    assert len(encoding.column) < 10
    assert encoding.left.tolist() == sorted(set(encoding.left.tolist()))


def test_wide_tables_get_fewer_bins():
    encoding = PiecewiseLinearEncoding.fit(normal_rows(50, 600), 16)
    assert encoding.n_outputs == 600 + 600 * (MAX_INPUTS // 600)


def test_each_output_names_its_feature():
    encoding = PiecewiseLinearEncoding.fit(normal_rows(), 4)
    x = torch.as_tensor(normal_rows(1))
    for feature in range(3):
        changed = x.clone()
        changed[0, feature] = -changed[0, feature]
        moved = (encoding(changed) != encoding(x))[0]
        assert moved.any()
        assert (encoding.feature_of_output[moved] == feature).all()


def test_state_dict_round_trip():
    encoding = PiecewiseLinearEncoding.fit(normal_rows(), 4)
    other = PiecewiseLinearEncoding.fit(2 * normal_rows(), 4)
    other.load_state_dict(encoding.state_dict())
    x = torch.as_tensor(normal_rows())
    assert torch.equal(other(x), encoding(x))
