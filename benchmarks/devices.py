"""Seconds of training and scoring on a CPU and on a CUDA device, side by side, and what variants of a step take there.

usage: python benchmarks/devices.py TABLE.npz [TABLE.npz ...] [--out docs/results/devices]

TABLEs are ADBench files, of which 40 % of the rows train. Each stage of the default budget is timed on both devices,
once, after a brief training that is not counted (the CUDA libraries are loaded by then). Rows per second are of a
million rows: the test part again and again, with a little noise. Then one step of all experts together, in single
precision, under bfloat16 autocast and by `torch.compile`; and a selective scan forwards and backwards, in plain torch
and, where mamba-ssm is installed, by its kernel. Without a CUDA device, the CPU's part alone. Writes `devices.csv` and
`devices.md`.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from sklearn.metrics import roc_auc_score
from splits import Split

from swift_hydra_kedro.config import DetectionConfig, PretrainingConfig, SynthesisConfig
from swift_hydra_kedro.detection.training import describe_rows, find_regions, train_experts, train_gate, train_judge
from swift_hydra_kedro.evaluation.comparison import markdown
from swift_hydra_kedro.models.detector import MambaDetector
from swift_hydra_kedro.models.fitting import LabelledRows
from swift_hydra_kedro.models.inference import Predictor
from swift_hydra_kedro.models.selective_scan import resolve_backend, selective_scan, selective_scan_cuda
from swift_hydra_kedro.synthesis.loop import synthesise
from swift_hydra_kedro.synthesis.pretraining import hold_out, pretrain

SCORED, NOISE = 1_000_000, 0.05
REPEATS, WARM_UP = 20, 5
BATCHES, LENGTHS = (128, 2048), (1, 21, 128)
SCAN = {"stack": 20, "batch": 256, "channels": 64, "states": 16}
BRIEF = {"min_steps": 20, "max_steps": 20}

Line = dict[str, Any]


def main() -> None:
    """Measure, print and write."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("tables", type=Path, nargs="+")
    options.add_argument("--out", type=Path, default=Path("docs/results/devices"))
    given = options.parse_args()
    devices = [torch.device(name) for name in ("cpu", "cuda") if name == "cpu" or torch.cuda.is_available()]
    lines: list[Line] = []
    for device in devices:
        _warm_up(given.tables[0], device)
        for path in given.tables:
            for line in stages(path, device):
                print(line, flush=True)
                lines.append(line)
    if torch.cuda.is_available():
        lines += [*steps(given.tables[0]), *scans()]
    table = pd.DataFrame(lines)
    table.to_csv(given.out.with_suffix(".csv"), index=False, float_format="%.6g")
    given.out.with_suffix(".md").write_text(page(table), encoding="utf-8")
    print(given.out.with_suffix(".md").read_text(encoding="utf-8"))


def stages(path: Path, device: torch.device) -> Iterator[Line]:
    """Train and score a table as the pipeline does; seconds of each stage, rates, and AUC-ROC."""
    x, y, x_test, y_test = Split.read(path, 0.4, 0).scaled()
    rows = LabelledRows.from_arrays(x, y, np.ones(len(y)), device)
    pretraining, synthesis, detection = PretrainingConfig(), SynthesisConfig(), DetectionConfig()
    training, held_out = hold_out(rows, pretraining.detector.holdout_share, 0)
    base = {"table": path.stem, "rows": len(x), "features": x.shape[1], "device": device.type}
    models, seconds = timed(lambda: pretrain(training, held_out, pretraining, 0))
    yield base | {"measure": "pretraining, s", "value": seconds}
    judge, seconds = timed(lambda: train_judge(rows, pretraining.judge, 0))
    yield base | {"measure": "judge, s", "value": seconds}
    result, seconds = timed(lambda: synthesise(training, held_out, models.cvae, models.detector, judge, synthesis, 0))
    yield base | {"measure": "synthesis, s", "value": seconds}
    synthetic = result.synthetic.x.to(device)
    regions, seconds = timed(lambda: find_regions(rows, synthetic, detection.experts, 0))
    yield base | {"measure": "regions, s", "value": seconds}
    described = describe_rows(rows, synthetic, regions)
    trained, seconds = timed(lambda: train_experts(described, regions, detection.experts, 0))
    yield base | {"measure": "experts, s", "value": seconds}
    (mixture, _), seconds = timed(
        lambda: train_gate(trained.committee, trained.out_of_bag, described, regions, detection, 0)
    )
    yield base | {"measure": "gate, s", "value": seconds}
    score = Predictor(mixture)
    yield base | {"measure": "AUC-ROC", "value": roc_auc_score(y_test, score(x_test))}
    many = np.resize(x_test, (SCORED, x.shape[1]))
    many += NOISE * np.random.default_rng(0).standard_normal(many.shape, dtype=np.float32)
    score(many)
    yield base | {"measure": "rows scored per s", "value": round(SCORED / timed(lambda: score(many))[1])}
    one = median_seconds(lambda: score(many[:1]))
    yield base | {"measure": "one row, ms", "value": 1000 * one}


def steps(path: Path) -> Iterator[Line]:
    """One step of as many detectors as a default committee has, on a CUDA device."""
    x, y, *_ = Split.read(path, 0.4, 0).scaled()
    rows = LabelledRows.from_arrays(x, y, np.ones(len(y)), torch.device("cuda"))
    config = DetectionConfig().experts
    config = config.model_copy(update={"training": config.training.model_copy(update=BRIEF)})
    nothing = rows.x[:0]
    regions = find_regions(rows, nothing, config, 0)
    described = describe_rows(rows, nothing, regions)
    members = train_experts(described, regions, config, 0).committee.members.requires_grad_(True)
    compiled = torch.compile(_loss)
    for size in BATCHES:
        index = torch.randint(len(y), (members.stack[0], size), device="cuda")
        batch = described.x[index], described.y[index]
        for name, loss, half in (
            ("float32", _loss, False),
            ("bfloat16 autocast", _loss, True),
            ("float32, compiled", compiled, False),
        ):
            seconds = median_seconds(lambda loss=loss, half=half, batch=batch: _step(members, batch, loss, half))
            base = {"table": path.stem, "rows": size, "features": described.x.shape[1], "device": "cuda"}
            yield base | {"measure": f"step of {members.stack[0]} networks, {name}, ms", "value": 1000 * seconds}


def scans() -> Iterator[Line]:
    """A selective scan of stacked networks, forwards and backwards, on a CUDA device."""
    implementations = {"torch": selective_scan}
    if resolve_backend("auto", torch.device("cuda"), several_tokens=True) == "mamba_ssm":
        implementations["mamba-ssm"] = selective_scan_cuda
    stack, batch, channels, states = SCAN.values()
    for length in LENGTHS:
        shapes = [(batch, length, channels)] * 2 + [(channels, states)] + [(batch, length, states)] * 2 + [(channels,)]
        u, delta, a, b, c, d = (torch.randn(stack, *shape, device="cuda") for shape in shapes)
        arguments = [t.requires_grad_() for t in (u, F.softplus(delta), -a.exp(), b, c, d)]
        for name, scan in implementations.items():

            def both_ways(scan: Callable[..., torch.Tensor] = scan, arguments: list[Any] = arguments) -> None:
                torch.autograd.grad(scan(*arguments).sum(), arguments, allow_unused=True)

            base = {"table": "", "rows": stack * batch, "features": length, "device": "cuda"}
            value = 1000 * median_seconds(both_ways)
            yield base | {"measure": f"scan of {length} tokens, {name}, ms", "value": value}


def _loss(members: MambaDetector, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    losses = [F.binary_cross_entropy_with_logits(path.float(), y, reduction="none") for path in members.paths(x)]
    return torch.stack(losses).sum(0).mean(-1).sum()


def _step(
    members: MambaDetector, batch: tuple[torch.Tensor, torch.Tensor], loss: Callable[..., torch.Tensor], half: bool
) -> None:
    members.zero_grad()
    with torch.autocast("cuda", torch.bfloat16, enabled=half):
        value = loss(members, *batch)
    value.backward()


def _warm_up(path: Path, device: torch.device) -> None:
    x, y, *_ = Split.read(path, 0.4, 0).scaled()
    rows = LabelledRows.from_arrays(x, y, np.ones(len(y)), device)
    brief = {"cvae": {"training": BRIEF}, "detector": {"training": BRIEF}, "judge": {"training": BRIEF}}
    config = PretrainingConfig.with_overrides(brief)
    pretrain(rows, None, config, 0)
    train_judge(rows, config.judge, 0)


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What the work gives, and its seconds until the device has done it."""
    start = time.perf_counter()
    done = work()
    _wait()
    return done, time.perf_counter() - start


def median_seconds(work: Callable[[], Any]) -> float:
    """Median over `REPEATS` runs, after `WARM_UP` others."""
    return float(np.median([timed(work)[1] for _ in range(WARM_UP + REPEATS)][WARM_UP:]))


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def page(table: pd.DataFrame) -> str:
    """Both devices side by side, then what was measured on one alone."""
    by_stage = table[table["measure"].isin(table.loc[table["device"] == "cpu", "measure"])]
    both = by_stage.pivot_table("value", ["table", "rows", "features", "measure"], "device", sort=False).reset_index()
    others = table[~table.index.isin(by_stage.index)].drop(columns="device")
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else "no CUDA device"
    where = f"{name}; {torch.get_num_threads()} CPU threads, {platform.system()}, torch {torch.__version__}"
    return "\n\n".join(
        [f"Measured on {where}.", markdown(both.set_index("table")), markdown(others.set_index("table")), ""]
    )


if __name__ == "__main__":
    main()
