"""The inference module's steps as the estimator and the pipeline take them (section 3.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from swift_hydra_kedro.config import DetectionConfig, ExpertsConfig, JudgeConfig, NeighboursConfig
from swift_hydra_kedro.detection.assignment import assign_clusters
from swift_hydra_kedro.detection.clustering import Clusters, find_clusters
from swift_hydra_kedro.detection.continuation import Earlier
from swift_hydra_kedro.detection.experts import TrainedCommittee, fit_experts
from swift_hydra_kedro.detection.gating import fit_mixture
from swift_hydra_kedro.detection.rows import TrainingRows
from swift_hydra_kedro.detection.stacking import worth_of_neighbours
from swift_hydra_kedro.models.batches import trim
from swift_hydra_kedro.models.calibration import Calibration, OutOfBag
from swift_hydra_kedro.models.committee import Committee
from swift_hydra_kedro.models.encoding import PiecewiseLinearEncoding
from swift_hydra_kedro.models.fitting import LabelledRows
from swift_hydra_kedro.models.mome import MixtureOfExperts
from swift_hydra_kedro.models.neighbours import N_DESCRIBED, Neighbourhood, ranks_say_more, say_of_anomalies
from swift_hydra_kedro.models.runtime import narrow_threads, stage_generators


@dataclass(frozen=True)
class Regions:
    """The clusters of the balanced rows, the one that each member leans towards, `(C,)`, and who is near whom."""

    clusters: Clusters
    cluster_of_member: np.ndarray
    neighbourhood: Neighbourhood | None


def train_mixture_of_experts(
    rows: LabelledRows, synthetic: torch.Tensor, config: DetectionConfig, seed: int, progress: bool = False
) -> tuple[MixtureOfExperts, OutOfBag]:
    """Take all steps: train a mixture on real rows and synthetic anomalies `(g, P)`.

    Returns what the committee says of real rows that its networks had not drawn as well, calibrated.
    """
    regions = find_regions(rows, synthetic, config.experts, seed)
    described = describe_rows(rows, synthetic, regions)
    trained = train_experts(described, regions, config.experts, seed, progress)
    mixture, _ = train_gate(trained.committee, trained.out_of_bag, described, regions, config, seed, progress)
    return mixture, mixture.calibration.applied_to(trained.out_of_bag)


def find_regions(
    rows: LabelledRows, synthetic: torch.Tensor, config: ExpertsConfig, seed: int, earlier: Earlier | None = None
) -> Regions:
    """Cluster the balanced rows, `Trim(rows)`, deal the clusters out, and find the rows' neighbours.

    Synthetic rows do not say where the regions are, unless they are to be treated like real ones. Networks that go on
    from `earlier` keep their regions, and see neighbours if they saw them.
    """
    if earlier is not None:
        neighbourhood = None
        if config.neighbours is not None and earlier.n_described:
            kinds = say_of_anomalies(earlier.n_described), earlier.n_described not in N_DESCRIBED.values()
            neighbourhood = _neighbourhood(rows, config.neighbours, *kinds, seed)
        return Regions(earlier.clusters, earlier.cluster_of_member, neighbourhood)
    generators = stage_generators(seed, "regions", rows.x.device)
    joined = rows.with_anomalies(synthetic) if config.synthetic_share is None else rows
    balanced = joined.x[trim(joined.y, generators.torch)].cpu().numpy()
    clusters = find_clusters(balanced, config.max_clusters, generators.numpy)
    sizes = np.bincount(clusters.assign(balanced), minlength=len(clusters.centres))
    cluster_of_member = assign_clusters(sizes, config.n_members(*rows.x.shape), config.penalty, generators.numpy)
    return Regions(clusters, cluster_of_member, _find_neighbours(rows, config.neighbours, seed))


def describe_rows(rows: LabelledRows, synthetic: torch.Tensor, regions: Regions) -> TrainingRows:
    """Real rows and synthetic anomalies `(g, P)` as the next two steps see them: in clusters, joined by neighbours."""
    joined, device = rows.with_anomalies(synthetic), rows.x.device
    cluster = torch.as_tensor(regions.clusters.assign(joined.x.cpu().numpy()), device=device)
    is_synthetic = torch.arange(len(joined.y), device=device) >= len(rows.y)
    x = joined.x
    if regions.neighbourhood is not None:
        with narrow_threads(x.shape[1]):
            x = regions.neighbourhood.describe_training_rows(rows.x, synthetic)
    return TrainingRows(x, joined.y, joined.weight, cluster, is_synthetic, x.shape[1] - rows.x.shape[1])


def train_experts(
    rows: TrainingRows,
    regions: Regions,
    config: ExpertsConfig,
    seed: int,
    progress: bool = False,
    earlier: Earlier | None = None,
) -> TrainedCommittee:
    """Train a committee, experts first; see `fit_experts`."""
    return _fit_stack("experts", rows, regions.cluster_of_member, config, seed, progress, earlier)


def train_gate(
    committee: Committee,
    out_of_bag: OutOfBag,
    rows: TrainingRows,
    regions: Regions,
    config: DetectionConfig,
    seed: int,
    progress: bool = False,
    earlier: Earlier | None = None,
) -> tuple[MixtureOfExperts, list[dict[str, float | str]]]:
    """Train the gate, then gate and experts together, and calibrate what they give; see `fit_mixture`.

    Where neighbours are worth little to the committee, the mixture learns to give its answers without them. With few
    anomalies nobody can say so.
    """
    generators = stage_generators(seed, "gate", rows.x.device)
    neighbourhood, settings = regions.neighbourhood, config.experts.neighbours
    can_be_judged = neighbourhood is not None and neighbourhood.with_anomalies
    if settings is not None and can_be_judged and worth_of_neighbours(out_of_bag) < settings.min_worth:
        neighbourhood = None
    before = None if earlier is None else earlier.mixture
    mixture, history = fit_mixture(committee, rows, config, generators.torch, neighbourhood, progress, before)
    if config.calibrate:
        real = ~rows.synthetic
        anomaly_share = float((rows.y * rows.weight)[real].sum() / rows.weight[real].sum())
        mixture.calibration = Calibration.fit(out_of_bag, anomaly_share).to(rows.x.device)
    return mixture, history


def train_judge(rows: LabelledRows, config: JudgeConfig, seed: int, progress: bool = False) -> Committee:
    """Train the committee that accepts synthetic anomalies: experts without clusters and gate, on real rows alone."""
    experts = ExpertsConfig(
        n_experts=config.n_detectors,
        committee_size=None,
        cluster_share=0.0,
        mamba=config.mamba,
        training=config.training,
    )
    everywhere = torch.zeros_like(rows.y, dtype=torch.int64)
    real = TrainingRows(rows.x, rows.y, rows.weight, everywhere, torch.zeros_like(everywhere, dtype=torch.bool))
    trained = _fit_stack("judge", real, np.zeros(config.n_detectors), experts, seed, progress)
    return trained.committee.requires_grad_(False)


def _fit_stack(
    stage: str,
    rows: TrainingRows,
    cluster_of_member: np.ndarray,
    config: ExpertsConfig,
    seed: int,
    progress: bool,
    earlier: Earlier | None = None,
) -> TrainedCommittee:
    """Train stacked detectors on an encoding of the real rows, with the random numbers of `stage`."""
    device, real = rows.x.device, rows.x[~rows.synthetic]
    if earlier is None:
        encoding = PiecewiseLinearEncoding.fit(real.cpu().numpy(), config.mamba.bins).to(device)
    else:
        encoding = earlier.committee.members.encoding
    generator = stage_generators(seed, stage, device).torch
    return fit_experts(rows, cluster_of_member, encoding, config, generator, progress, stage, earlier)


def _find_neighbours(rows: LabelledRows, config: NeighboursConfig | None, seed: int) -> Neighbourhood | None:
    """A neighbourhood if there are enough normal rows to be one, with anomalies if there are enough of them, too."""
    if config is None:
        return None
    has_normals, has_anomalies = (int((rows.y == label).sum()) >= config.min_rows for label in (0, 1))
    return _neighbourhood(rows, config, has_anomalies, ranks_say_more(rows.x), seed) if has_normals else None


def _neighbourhood(
    rows: LabelledRows, config: NeighboursConfig, with_anomalies: bool, by_ranks: bool, seed: int
) -> Neighbourhood:
    generator = stage_generators(seed, "neighbours", rows.x.device).torch
    sizes = config.n_candidates, config.max_references
    with narrow_threads(rows.x.shape[1]):
        return Neighbourhood.fit(rows.x, rows.y, *sizes, generator, with_anomalies=with_anomalies, by_ranks=by_ranks)
