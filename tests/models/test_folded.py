"""What scores is the same function as what was trained, in less time, and row by row the same bits."""

from unittest.mock import Mock

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from swift_hydra_kedro.config import AdditiveConfig, MambaConfig
from swift_hydra_kedro.models import folded
from swift_hydra_kedro.models.calibration import Calibration
from swift_hydra_kedro.models.detector import MambaDetector
from swift_hydra_kedro.models.encoding import PiecewiseLinearEncoding
from swift_hydra_kedro.models.layers import MULTIPLE
from swift_hydra_kedro.models.mome import MixtureOfExperts, NoisyTopKGate
from swift_hydra_kedro.models.neighbours import N_DESCRIBED, Neighbourhood

N_EXPERTS, N_FEATURES = 5, 4
EDGES = 1e-7  # edges are kept in single precision: by so little do bins overlap, where plain and folded differ
CONFIG = MambaConfig(d_model=8, d_state=4, bins=3, depth=2, additive=AdditiveConfig())


def fold(model):
    """What gives the probabilities of rows."""
    score = folded.fold(model)
    return lambda x: score(x)[0]


def rows(n=200, seed=0):
    x = torch.randn(n, N_FEATURES, generator=torch.Generator().manual_seed(seed))
    x[:, 1] = (x[:, 1] > 0).float()  # two values: no bins
    return x


def detector(stack=(), n_more=0, **changes):
    torch.manual_seed(0)
    x = torch.cat([rows(), torch.randn(200, n_more)], dim=1)
    config = CONFIG.model_copy(update=changes)
    made = MambaDetector(PiecewiseLinearEncoding.fit(x.numpy(), config.bins), config, stack)
    with torch.no_grad():  # gains and the additive path start as ones and noughts
        for parameter in made.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return made


def mixture(n_experts=N_EXPERTS, top_k=2, neighbours=False, **changes):
    n_more = 2 * N_DESCRIBED[2] if neighbours else 0
    experts = detector((n_experts,), n_more, **changes)
    hood = None
    if neighbours:
        x = rows()
        hood = Neighbourhood.fit(x, (x[:, 0] > 0.5).float(), 20, 1000, torch.Generator().manual_seed(0))
    made = MixtureOfExperts(experts, NoisyTopKGate(N_FEATURES + n_more, n_experts, top_k), hood)
    made.calibration = Calibration(1.5, -2.0)
    return made.requires_grad_(False)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"additive": None},
        {"depth": 1, "d_model": 5},
        {"d_conv": 1},
        {"bins": 0},
        {"tokens": "feature"},
        {"block": "mlp"},
        {"block": "transformer"},
    ],
)
def test_a_folded_detector_is_the_detector(changes):
    plain = detector(**changes).double()
    x = rows().double()
    expected = torch.sigmoid(plain(x)).detach()
    torch.testing.assert_close(fold(plain)(x), expected, rtol=EDGES, atol=1e-14)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, folded.FoldedDetectors),
        ({"tokens": "feature"}, folded.PlainDetectors),
        ({"block": "mlp"}, folded.PlainDetectors),
    ],
)
def test_mamba_blocks_over_one_token_are_folded(changes, kind):
    assert isinstance(folded.fold(detector(**changes)).experts.compute, kind)


@pytest.mark.parametrize("neighbours", [False, True])
@pytest.mark.parametrize("top_k", [1, 2, N_EXPERTS])
@pytest.mark.parametrize("tokens", ["record", "feature"])
def test_a_folded_mixture_is_the_mixture(top_k, neighbours, tokens):
    plain = mixture(top_k=top_k, neighbours=neighbours, tokens=tokens).double()
    x = rows(seed=1).double()
    torch.testing.assert_close(fold(plain)(x), plain(x), rtol=EDGES, atol=1e-14)


def test_scores_in_single_precision_are_those_in_double_but_for_rounding():
    single, x = mixture(neighbours=True), rows(seed=1)
    expected = mixture(neighbours=True).double()(x.double())
    torch.testing.assert_close(fold(single)(x), expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("d_model", [16, 32])
@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 199), min_size=1, max_size=60), st.booleans())
def test_the_score_of_a_row_does_not_depend_on_its_company(d_model, members, neighbours):
    score, x = fold(mixture(20, neighbours=neighbours, d_model=d_model, d_state=16)), rows(seed=1)
    assert torch.equal(score(x[members]), score(x)[members])


@pytest.mark.parametrize("make", [mixture, detector])
def test_nor_does_it_depend_on_how_many_rows_there_are(make):
    score = fold(make(20 if make is mixture else (), d_model=16, d_state=16))
    few, many = rows(300, seed=1), rows(60_000, seed=1)
    many[:300] = few
    assert torch.equal(score(many)[:300], score(few))
    assert torch.equal(score(many)[:5000], score(many[:5000]))


@pytest.mark.parametrize(
    ("changes", "tolerance"), [({"tokens": "feature"}, 1e-10), ({"d_model": 5}, 1e-5), ({"n_experts": 3}, 1e-5)]
)
def test_of_many_tokens_or_in_narrow_layers_company_changes_no_more_than_the_rounding(changes, tolerance):
    score, x = fold(mixture(**changes)), rows(seed=1)
    alone = torch.cat([score(row) for row in x.split(1)])
    torch.testing.assert_close(alone, score(x), rtol=tolerance, atol=tolerance)


def rows_computed(model, x):
    """Rows that pass the experts, over all of their calls."""
    score = folded.fold(model)
    own = score.experts.compute
    compute = score.experts.compute = Mock(wraps=own, rows_at_once=own.rows_at_once, n_weights=own.n_weights)
    score(x)
    return sum(call.args[0].x[..., 0].numel() for call in compute.call_args_list)


def test_experts_that_are_never_chosen_change_nothing_and_cost_nothing():
    small, large, x = mixture(3), mixture(33), rows().abs() + 0.1
    for name, value in small.experts.named_parameters():
        large.experts.get_parameter(name)[:3] = value
    large.gate.score.weight.fill_(-100)
    large.gate.score.weight[:3] = small.gate.score.weight
    torch.testing.assert_close(fold(large)(x), fold(small)(x), rtol=1e-6, atol=1e-8)
    assert rows_computed(large, x) == rows_computed(small, x)


@pytest.mark.parametrize("n", [1, 40, 1000, 3000, 50_000])
def test_each_row_is_computed_by_its_k_experts_alone(n):
    x = rows(n)
    filled = 2 * (n + MULTIPLE - 1)  # to the rows come copies, and to an expert's again
    most = filled + max(N_EXPERTS * (MULTIPLE - 1), filled // folded.BLOCKS_OF_AN_EXPERT)
    assert 2 * n <= rows_computed(mixture(), x) <= most


def test_the_experts_of_a_row_are_those_that_the_gate_chooses():
    model, x = mixture(), rows(seed=1)
    assert torch.equal(folded.fold(model)(x)[1], model.gate(x)[1])
    assert folded.fold(detector())(x)[1].tolist() == [[0]] * len(x)


def test_no_rows_give_no_scores():
    assert fold(mixture())(rows()[:0]).shape == (0,)
    assert fold(detector())(rows()[:0]).shape == (0,)


def test_rows_that_take_several_parts_to_be_located_are_where_they_are(monkeypatch):
    encoding, x = detector().encoding, rows()
    at_once = folded.Bins(encoding)(x)
    monkeypatch.setattr(folded, "LOCATED_AT_ONCE", 64)
    assert all(map(torch.equal, folded.Bins(encoding)(x), at_once))
