"""What the page says of the paper's figure 3; its tables are tried with the page."""

import re

import numpy as np
import pytest

from swift_hydra_kedro.evaluation.report.paper import paper_sections

from .conftest import COVERAGE


def figures_section(results, sets):
    """The last section, with words in the place of figures."""
    return list(paper_sections(results, sets, COVERAGE, iter(["five", "seven", "three", "another three"])))[-1]


def test_figures_of_all_data_sets_come_before_the_others(results, sets):
    section = figures_section(results, sets)
    assert re.findall(r"<section>(three|five|seven)", section) == ["three", "five", "seven"]
    assert "threeanother three" in section


def test_shares_beyond_are_means_over_data_sets(results, sets):
    section = figures_section(results, sets)
    assert "Means over 6 data sets, 24 splits; of the test anomalies 10.0% are beyond.</caption>" in section
    found = dict(re.findall(r'<td class="words">(.*?)</td><td data-value="(.*?)">', section))
    means = 100 * results.groupby("method")["generated_beyond"].mean()
    expected = {"SMOTE": means["smote"], "Swift Hydra": means["swift_hydra"]}
    assert {name: float(share) for name, share in found.items()} == pytest.approx(expected, rel=1e-4)
    assert "than 95% of these" in section


def test_over_samplers_of_few_data_sets_are_named_and_left_out(results, sets):
    few = (results["method"] == "smote") & (results["dataset"] != "6_cardio")
    section = figures_section(results.assign(generated_beyond=results["generated_beyond"].mask(few)), sets)
    assert "Means over 6 data sets, 24 splits;" in section
    assert "Not compared, for too few data sets: SMOTE.</caption>" in section


def test_of_cells_of_older_versions_there_is_no_table(results, sets):
    assert "<table" not in figures_section(results.assign(generated_beyond=np.nan), sets)
