"""Cluster the rows, train the experts, train the gate."""

from __future__ import annotations

import time
from typing import Any

import pandas as pd

from swift_hydra_kedro.config import DetectionConfig, EvaluationConfig, RunConfig
from swift_hydra_kedro.data.checkpoint import Checkpoint
from swift_hydra_kedro.data.preprocessing import TablePreprocessor
from swift_hydra_kedro.detection.clustering import Clusters
from swift_hydra_kedro.detection.training import Regions, describe_rows, find_regions, train_experts, train_gate
from swift_hydra_kedro.models.calibration import OutOfBag
from swift_hydra_kedro.models.checkpoints import (
    committee_settings,
    load_committee,
    load_neighbourhood,
    tensors_below,
    tensors_of,
)
from swift_hydra_kedro.models.inference import expert_load
from swift_hydra_kedro.models.runtime import choose_device
from swift_hydra_kedro.pipelines.conversion import to_rows, to_synthetic
from swift_hydra_kedro.scorer import Scorer

OUT_OF_BAG = "out_of_bag."


def cluster_rows(
    train_rows: Checkpoint, synthetic_rows: Checkpoint, detection: DetectionConfig, run: RunConfig
) -> tuple[Checkpoint, dict[str, Any]]:
    """Find the data's regions and deal them out to the experts."""
    start = time.perf_counter()
    synthetic = to_synthetic(synthetic_rows, run)
    regions = find_regions(to_rows(train_rows, run), synthetic, detection.experts, run.seed)
    tensors = {"centres": regions.clusters.centres, "cluster_of_member": regions.cluster_of_member}
    if regions.neighbourhood is not None:
        tensors |= {f"neighbourhood.{name}": value for name, value in tensors_of(regions.neighbourhood).items()}
    report = {"n_clusters": len(regions.clusters.centres), "seconds": time.perf_counter() - start}
    return Checkpoint(tensors, {"inertia": list(regions.clusters.inertia)}), report


def train_all_experts(
    train_rows: Checkpoint, synthetic_rows: Checkpoint, regions: Checkpoint, detection: DetectionConfig, run: RunConfig
) -> tuple[Checkpoint, pd.DataFrame, dict[str, Any]]:
    """Train the experts and the other members of the committee that they are to learn from."""
    start = time.perf_counter()
    found = _regions(regions, run)
    rows = describe_rows(to_rows(train_rows, run), to_synthetic(synthetic_rows, run), found)
    committee, history, out_of_bag = train_experts(rows, found, detection.experts, run.seed, progress=True)
    report = {"seconds": time.perf_counter() - start}
    tensors = tensors_of(committee) | {f"{OUT_OF_BAG}{name}": array for name, array in vars(out_of_bag).items()}
    return Checkpoint(tensors, committee_settings(committee)), pd.DataFrame(history), report


def train_mixture(
    committee: Checkpoint,
    train_rows: Checkpoint,
    synthetic_rows: Checkpoint,
    regions: Checkpoint,
    preprocessor: dict[str, Any],
    detection: DetectionConfig,
    evaluation: EvaluationConfig,
    run: RunConfig,
) -> tuple[Checkpoint, pd.DataFrame, dict[str, Any]]:
    """Train the gate and, with it, the experts; the model holds all that scoring needs."""
    start = time.perf_counter()
    found = _regions(regions, run)
    rows = describe_rows(to_rows(train_rows, run), to_synthetic(synthetic_rows, run), found)
    out_of_bag = OutOfBag(**tensors_below(OUT_OF_BAG, committee.tensors))
    networks = {name: array for name, array in committee.tensors.items() if not name.startswith(OUT_OF_BAG)}
    members = load_committee(networks, committee.state).to(choose_device(run.device))
    mixture, history = train_gate(members, out_of_bag, rows, found, detection, run.seed, progress=True)
    scorer = Scorer(TablePreprocessor.from_state(preprocessor), mixture, evaluation.threshold)
    return scorer.to_checkpoint(), pd.DataFrame(history), {"seconds": time.perf_counter() - start}


def count_rows_per_expert(
    model: Checkpoint, regions: Checkpoint, train_rows: Checkpoint, test_rows: Checkpoint
) -> pd.DataFrame:
    """Share of the routed rows that each expert gets: dead experts and winners who take all show here."""
    mixture = Scorer.from_checkpoint(model).mixture
    cluster = regions.tensors["cluster_of_member"][: mixture.experts.stack[0]]
    return pd.DataFrame(
        {
            "expert": range(len(cluster)),
            "cluster": cluster,
            "train_share": expert_load(mixture, train_rows.tensors["x"]),
            "test_share": expert_load(mixture, test_rows.tensors["x"]),
        }
    )


def _regions(checkpoint: Checkpoint, run: RunConfig) -> Regions:
    clusters = Clusters(checkpoint.tensors["centres"], tuple(checkpoint.state["inertia"]))
    neighbourhood = load_neighbourhood(tensors_below("neighbourhood.", checkpoint.tensors))
    if neighbourhood is not None:
        neighbourhood.to(choose_device(run.device))
    return Regions(clusters, checkpoint.tensors["cluster_of_member"], neighbourhood)
