"""The page by its source, and in a real browser: it draws, sorts, filters, and asks nothing of a network."""

import json
import re

import pytest

from swift_hydra_kedro.evaluation.comparison import compare, leaderboard
from swift_hydra_kedro.evaluation.names import display_name
from swift_hydra_kedro.evaluation.paper.printed import TABLES, doubts
from swift_hydra_kedro.evaluation.report.page import benchmark_page

from ...browser import CHROMIUM, opened

COVERAGE, ALPHA = 0.75, 0.05
SHOWN = "[...document.querySelectorAll('#leaderboard tbody tr')].map(row => row.dataset.method)"
ORDER = "document.querySelector('#leaderboard th:nth-child({n})').getAttribute('aria-sort')"
HEADERS = ["Method", "Family", "Supervision", "AUC-ROC", "AUC-PR", "Rank", "Wins", "TIF [s]", "Fit [s]", "Memory [MB]"]


@pytest.fixture(scope="module")
def source(all_results, found, kinds, sets):
    return benchmark_page(all_results, found, kinds, sets, COVERAGE, ALPHA)


@pytest.fixture(scope="module")
def file(source, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(source, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser():
    pytest.importorskip("choreographer", reason="choreographer is not installed")
    if CHROMIUM is None:
        pytest.skip("no chromium: the report's page is not tried in a browser; apt-get install chromium")


@pytest.fixture(scope="module")
def page(browser, file):
    with opened(file) as page:
        yield page


@pytest.fixture(autouse=True)
def as_opened(request):
    """Put the filters back."""
    if "page" in request.fixturenames:
        page = request.getfixturevalue("page")
        page.evaluate("document.querySelector('.filters').reset()")
        page.choose("#train", "0.4")
        page.choose("#dataset", "")


def test_nothing_is_loaded_from_elsewhere(source):
    assert "default-src 'none'" in source
    assert not re.search(r"<(script|link|img|iframe)[^>]*\b(src|href)\s*=", source)
    assert len(source) < 8_000_000


def test_what_results_say_is_text_and_not_markup(all_results, found, kinds, sets):
    failing = all_results.assign(error=all_results["error"].mask(all_results["error"].notna(), "E: </script><b>x"))
    source = benchmark_page(failing, found, kinds, sets, COVERAGE, ALPHA)
    assert "E: &lt;/script&gt;&lt;b&gt;x" in source
    assert "<b>x" not in source


def test_every_header_says_its_order_and_can_be_reached_by_keyboard(source):
    headers = re.findall(r'<th scope="col" aria-sort="(\w+)" data-first="\w+"[^>]*><button type="button">', source)
    assert len(headers) == source.count("<th ")
    assert headers.count("descending") == 1


def test_all_boards_are_those_of_the_library(source, all_results, found):
    data = json.loads(re.search(r'id="boards">(.*?)</script>', source, re.DOTALL)[1])
    rows = {name: values for name, *values in data["boards"]["0.4"][""]["rows"]}
    assert {name: values[0] for name, values in rows.items()} == pytest.approx(found[0.4].board["auc_roc"].to_dict())
    part = all_results.query("train_size == 0.1 and dataset == '29_Pima' and ~method.str.contains('_kl_')")
    board = leaderboard(compare(part, COVERAGE).results)
    rows = {name: values for name, *values in data["boards"]["0.1"]["29_Pima"]["rows"]}
    assert {name: values[2] for name, values in rows.items()} == pytest.approx(board["rank"].to_dict())


def test_it_has_the_papers_tables_and_doubts(source):
    for table in TABLES:
        assert f"<h3>Table {table}: " in source
    text = source.replace("&#x27;", "'")
    for table in (1, 6, 9):
        assert all(says in text for says in doubts(table)["says"])


def test_figures_without_cells_say_what_measures_them(source):
    assert "the preset figure5 measures them, on the data sets of benchmark.keep_rows_of" in source


def test_it_opens_without_errors_and_asks_for_nothing(page, file):
    assert [address for address in page.requests if not address.startswith("data:")] == [file.as_uri()]
    assert page.errors == []


@pytest.mark.usefixtures("browser")
def test_the_browser_would_refuse_a_request(file):
    with opened(file) as page:
        assert page.evaluate("fetch('http://127.0.0.1:9/x').then(() => 'loaded', () => 'refused')") == "refused"
        assert any("Content Security Policy" in error for error in page.errors)


def test_figures_are_drawn(page):
    part = "document.querySelector('[data-train=\"0.4\"]')"
    assert page.evaluate(f"{part}.querySelectorAll('.plotly-graph-div .main-svg').length") >= 3
    assert page.evaluate(f"{part}.querySelectorAll('.heatmaplayer image').length") == 1
    labels = page.evaluate(f"[...{part}.querySelectorAll('.annotation-text')].map(label => label.textContent)")
    assert any(label.startswith("Swift Hydra") for label in labels)


def test_the_leaderboard_shows_numbers_of_the_library(page, found):
    assert page.evaluate(SHOWN) == list(found[0.4].board.index)
    texts = page.evaluate("[...document.querySelectorAll('#leaderboard tbody tr')].map(r => r.cells[3].textContent)")
    assert texts == [f"{value:.4f}" for value in found[0.4].board["auc_roc"]]
    headers = page.evaluate("[...document.querySelectorAll('#leaderboard th')].map(th => th.textContent)")
    assert headers == HEADERS
    assert "11 of 12 splits" in page.evaluate("document.getElementById('note').textContent")


@pytest.mark.parametrize(("header", "column", "first"), [("Wins", "wins", False), ("TIF [s]", "tif", True)])
def test_a_click_on_a_header_sorts_and_another_turns_it(page, found, header, column, first):
    n = HEADERS.index(header) + 1
    board = found[0.4].board
    for ascending in (first, not first):
        page.click(f"#leaderboard th:nth-child({n}) button")
        assert page.evaluate(ORDER.format(n=n)) == ("ascending" if ascending else "descending")
        values = board.loc[page.evaluate(SHOWN), column]
        assert (values if ascending else values[::-1]).is_monotonic_increasing
    assert page.evaluate("document.querySelectorAll('#leaderboard th:not([aria-sort=none])').length") == 1


def test_keys_sort_as_well(page, found):
    for key, order in (("Enter", "ascending"), ("Space", "descending")):
        page.evaluate("document.querySelector('#leaderboard th:nth-child(1) button').focus()")
        page.press(key)
        assert page.evaluate(ORDER.format(n=1)) == order
        names = [display_name(method) for method in page.evaluate(SHOWN)]
        assert names == sorted(names, key=str.lower, reverse=order == "descending")


def test_other_tables_sort_too(page):
    find = "[...document.querySelectorAll('section')].find(section => section.textContent.startsWith('Table 1'))"
    page.evaluate(f"{find}.querySelector('table').id = 'table-1'")
    page.click("#table-1 th:nth-child(6) button")
    cells = page.evaluate("[...document.querySelectorAll('#table-1 tbody tr')].map(row => row.cells[5].textContent)")
    measured = [float(text) for text in cells if text]
    assert (len(cells), len(measured)) == (24, 2)
    assert cells[:2] == [f"{value:.4f}" for value in sorted(measured, reverse=True)]  # gaps come last


def test_filters_leave_the_methods_that_fit(page):
    page.choose("#family", "trees")
    assert page.evaluate(SHOWN) == ["extra_trees"]
    page.choose("#family", "")
    page.choose("#supervision", "unsupervised")
    assert page.evaluate(SHOWN) == ["ecod"]
    page.choose("#supervision", "")
    page.write("#method", "hydra")
    assert page.evaluate(SHOWN) == ["swift_hydra"]
    assert page.evaluate("document.getElementById('note').textContent").startswith("1 of 4 methods shown.")


def test_a_data_set_has_a_leaderboard_of_its_own(page, all_results):
    page.choose("#dataset", "29_Pima")
    part = all_results.query("train_size == 0.4 and dataset == '29_Pima' and ~method.str.contains('_kl_')")
    board = leaderboard(compare(part, COVERAGE).results)
    assert set(page.evaluate(SHOWN)) == set(board.index) == {"swift_hydra", "smote", "ecod", "extra_trees", "dev_net"}
    assert "1 data set, 1 of 2 splits" in page.evaluate("document.getElementById('note').textContent")


def test_another_train_size_has_its_own_numbers_and_figures(page, found):
    page.choose("#train", "0.1")
    assert set(page.evaluate(SHOWN)) == set(found[0.1].board.index)
    visible = "[...document.querySelectorAll('[data-train]')].filter(e => !e.hidden).map(e => e.dataset.train)"
    assert page.evaluate(visible) == ["0.1"]
    widths = page.evaluate(
        "[...document.querySelectorAll('[data-train=\"0.1\"] .main-svg')].map(e => e.getBoundingClientRect().width)"
    )
    assert min(widths) > 300
    assert page.errors == []
