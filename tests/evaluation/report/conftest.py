import pandas as pd
import pytest

from swift_hydra_kedro.data import adbench
from swift_hydra_kedro.evaluation.report.page import Kind
from swift_hydra_kedro.evaluation.report.standing import standings

COVERAGE, ALPHA = 0.75, 0.05


@pytest.fixture(scope="session")
def all_results(results):
    """The cells, with some of figure 7."""
    ours = results[results["method"] == "swift_hydra"]
    tuned = [ours.assign(method=f"swift_hydra_kl_{w}", detector=f"swift_hydra_kl_{w}") for w in (0.4, 0.55)]
    return pd.concat([results, *tuned], ignore_index=True)


@pytest.fixture(scope="session")
def found(all_results):
    return standings(all_results, COVERAGE)


@pytest.fixture(scope="session")
def sets():
    return {stem: adbench.entry(stem).dataset for stem in adbench.stems()}


@pytest.fixture(scope="session")
def kinds(all_results):
    kinds = {method: Kind("network", "supervised") for method in all_results["method"]}
    return kinds | {"extra_trees": Kind("trees", "supervised"), "ecod": Kind("distribution", "unsupervised")}
