import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def history():
    """Five episodes of the loop, as the synthesis stage records them."""
    episode = np.arange(1, 6)
    return pd.DataFrame(
        {
            "episode": episode,
            "mean_reward": 3 + 0.1 * episode,
            "entropy_term": 2 + 0.05 * episode,
            "evasion_term": 1 + 0.05 * episode,
            "invalid_share": [0.9, 0.5, 0.25, 0.1, 0.0],
            "detector_auc_roc": 0.9 + 0.01 * episode,
            "entropy": 1.0,
            "approx_kl": 0.01,
            "clip_fraction": 0.1,
            "n_kept": 32,
            "seconds": 2.0,
        }
    )


DATASETS = ["6_cardio", "40_vowels", "2_annthyroid", "29_Pima", "CIFAR10_0", "CIFAR10_4"]


@pytest.fixture(scope="session")
def results():
    """A benchmark's cells: five methods, six data sets, two seeds, two train sizes; two methods failed on some."""
    rng = np.random.default_rng(7)
    skill = {"swift_hydra": 0.93, "extra_trees": 0.92, "ecod": 0.75, "smote": 0.9, "dev_net": 0.85}
    cells = pd.MultiIndex.from_product(
        [DATASETS, [0.1, 0.4], [0, 1], skill], names=["dataset", "train_size", "seed", "method"]
    ).to_frame(index=False)
    hard = pd.Series(rng.normal(0, 0.04, len(DATASETS)), DATASETS)
    auc_roc = cells["method"].map(skill) + cells["dataset"].map(hard) + 0.1 * (cells["train_size"] - 0.4)
    cells["auc_roc"] = (auc_roc + rng.normal(0, 0.015, len(cells))).clip(0.3, 1).round(5)
    fed = {"smote": "swift_hydra_no_synthesis"}
    cells["oversampler"] = cells["method"].where(cells["method"].isin(fed), None)
    cells["detector"] = cells["method"].replace(fed)
    for name in ("auc_roc_unseen", "auc_pr", *(f"{m}_{c}" for m in ("precision", "recall", "f1") for c in (0, 1))):
        cells[name] = (cells["auc_roc"] * rng.uniform(0.7, 1, len(cells))).round(5)
    cells["fit_seconds"], cells["predict_seconds"] = rng.uniform(1, 30, len(cells)), rng.uniform(0.01, 1, len(cells))
    cells = cells.assign(support_0=900, support_1=100, threshold=0.5, n_train=600, n_fitted=600, n_features=8)
    cells["peak_memory"] = rng.integers(10**8, 10**9, len(cells))
    generates = cells["method"].isin(["smote", "swift_hydra"])
    cells["generated_beyond"] = pd.Series(rng.random(len(cells))).where(generates)
    cells["test_beyond"] = generates.map({True: 0.1, False: np.nan})
    cells["rows"] = None
    cells = cells.assign(config="abc", version="0.1.0", error=None, finished=pd.Timestamp("2026-11-26", tz="UTC"))
    worked = (cells["dataset"] == "6_cardio") & (cells["train_size"] == 0.4)
    worked |= (cells["dataset"] == "29_Pima") & (cells["seed"] == 0)
    failed = (cells["method"] == "dev_net") & ~worked
    failed |= (cells["method"] == "ecod") & (cells["dataset"] == "40_vowels") & (cells["seed"] == 0)
    cells.loc[failed, ["auc_roc", "auc_pr", "fit_seconds", "predict_seconds"]] = np.nan
    cells.loc[failed, "error"] = "ValueError: too few anomalies"
    return cells


@pytest.fixture(scope="session")
def kept_results(results):
    """The same, and cells of the plain mixture; those of a data set keep rows: real ones, and what two methods made."""
    rng = np.random.default_rng(8)
    sizes = {"normal": 50, "real_anomalies": 12, "test_anomalies": 15, "generated": 30}
    groups = {role: list(rng.normal(i, 1, (n, 8)).astype(np.float32)) for i, (role, n) in enumerate(sizes.items())}
    generated = {"generated": groups.pop("generated")}
    plain = results[results["method"] == "extra_trees"]
    plain = plain.assign(method="swift_hydra_no_synthesis", detector="swift_hydra_no_synthesis")
    cells = pd.concat([results, plain], ignore_index=True)
    keeps = {"smote": generated, "swift_hydra": generated, "swift_hydra_no_synthesis": groups}
    cells["rows"] = cells["method"].map(keeps).where(cells["dataset"] == "6_cardio", None)
    return cells
