import pandas as pd
import pytest

from swift_hydra_kedro.evaluation.figures import mean_contributions, row_contributions
from swift_hydra_kedro.evaluation.figures.explanation import LONGEST, MAX_BARS


def test_means_are_of_absolute_contributions_the_largest_first():
    figure = mean_contributions(pd.DataFrame({"a": [1.0, -2.0], "b": [3.0, 3.0]}))
    assert list(figure.data[0].x) == [3, 1.5]
    assert figure.layout.yaxis.ticktext == ("b", "a")
    assert list(figure.data[0].text) == ["3.00", "1.50"]


def test_bars_of_a_row_have_its_values_beside_typical_ones():
    figure = row_contributions(pd.Series({"a": -0.5, "b": 2.0}), ["1", "red"], ["2", "blue"])
    assert list(figure.data[0].x) == [2, -0.5]
    assert [text.split("<span")[0].strip() for text in figure.layout.yaxis.ticktext] == [
        "b = <b>red</b>",
        "a = <b>1</b>",
    ]
    assert "normal: blue" in figure.layout.yaxis.ticktext[0]
    assert list(figure.data[0].text) == ["+2.00", "-0.50"]
    assert len(set(figure.data[0].marker.color)) == 2


def test_bars_add_up_whatever_the_number_of_columns():
    contributions = pd.Series(range(MAX_BARS + 7), index=[f"c{i}" for i in range(MAX_BARS + 7)], dtype=float)
    figure = row_contributions(contributions, ["v"] * len(contributions), ["t"] * len(contributions))
    assert sum(figure.data[0].x) == pytest.approx(contributions.sum())
    assert figure.layout.yaxis.ticktext[-1] == "7 other columns"


def test_names_and_values_are_cut_and_no_markup():
    figure = row_contributions(pd.Series({"<b>a": 1.0}), ["x" * 200], ["<i>"])
    label = figure.layout.yaxis.ticktext[0]
    assert label.startswith("&lt;b&gt;a = <b>xxx")
    assert "x" * LONGEST not in label
    assert "&lt;i&gt;" in label
