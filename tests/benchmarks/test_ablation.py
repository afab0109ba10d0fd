"""The ablation: what stands in the place of generated rows, what variants share, and what the page subtracts."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from swift_hydra_kedro.config import SwiftHydraConfig
from swift_hydra_kedro.data.table import from_arrays
from swift_hydra_kedro.models.fitting import LabelledRows

ANOMALIES = np.array([[5.0, 5.0], [7.0, 7.0]])


@pytest.fixture
def ablation(benchmark_module):
    return benchmark_module("ablation")


@pytest.fixture
def rows() -> LabelledRows:
    x = np.concatenate([np.random.default_rng(0).normal(size=(20, 2)), ANOMALIES])
    return LabelledRows.from_arrays(x, np.repeat([0, 1], [20, 2]), np.ones(22), torch.device("cpu"))


def test_jitter_is_noise_about_the_real_anomalies(ablation, rows):
    made = ablation.substitute("jitter", rows, torch.zeros(4000, 2), seed=0)
    nearest = torch.cdist(made, torch.as_tensor(ANOMALIES, dtype=made.dtype)).argmin(1)
    noise = made - torch.as_tensor(ANOMALIES, dtype=made.dtype)[nearest]
    assert made.shape == (4000, 2) and nearest.float().mean() == pytest.approx(0.5, abs=0.05)
    assert noise.std().item() == pytest.approx(ablation.JITTER, rel=0.05)


def test_smote_lies_between_the_real_anomalies(ablation, rows):
    made = ablation.substitute("smote", rows, torch.zeros(400, 2), seed=0)
    assert made.shape == (400, 2) and torch.allclose(made[:, 0], made[:, 1])
    assert made.min() >= 5 and made.max() <= 7 and made.std() > 0.3


@pytest.mark.parametrize("name", ["jitter", "smote"])
def test_the_same_seed_gives_the_same_rows(ablation, rows, name):
    first, again = (ablation.substitute(name, rows, torch.zeros(9, 2), seed=0) for _ in range(2))
    assert torch.equal(first, again)


def test_other_variants_keep_our_rows(ablation, rows):
    ours = torch.ones(3, 2)
    assert ablation.substitute("no_mixup", rows, ours, seed=0) is ours


def test_every_variant_but_the_substitutes_differs_from_the_whole_method(ablation):
    configs = {name: SwiftHydraConfig(**overrides) for name, overrides in ablation.VARIANTS.items()}
    same = {name for name, config in configs.items() if config == SwiftHydraConfig()}
    assert same == {ablation.OURS, "jitter", "smote"}


def test_variants_of_the_mixture_learn_from_the_same_synthetic_rows(ablation, monkeypatch):
    generated, trained = [], []

    def generate(rows, pretraining, synthesis, seed):
        generated.append(synthesis)
        x = torch.full((8, 2), float(len(generated)))
        return SimpleNamespace(synthetic=SimpleNamespace(x=x)), None

    def train(rows, synthetic, config, seed):
        trained.append((config, synthetic))
        return None, None

    monkeypatch.setattr(ablation, "generate", generate)
    monkeypatch.setattr(ablation, "train_mixture_of_experts", train)
    monkeypatch.setattr(ablation, "Predictor", lambda mixture: lambda x: np.linspace(0, 1, len(x)))
    x, y = np.random.default_rng(0).normal(size=(40, 2)), np.tile([0, 0, 0, 1], 10)
    table = from_arrays(x, y)
    cell = ablation.Split("drawn", 0.5, 0, table.take(np.arange(20)), table.take(np.arange(20, 40)))
    names = [ablation.OURS, "no_mixup", "no_synthesis", "jitter", "no_residual"]
    records = list(ablation.measure(cell, names, torch.device("cpu")))
    assert [record["method"] for record in records] == names
    assert [record["n_synthetic"] for record in records] == [8, 8, 0, 8, 8]
    assert len(generated) == 2  # as configured and without residuals
    assert torch.equal(trained[0][1], trained[1][1]) and not torch.equal(trained[0][1], trained[4][1])
    assert not torch.equal(trained[0][1], trained[3][1])
    assert trained[1][0].experts.mixup == 0 and trained[0][0].experts.mixup > 0


def test_the_page_subtracts_the_whole_method_on_the_splits_that_both_have(ablation):
    def results(method: str, auc_roc: dict[tuple[str, int], float]) -> pd.DataFrame:
        table = pd.DataFrame(
            [(*split, value) for split, value in auc_roc.items()], columns=["dataset", "seed", "auc_roc"]
        )
        return table.assign(method=method, train_size=0.1, auc_pr=0.5, calibration_error=0.1)

    page = ablation.page(
        pd.concat(
            [
                results("swift_hydra", {("a", 0): 0.9, ("a", 1): 0.8, ("b", 0): 0.7, ("c", 0): 0.2}),
                results("no_synthesis", {("a", 0): 0.8, ("a", 1): 0.8, ("b", 0): 0.72}),
            ]
        )
    )
    lines = {line.split(" | ")[0].strip("| "): line.strip("| ").split(" | ")[1:] for line in page.splitlines()}
    quantile = 12.7062  # of Student's t with one degree of freedom
    half = quantile * np.std([-0.05, 0.02], ddof=1) / 2**0.5
    assert lines["no_synthesis"][:3] == ["-0.0150", f"{half:.4f}", "1, 1"]
    assert lines["a"][:2] == ["-0.0500", f"{quantile * np.std([0.1, 0], ddof=1) / 2**0.5:.4f}"]
    assert lines["b"][0] == "0.0200" and "c" not in lines


@pytest.mark.parametrize(("most", "kept"), [(1, [0, 1, 2, 4]), (2, [0, 1, 2, 3, 4]), (9, [0, 1, 2, 3, 4])])
def test_no_more_anomalies_are_left_to_learn_from(ablation, most, kept):
    table = from_arrays(np.arange(5.0).reshape(5, 1), np.array([0, 0, 1, 1, 0]))
    cell = ablation.Split("drawn", 0.5, 0, table, table).at_most_anomalies(most)
    assert cell.train.features.to_numpy().ravel().tolist() == kept
    assert cell.test is table
