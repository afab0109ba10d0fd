"""The module's steps, one after the other, on real rows and synthetic anomalies."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from swift_hydra_kedro.config import JudgeConfig, NeighboursConfig
from swift_hydra_kedro.detection import training
from swift_hydra_kedro.detection.training import describe_rows, find_regions, train_judge, train_mixture_of_experts
from swift_hydra_kedro.models.fitting import LabelledRows
from swift_hydra_kedro.models.neighbours import N_DESCRIBED

from .toy import CONFIG, TRAINING, training_rows

SHORT = TRAINING.model_copy(update={"max_steps": 4})
BRIEF = CONFIG.experts.model_copy(update={"training": SHORT})


@pytest.fixture
def real():
    rows = training_rows(n_synthetic=0)
    return LabelledRows(rows.x, rows.y, rows.weight)


@pytest.fixture
def synthetic():
    return torch.randn(10, 4) * 0.5 + torch.tensor([2.0, 2.0, 0, 0])


def test_regions_deal_existing_clusters_to_all_members(real, synthetic):
    regions = find_regions(real, synthetic, BRIEF, seed=0)
    assert regions.cluster_of_member.shape == (6,)
    assert set(regions.cluster_of_member) <= set(range(len(regions.clusters.centres)))
    assert len(regions.clusters.centres) <= 5


@pytest.mark.parametrize("synthetic_share", [0.2, None])
def test_regions_are_those_of_the_balanced_rows(real, synthetic, monkeypatch, synthetic_share):
    clustered = []
    find = training.find_clusters
    monkeypatch.setattr(training, "find_clusters", lambda x, *rest: clustered.append(x) or find(x, *rest))
    find_regions(real, synthetic, BRIEF.model_copy(update={"synthetic_share": synthetic_share}), seed=0)
    alike = [real.anomalies, synthetic] if synthetic_share is None else [real.anomalies]
    anomalous = {tuple(row) for row in torch.cat(alike).numpy().tolist()}
    rows = [tuple(row) for row in clustered[0].tolist()]
    assert len(rows) == 2 * len(anomalous)
    assert set(rows) >= anomalous


def test_real_rows_come_first_and_synthetic_ones_are_anomalies(real, synthetic):
    rows = describe_rows(real, synthetic, find_regions(real, synthetic, BRIEF, 0))
    assert rows.synthetic.tolist() == [False] * 100 + [True] * 10
    assert (rows.y[100:] == 1).all()
    assert torch.equal(rows.x, torch.cat([real.x, synthetic]))


def test_rows_belong_to_the_cluster_of_the_nearest_centre(real, synthetic):
    regions = find_regions(real, synthetic, BRIEF, 0)
    rows = describe_rows(real, synthetic, regions)
    centres = torch.as_tensor(regions.clusters.centres, dtype=torch.float32)
    assert torch.equal(rows.cluster.long(), torch.cdist(rows.x, centres).argmin(1))


NEIGHBOURS = NeighboursConfig(min_rows=15, min_worth=0)


def test_rows_are_described_by_their_neighbours_where_there_are_enough(real, synthetic):
    config = BRIEF.model_copy(update={"neighbours": NEIGHBOURS})
    few_normals = real[torch.cat([torch.arange(NEIGHBOURS.min_rows - 1), torch.arange(80, len(real.y))])]
    assert find_regions(few_normals, synthetic, config, 0).neighbourhood is None
    few_anomalies = real[torch.arange(80 + NEIGHBOURS.min_rows - 1)]
    for rows, n_classes in ((real, 2), (few_anomalies, 1)):
        regions = find_regions(rows, synthetic, config, 0)
        described = describe_rows(rows, synthetic, regions)
        assert regions.neighbourhood is not None
        assert torch.equal(described.x, regions.neighbourhood.describe_training_rows(rows.x, synthetic))
        assert described.n_described == described.x.shape[1] - real.x.shape[1] == 2 * N_DESCRIBED[n_classes]


def test_neighbours_are_found_once_where_ranks_say_no_more(real, synthetic):
    config = BRIEF.model_copy(update={"neighbours": NEIGHBOURS})
    two_values = replace(real, x=torch.where(real.x > 0, 1.0, -1.0))
    neighbourhood = find_regions(two_values, synthetic, config, 0).neighbourhood
    assert neighbourhood.ranked is None
    assert neighbourhood(two_values.x).shape[1] == real.x.shape[1] + N_DESCRIBED[2]


@pytest.mark.parametrize("n_spaces", [1, 2])
@pytest.mark.parametrize("n_classes", [1, 2])
def test_networks_that_go_on_keep_the_columns_that_they_know(real, synthetic, n_classes, n_spaces):
    n_described = n_spaces * N_DESCRIBED[n_classes]
    earlier = SimpleNamespace(n_described=n_described, clusters=None, cluster_of_member=np.zeros(1))
    config = BRIEF.model_copy(update={"neighbours": NEIGHBOURS})
    found = find_regions(real, synthetic, config, 0, earlier).neighbourhood
    assert found(real.x).shape[1] - real.x.shape[1] == n_described
    assert found.with_anomalies == (n_classes == 2)


def test_networks_that_go_on_without_neighbours_get_none(real, synthetic):
    earlier = SimpleNamespace(n_described=0, clusters=None, cluster_of_member=np.zeros(1))
    config = BRIEF.model_copy(update={"neighbours": NEIGHBOURS})
    assert find_regions(real, synthetic, config, 0, earlier).neighbourhood is None


@pytest.mark.parametrize("n_anomalous", [1, 20])
@pytest.mark.parametrize("n_synthetic", [0, 10])
def test_all_steps_leave_a_mixture_that_ranks_the_anomalies_first(real, synthetic, n_anomalous, n_synthetic):
    rows, extra = real[torch.arange(80 + n_anomalous)], synthetic[:n_synthetic]
    config = CONFIG.model_copy(update={"experts": CONFIG.experts.model_copy(update={"neighbours": NEIGHBOURS})})
    mixture, _ = train_mixture_of_experts(rows, extra, config, seed=0)
    assert mixture.neighbourhood.with_anomalies == (n_anomalous >= NEIGHBOURS.min_rows)
    scores = mixture(rows.x).detach()
    assert ((scores >= 0) & (scores <= 1)).all()
    assert roc_auc_score(rows.y, scores) > 0.9


def test_neighbours_that_are_worth_too_little_are_left_to_the_committee(real, synthetic):
    settings = NEIGHBOURS.model_copy(update={"min_worth": 1.0})  # that is all there could be
    config = CONFIG.model_copy(update={"experts": CONFIG.experts.model_copy(update={"neighbours": settings})})
    mixture, _ = train_mixture_of_experts(real, synthetic, config, seed=0)
    assert mixture.neighbourhood is None
    assert mixture.experts.encoding.n_features == mixture.gate.score.in_features == real.x.shape[1]
    assert roc_auc_score(real.y, mixture(real.x).detach()) > 0.9
    few_anomalies = real[torch.arange(80 + NEIGHBOURS.min_rows - 1)]
    mixture, _ = train_mixture_of_experts(few_anomalies, synthetic, config, seed=0)
    assert mixture.neighbourhood is not None  # they cannot tell


def test_steps_are_reproducible_and_leave_global_state_alone(real, synthetic):
    config = CONFIG.model_copy(
        update={"experts": BRIEF, "gate": CONFIG.gate.model_copy(update={"training": SHORT, "joint_training": SHORT})}
    )
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    outputs = [train_mixture_of_experts(real, synthetic, config, seed)[0](real.x) for seed in (0, 0, 1)]
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.equal(outputs[0], outputs[2])
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]  # noqa: NPY002


def test_the_judge_is_a_committee_that_tells_the_classes_apart_and_is_reproducible(real):
    config = JudgeConfig(
        n_detectors=3, mamba=CONFIG.experts.mamba, training=TRAINING.model_copy(update={"max_steps": 60})
    )
    judge, same, other = (train_judge(real, config, seed) for seed in (0, 0, 1))
    with torch.no_grad():
        probability = judge(real.x)
    assert judge.members.stack == (3,)
    assert torch.equal(probability, same(real.x))
    assert not torch.equal(probability, other(real.x))
    assert roc_auc_score(real.y, probability) > 0.9
    assert not any(p.requires_grad for p in judge.parameters())
