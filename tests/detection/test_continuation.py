from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from swift_hydra_kedro.detection.clustering import Clusters
from swift_hydra_kedro.detection.continuation import UNKNOWN, Earlier, RowKeys
from swift_hydra_kedro.detection.experts import fit_experts
from swift_hydra_kedro.detection.gating import fit_mixture
from swift_hydra_kedro.models.encoding import PiecewiseLinearEncoding

from .toy import CONFIG, N_ANOMALOUS, N_NORMAL, training_rows

N_REAL, N_MEMBERS = N_NORMAL + N_ANOMALOUS, 6
CLUSTERS = np.arange(N_MEMBERS) % 3
KEPT = np.r_[:60, N_NORMAL : N_NORMAL + 15]  # rows of the earlier training
STILL = CONFIG.model_copy(  # a single step that changes nothing
    update={
        "experts": CONFIG.experts.model_copy(
            update={
                "continued": 1e-6,
                "training": CONFIG.experts.training.model_copy(update={"learning_rate": 1e-30}),
                "mamba": CONFIG.experts.mamba.model_copy(
                    update={"additive": CONFIG.experts.mamba.additive.model_copy(update={"learning_rate": 1e-30})}
                ),
            }
        )
    }
)


def train(rows, config=CONFIG, earlier=None, seed=0):
    encoding = PiecewiseLinearEncoding.fit(rows.x.numpy(), config.experts.mamba.bins)
    if earlier is not None:
        encoding = earlier.committee.members.encoding
    generator = torch.Generator().manual_seed(seed)
    return fit_experts(rows, CLUSTERS, encoding, config.experts, generator, earlier=earlier)


@pytest.fixture(scope="module")
def earlier():
    rows = training_rows(n_synthetic=0)
    few = replace(rows, **{name: value[KEPT] for name, value in vars(rows).items() if name != "n_described"})
    trained = train(few)
    mixture, _ = fit_mixture(trained.committee, few, CONFIG, torch.Generator().manual_seed(0))
    clusters = Clusters(np.zeros((3, 4), np.float32), (1.0,))
    return Earlier(trained.committee, mixture, clusters, CLUSTERS, RowKeys.of(few.x.numpy()), trained.drawn)


@given(st.permutations(range(6)), st.integers(0, 6))
def test_rows_are_found_wherever_they_are(order, n_left):
    x = np.float32([[0, 0], [0, 0], [1, 0], [0, 1], [0, 0], [1, 0]])
    left = list(order)[:n_left]
    place = RowKeys.of(x[left]).places_in(RowKeys.of(x))
    np.testing.assert_array_equal(x[place], x[left])
    assert len(set(place)) == n_left  # each copy is another row
    assert RowKeys.of(x[left]).hold(RowKeys.of(x)).sum() == n_left


def test_other_rows_are_not_found():
    known, other = RowKeys.of(np.float32([[1, 2], [3, 4]])), RowKeys.of(np.float32([[1, 3], [3, 4], [3, 4]]))
    assert other.places_in(known).tolist() == [UNKNOWN, 1, UNKNOWN]


def test_minus_zero_is_zero():
    assert RowKeys.of(np.float32([[-0.0]])).places_in(RowKeys.of(np.float32([[0.0]]))).tolist() == [0]


def test_known_rows_are_drawn_by_the_networks_that_had_them(earlier):
    drawn = earlier.drawn_now(training_rows(), torch.Generator().manual_seed(5)).numpy()
    assert drawn.shape == (N_MEMBERS, N_REAL)
    np.testing.assert_array_equal(drawn[:, KEPT], earlier.drawn)


def test_new_rows_are_drawn_as_often_as_a_bootstrap_does(earlier):
    rows = training_rows(n_synthetic=0)
    many = replace(rows, x=torch.randn(4000, 4), y=(torch.arange(4000) < 50).float(), synthetic=torch.zeros(4000) > 0)
    drawn = earlier.drawn_now(many, torch.Generator().manual_seed(5))
    assert drawn.float().mean(1).numpy() == pytest.approx(1 - np.exp(-1), abs=0.04)


def test_a_network_without_a_row_of_a_class_gets_some(earlier):
    rows = training_rows(n_synthetic=0)
    rows.y[:] = 0
    undrawn = int(np.argmin(earlier.drawn.sum(0)))
    rows.y[KEPT[undrawn]] = 1  # the only anomaly now, and not every network had drawn it
    assert not earlier.drawn[:, undrawn].all()
    assert earlier.drawn_now(rows, torch.Generator().manual_seed(5))[:, KEPT[undrawn]].all()


def test_without_steps_that_count_all_stays_as_it_was(earlier):
    rows = training_rows()
    again = train(rows, STILL, earlier)
    again.committee.members.net.additive_share.copy_(earlier.committee.members.net.additive_share)  # it is found anew
    with torch.no_grad():
        torch.testing.assert_close(again.committee.members(rows.x), earlier.committee.members(rows.x))
    assert [record["step"] for record in again.history] == [1]


def test_networks_keep_the_inputs_that_they_see(earlier):
    again = train(training_rows(), CONFIG, earlier)
    seen = [committee.members.net.inputs_seen() for committee in (earlier.committee, again.committee)]
    torch.testing.assert_close(*seen)


def test_what_a_network_says_of_a_row_that_it_had_drawn_is_left_out(earlier):
    rows = training_rows(n_synthetic=0)
    again = train(rows, STILL, earlier)
    drawn_by_all = again.drawn.all(0)
    assert len(again.out_of_bag.y) == N_REAL - drawn_by_all.sum()
    np.testing.assert_array_equal(again.drawn[:, KEPT], earlier.drawn)


def test_going_on_is_better_than_the_model_was_and_takes_fewer_steps(earlier):
    rows = training_rows(n_synthetic=0, shift=-2.0)  # anomalies on the other side now

    def loss(committee):
        with torch.no_grad():
            return torch.nn.functional.binary_cross_entropy(committee(rows.x), rows.y)

    half = CONFIG.model_copy(update={"experts": CONFIG.experts.model_copy(update={"continued": 0.5})})
    again = train(rows, half, earlier)
    assert loss(again.committee) < 0.8 * loss(earlier.committee)
    assert again.history[-1]["step"] == train(rows).history[-1]["step"] / 2


def test_a_mixture_goes_on_from_its_experts_and_gate(earlier):
    rows = training_rows(n_synthetic=0)
    still = STILL.model_copy(
        update={
            "gate": CONFIG.gate.model_copy(
                update={
                    name: getattr(CONFIG.gate, name).model_copy(update={"learning_rate": 1e-30})
                    for name in ("training", "joint_training")
                }
            )
        }
    )
    generator = torch.Generator().manual_seed(1)
    mixture, history = fit_mixture(earlier.committee, rows, still, generator, earlier=earlier.mixture)
    assert [record["step"] for record in history] == [1, 1]
    torch.testing.assert_close(mixture.gate.score.weight, earlier.mixture.gate.score.weight)
    torch.testing.assert_close(mixture.experts.net.output.weight, earlier.mixture.experts.net.output.weight)


def test_a_mixture_of_other_features_starts_anew(earlier):
    rows = training_rows(n_synthetic=0)
    wider = replace(rows, x=torch.cat([rows.x, rows.x[:, :1]], dim=1))
    mixture, history = fit_mixture(
        train(wider).committee, wider, CONFIG, torch.Generator().manual_seed(1), earlier=earlier.mixture
    )
    assert mixture.experts.encoding.n_features == 5
    assert history[-1]["step"] == CONFIG.gate.joint_training.steps(N_REAL)


def test_the_same_configuration_is_taken(earlier):
    earlier.check(CONFIG.model_copy(update={"experts": CONFIG.experts.model_copy(update={"neighbours": None})}))


def test_another_configuration_is_refused_by_what_differs(earlier):
    other = CONFIG.with_overrides({"experts": {"n_experts": 5, "mamba": {"d_model": 16}}, "gate": {"top_k": 3}})
    with pytest.raises(ValueError, match=r"d_model is 16, it was 8.*n_experts is 5, it was 4; top_k is 3, it was 2"):
        earlier.check(other)


def test_other_views_are_refused_and_another_way_to_train_the_additive_path_is_not(earlier):
    experts = CONFIG.experts

    def check(mamba=(), **changes):
        own = experts.model_copy(update={"mamba": experts.mamba.model_copy(update=dict(mamba)), **changes})
        earlier.check(CONFIG.model_copy(update={"experts": own}))

    with pytest.raises(ValueError, match="mixed_views is False, it was True"):
        check(mixed_views=False)
    check({"additive": experts.mamba.additive.model_copy(update={"penalty": 8.0})})
    with pytest.raises(ValueError, match="additive path is False, it was True"):
        check({"additive": None})
