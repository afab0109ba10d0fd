"""Swift Hydra with each of its parts left out or replaced in turn, on the same splits.

usage: python benchmarks/ablation.py --data FOLDER [--variants no_synthesis,jitter,smote] [--datasets 6_cardio,47_yeast]
                                     [--train-sizes 0.1] [--seeds 0,1] [--max-rows 20000] [--anomalies 3]
                                     [--device cuda] [--out docs/results/ablation.csv]
       python benchmarks/ablation.py [--out docs/results/ablation.csv]

FOLDER holds ADBench .npz files; without it, nothing more is measured. Whatever is the same for two variants of a split
is made once: variants of the mixture learn from the same synthetic rows, and with `jitter` and `smote` as many others
stand in their place. With --anomalies no more are left to learn from than so many, whatever the share of the rows; such
results need a file of their own. With --device the mixture is trained there, the generator on the CPU. A result is
written at once, and a later call goes on where this one stopped. Prints what each variant has more than the whole
method, with the 95 % interval over data sets, and writes it as a Markdown page beside the results.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from report import METRICS, OURS
from splits import SPLIT, Record, Split, half_interval, parser, ranking, run, words
from torch import Tensor

from swift_hydra_kedro.baselines.oversamplers.smote import FewShotSMOTE
from swift_hydra_kedro.config import SwiftHydraConfig
from swift_hydra_kedro.detection.training import train_mixture_of_experts
from swift_hydra_kedro.estimator import generate
from swift_hydra_kedro.evaluation.comparison import by_dataset, markdown
from swift_hydra_kedro.evaluation.metrics import expected_calibration_error
from swift_hydra_kedro.models.fitting import LabelledRows
from swift_hydra_kedro.models.inference import Predictor
from swift_hydra_kedro.models.runtime import choose_device

JITTER = 0.3  # standard deviations of a feature
VARIANTS: dict[str, dict[str, Any]] = {
    OURS: {},
    "no_synthesis": {"synthesis": {"enabled": False}},
    "jitter": {},
    "smote": {},
    "no_acceptance": {"synthesis": {"min_probability": 0.0}},
    "no_outskirts": {"synthesis": {"outskirts": None}},
    "no_residual": {"synthesis": {"keep_residual": False}},
    "no_committee": {"detection": {"experts": {"committee_size": None}}},
    "no_weights": {"detection": {"experts": {"selectivity": 0.0}}},
    "no_additive": {"detection": {"experts": {"mamba": {"additive": None}}}},
    "no_neighbours": {"detection": {"experts": {"neighbours": None}}},
    "no_mixup": {"detection": {"experts": {"mixup": 0.0}}},
    "no_bootstrap": {"detection": {"experts": {"bootstrap": False}}},
    "no_clusters": {"detection": {"experts": {"cluster_share": 0.0}}},
    "no_subspaces": {"detection": {"experts": {"feature_share": 1.0, "mixed_views": False}}},
    "no_bins": {"detection": {"experts": {"mamba": {"bins": 0}}}},
    "no_distillation": {"detection": {"experts": {"committee_size": None}, "gate": {"distil": False}}},
    "no_joint_training": {"detection": {"gate": {"joint_training": None}}},
    "no_calibration": {"detection": {"calibrate": False}},
    "one_expert": {"detection": {"experts": {"n_experts": 1, "committee_size": None}, "gate": {"top_k": 1}}},
    "mlp": {"detection": {"experts": {"mamba": {"block": "mlp"}}}},
    "transformer": {"detection": {"experts": {"mamba": {"block": "transformer"}}}},
}


def main() -> None:
    """Measure what is missing and print the differences."""
    options = parser(str(__doc__), "ablation.csv")
    options.add_argument("--variants", type=words, default=list(VARIANTS), help="besides the whole method")
    options.add_argument("--anomalies", type=int, default=sys.maxsize)
    options.add_argument("--device", type=choose_device, default="cpu")
    arguments = options.parse_args()
    if unknown := set(arguments.variants) - set(VARIANTS):
        sys.exit(f"unknown variants {sorted(unknown)}; there are {list(VARIANTS)}")
    variants = list(dict.fromkeys([OURS, *arguments.variants]))
    results = run(
        arguments,
        variants,
        lambda cell, missing: measure(cell.at_most_anomalies(arguments.anomalies), missing, arguments.device),
    )
    differences = page(results)
    arguments.out.with_suffix(".md").write_text(differences, encoding="utf-8")
    print(differences)


def measure(cell: Split, missing: list[str], device: torch.device) -> Iterator[Record]:
    """Train the mixture of each variant on the split's real rows and its synthetic ones."""
    x, y, x_test, y_test = cell.scaled()
    on = partial(LabelledRows.from_arrays, x, y, np.ones(len(y)))
    rows, generated = on(torch.device("cpu")), {}
    for name in missing:
        config = SwiftHydraConfig(**VARIANTS[name])
        key = config.pretraining.model_dump_json() + config.synthesis.model_dump_json()
        if key not in generated:
            generated[key] = synthetic_rows(rows, config, cell.seed)
        synthetic = substitute(name, rows, generated[key], cell.seed).to(device)
        score = Predictor(train_mixture_of_experts(on(device), synthetic, config.detection, cell.seed)[0])(x_test)
        yield {
            "method": name,
            **ranking(y_test, score),
            "calibration_error": expected_calibration_error(y_test, score),
            "n_anomalies": int(y.sum()),
            "n_synthetic": len(synthetic),
        }


def synthetic_rows(rows: LabelledRows, config: SwiftHydraConfig, seed: int) -> Tensor:
    """What the generator makes, `(g, P)`: nothing if it is off."""
    if not config.synthesis.enabled:
        return rows.x[:0]
    return generate(rows, config.pretraining, config.synthesis, seed)[0].synthetic.x


def substitute(name: str, rows: LabelledRows, ours: Tensor, seed: int) -> Tensor:
    """Synthetic rows `(g, P)`: `ours`, or as many that jitter or SMOTE makes of the real anomalies."""
    if name == "jitter":
        generator = torch.Generator().manual_seed(seed)
        parents = rows.anomalies[torch.randint(len(rows.anomalies), (len(ours),), generator=generator)]
        return parents + JITTER * torch.randn(parents.shape, generator=generator)
    if name == "smote":
        n = int(rows.y.sum()) + len(ours)
        x, _ = FewShotSMOTE(sampling_strategy={1: n}, random_state=seed).fit_resample(
            rows.x.numpy(), rows.y.numpy().astype(int)
        )
        return torch.as_tensor(x[len(rows.y) :])
    return ours


def page(results: pd.DataFrame) -> str:
    """Differences to the whole method at each share of training rows."""
    sections = [section(*share) for share in sorted(results.groupby("train_size"), reverse=True)]
    return "\n\n".join(["# What variants have more than the whole method", *sections]) + "\n"


def section(train_size: float, results: pd.DataFrame) -> str:
    """Each variant against the whole method on the splits that both have, and the one without synthesis by data set."""
    whole, measured = results[results["method"] == OURS], set(results["method"]) - {OURS}
    means = ", ".join(f"{label} {by_dataset(whole, metric)[OURS].mean():.4f}" for metric, label in METRICS.items())
    title = f"## {train_size:.0%} of the rows in training: {means} on {whole['dataset'].nunique()} data sets"
    variants = {name: summary(results, name) for name in VARIANTS if name in measured}
    parts = [title, markdown(pd.DataFrame(variants).T.rename_axis("variant"))]
    if "no_synthesis" in measured:
        parts += ["Without synthesis, by data set, with 95 % intervals over seeds:", markdown(by_seed(results))]
    return "\n\n".join(parts)


def summary(results: pd.DataFrame, name: str) -> dict[str, object]:
    """Of a variant: mean difference over data sets, half its 95 % interval, on how many it is up and down."""
    columns: dict[str, object] = {}
    for metric, label in METRICS.items():
        more = difference(results, name, metric).groupby("dataset").mean()
        columns |= {label: more.mean(), f"± ({label})": half_interval(more)}
        columns[f"up, down ({label})"] = f"{(more > 1e-4).sum()}, {(more < -1e-4).sum()}"
    errors = difference(results, name, "calibration_error").groupby("dataset").mean()
    return columns | {"calibration error": errors.mean(), "sets": len(more)}


def by_seed(results: pd.DataFrame) -> pd.DataFrame:
    """Without synthesis: mean difference on each data set, half its paired 95 % interval, number of seeds."""
    columns = {}
    for metric, label in METRICS.items():
        more = difference(results, "no_synthesis", metric).groupby("dataset")
        columns |= {label: more.mean(), f"± ({label})": more.agg(half_interval)}
    return pd.DataFrame(columns | {"seeds": more.count()}).rename_axis("data set")


def difference(results: pd.DataFrame, name: str, metric: str) -> pd.Series:
    """What a variant has more than the whole method on each split that both have."""
    table = results.pivot_table(metric, SPLIT, "method", dropna=False)
    return (table[name] - table[OURS]).dropna()


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
