"""Turn the results of pytest-benchmark into a table and a Markdown page of ratios.

usage: python benchmarks/speed_page.py RESULTS.json docs/results/speed

Writes `speed.csv`, the least and the median seconds of each measurement, and `speed.md`.
"""

from __future__ import annotations

import json
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from report import OURS

from swift_hydra_kedro.evaluation.comparison import markdown

PACKAGES = ("torch", "scikit-learn", "lightgbm", "xgboost-cpu", "catboost")


def main(results: str, out: str) -> None:
    """Write both files."""
    found = json.loads(Path(results).read_text(encoding="utf-8"))
    seconds = table(found)
    seconds.to_csv(f"{out}.csv", index=False, float_format="%.6f")
    Path(f"{out}.md").write_text(page(seconds, machine(found)), encoding="utf-8")


def table(found: dict[str, Any]) -> pd.DataFrame:
    """One line for each measurement."""
    lines = [one["extra_info"] | {key: one["stats"][key] for key in ("min", "median")} for one in found["benchmarks"]]
    return pd.DataFrame(lines)


def machine(found: dict[str, Any]) -> str:
    """What it was measured on."""
    cpu, packages = found["machine_info"]["cpu"], ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    commit = found["commit_info"]["id"][:7] + " and changes on top" * found["commit_info"]["dirty"]
    return (
        f"{cpu['brand_raw']}, {cpu['count']} cores, {platform.system()}, Python {cpu['python_version'].split()[0]}, "
        f"{packages}; commit {commit}, {found['datetime'][:10]}"
    )


def page(seconds: pd.DataFrame, measured_on: str) -> str:
    """Total inference time, times by table as multiples of ours, and the latency of one row."""
    many, one = seconds[seconds["rows"] > 1], seconds[seconds["rows"] == 1]
    needed = many.pivot_table("min", "table", "method").dropna()
    total = needed.sum().to_frame("seconds").sort_values("seconds").rename_axis("method")
    total["times ours"] = total["seconds"] / total.loc[OURS, "seconds"]
    by_table = many.drop_duplicates("table").set_index("table")[["rows", "features"]].loc[needed.index]
    by_table["us per row, ours"] = 1e6 * needed[OURS] / by_table["rows"]
    by_table = by_table.join(needed.drop(columns=OURS).div(needed[OURS], axis=0)).sort_values("rows", ascending=False)
    latency = 1000 * one.groupby("method")[["min", "median"]].median().sort_values("median")
    return "\n\n".join(
        [
            "# Speed by method",
            f"Measured on {measured_on}.",
            f"Total inference time: the sum over the test rows of {len(needed)} tables, 40 % of each in training:",
            markdown(total),
            "Time to score the test rows of a table, as a multiple of Swift Hydra's: above 1, Swift Hydra is faster.",
            markdown(by_table),
            f"One row by itself, milliseconds, the median over {one['table'].nunique()} tables:",
            markdown(latency),
            "",
        ]
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
