from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm

from swift_hydra_kedro.models.encoding import ALL_VIEWS, MAX_INPUTS, NORMAL, PIECEWISE, SCALED, PiecewiseLinearEncoding

COLUMNS = arrays(np.float32, st.tuples(st.integers(3, 40), st.just(2)), elements=st.floats(-10, 10, width=16))


def normal_rows(n=200, n_features=3):
    return np.random.default_rng(0).normal(size=(n, n_features)).astype(np.float32)


def slowly(x, train, bins):
    """Encode by definition, one number at a time: positions in the bins, 0 for bins a feature lacks; normal scores."""
    columns, scores = list(x.T), []
    for values, column in zip(train.T, x.T, strict=True):
        ranked = sorted(values)
        edges = sorted({float(ranked[(len(ranked) - 1) * i // bins]) for i in range(bins + 1)})
        if len(edges) > 2:
            for low, high in pairwise(edges):
                columns.append([0 if v <= low else 1 if v >= high else (v - low) / (high - low) for v in column])
            columns += [np.zeros(len(x))] * (bins + 1 - len(edges))
            n = len(values)
            ranks = [(sum(values < edge) + sum(values <= edge)) / 2 / n for edge in edges]
            at_edges = norm.ppf([min(max(rank, 0.5 / n), 1 - 0.5 / n) for rank in ranks])
            scores.append(np.interp(column, edges, at_edges))
    return np.column_stack(columns + scores)


def edges_of(encoding, row=0):
    """Left and right edges of the bins that the `row`-th binned feature has."""
    inverse_width, offset = encoding.inverse_width[row], encoding.offset[row]
    used = inverse_width > 0
    return -offset[used] / inverse_width[used], (1 - offset[used]) / inverse_width[used]


@pytest.mark.parametrize("bins", [2, 5, 16])
def test_equals_the_definition_inside_and_outside_the_training_range(bins):
    train, x = normal_rows(), 2 * normal_rows(50)
    train[:, 1] = np.round(train[:, 1])  # ties: this feature has fewer bins
    encoded = PiecewiseLinearEncoding.fit(train, bins)(torch.as_tensor(x))
    np.testing.assert_allclose(encoded, slowly(x, train, bins), atol=1e-4)


@pytest.mark.parametrize("views", [(SCALED,), (SCALED, NORMAL), (SCALED, PIECEWISE), (PIECEWISE, NORMAL)])
def test_with_some_views_the_others_outputs_are_left_out(views):
    encoding, x = PiecewiseLinearEncoding.fit(normal_rows(), 4), torch.as_tensor(normal_rows(50))
    part, wanted = encoding.part(views), torch.isin(encoding.view_of_output, torch.tensor(views))
    assert torch.equal(part(x), encoding(x)[:, wanted])
    assert torch.equal(part.feature_of_output, encoding.feature_of_output[wanted])
    assert torch.equal(part.view_of_output, encoding.view_of_output[wanted])
    assert part.n_outputs == int(wanted.sum())


def test_of_the_first_features_the_others_outputs_are_left_out():
    train, x = normal_rows(), torch.as_tensor(normal_rows(50))
    train[:, 1] = train[:, 1] > 0  # no bins
    encoding = PiecewiseLinearEncoding.fit(train, 4)
    part, wanted = encoding.part(ALL_VIEWS, 2), encoding.feature_of_output < 2
    assert torch.equal(part(x[:, :2]), encoding(x)[:, wanted])
    assert torch.equal(part.feature_of_output, encoding.feature_of_output[wanted])
    assert part.n_outputs == int(wanted.sum()) == 2 + 4 + 1


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
    positions = encoded[:, encoding.view_of_output == PIECEWISE]
    assert ((positions >= 0) & (positions <= 1)).all()


@given(train=COLUMNS)
def test_bins_of_a_feature_join_without_a_gap(train):
    encoding = PiecewiseLinearEncoding.fit(train, 8)
    for row in range(len(encoding.binned)):
        left, right = edges_of(encoding, row)
        assert len(left) >= 2
        torch.testing.assert_close(right[:-1], left[1:], rtol=1e-4, atol=1e-4)


def test_edges_are_values_of_the_training_rows():
    train = normal_rows(30, 1)
    left, right = edges_of(PiecewiseLinearEncoding.fit(train, 8))
    distance = np.abs(torch.cat([left, right]).numpy()[:, None] - train[:, 0]).min(axis=1)
    np.testing.assert_allclose(distance, 0, atol=1e-6)


def test_is_continuous_at_the_edges():
    encoding = PiecewiseLinearEncoding.fit(normal_rows(n_features=1), 8).double()
    left, right = edges_of(encoding)
    edges = torch.cat([left, right]).unsqueeze(1)
    gap = 1e-9
    jump = encoding(edges + gap) - encoding(edges - gap)
    steepest = encoding.inverse_width.max() * max(1, encoding.score_step.max())
    assert (jump.abs() <= 2.1 * gap * steepest).all()


def test_gradient_reaches_the_feature_through_its_bins():
    encoding = PiecewiseLinearEncoding.fit(normal_rows(), 4).double()
    x = torch.tensor([[0.3, -0.2, 5.0]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(encoding, x)


@pytest.mark.parametrize("feature", [[0] * 5 + [1] * 5, [3] * 10], ids=["binary", "constant"])
def test_feature_of_one_or_two_values_gets_no_bins(feature):
    encoding = PiecewiseLinearEncoding.fit(np.column_stack([feature, range(10)]).astype(np.float32), 4)
    assert encoding.binned.tolist() == [1]


def test_without_a_feature_to_bin_rows_pass_unchanged():
    x = np.array([[0.0]] * 5 + [[1.0]] * 5, dtype=np.float32)
    encoding = PiecewiseLinearEncoding.fit(x, 16)
    assert torch.equal(encoding(torch.as_tensor(x)), torch.as_tensor(x))
    assert encoding.n_outputs == 1


def test_coinciding_quantiles_share_an_edge():
    x = np.array([[0.0]] * 60 + [[1.0]] * 20 + [[2.0]] * 20, dtype=np.float32)
    encoding = PiecewiseLinearEncoding.fit(x, 10)
    left, right = edges_of(encoding)
    assert left.tolist() == [0, 1]
    assert right.tolist() == [1, 2]
    assert torch.isfinite(encoding.inverse_width).all()


def test_wide_tables_get_fewer_bins():
    encoding = PiecewiseLinearEncoding.fit(normal_rows(50, 600), 16)
    assert encoding.n_outputs == 600 + 600 * (MAX_INPUTS // 600) + 600


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


def test_normal_scores_make_any_feature_normal():
    train = np.exp(2 * normal_rows(5000, 2))  # heavily skewed
    encoding = PiecewiseLinearEncoding.fit(train, 32)
    scores = encoding(torch.as_tensor(train))[:, encoding.view_of_output == NORMAL]
    np.testing.assert_allclose(scores.mean(0), 0, atol=0.05)
    np.testing.assert_allclose(scores.std(0), 1, atol=0.05)
