"""What the baselines leave in `metrics.json`."""

import numpy as np
import pandas as pd
import pytest

from swift_hydra_kedro.config import (
    DetectionConfig,
    EvaluationConfig,
    PreparationConfig,
    PretrainingConfig,
    RunConfig,
    SynthesisConfig,
)
from swift_hydra_kedro.data.checkpoint import Checkpoint
from swift_hydra_kedro.data.embedded import sine
from swift_hydra_kedro.data.splitting import split
from swift_hydra_kedro.pipelines.evaluation.nodes import measure, run_baselines


@pytest.fixture(scope="module")
def metrics():
    train, test = split(sine(600), 0.5, 0)
    scores, report = run_baselines(
        {},
        train.to_frame(),
        test.to_frame(),
        PreparationConfig(),
        PretrainingConfig(),
        SynthesisConfig(),
        DetectionConfig(),
        EvaluationConfig(baselines=("rejex", "extra_trees")),
        RunConfig(),
    )
    rows = Checkpoint({"y": test.label.to_numpy()}, {})
    seen = pd.DataFrame({"seen_in_training": np.zeros(len(test), bool)})
    return measure(rows, seen, pd.DataFrame(), {}, scores, report, {})[0]


def test_a_method_that_may_reject_says_of_what_share_of_the_test_rows_it_would(metrics):
    assert 0 < metrics["rejex"]["rejected_share"] < 1
    assert metrics["rejex"]["auc_roc"] > 0.5


def test_a_baseline_that_shares_swift_hydras_threshold_gets_it():
    y, own = np.array([0, 1]), {"threshold": 0.3, "fit_seconds": 1.0, "predict_seconds": 1.0}
    scores = pd.DataFrame({"swift_hydra_mome": [0.1, 0.9], "smote": [0.2, 0.8]})
    metrics, _ = measure(
        Checkpoint({"y": y}, {}),
        pd.DataFrame({"seen_in_training": [False, False]}),
        scores[["swift_hydra_mome"]],
        {"swift_hydra_mome": own},
        scores[["smote"]],
        {"smote": own | {"threshold": None}},
        {},
    )
    assert metrics["smote"]["threshold"] == 0.3


def test_others_say_nothing_of_it(metrics):
    assert "rejected_share" not in metrics["extra_trees"]
