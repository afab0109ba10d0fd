"""The catalog, read by the project's own loader."""

from pathlib import Path

import pytest
from kedro.io import DataCatalog

from swift_hydra_kedro.hooks import ProjectConfigLoader
from swift_hydra_kedro.pipeline_registry import register_pipelines

CONF = Path(__file__).parents[2] / "conf"
PIPELINES = ("full", "scoring", "explanation", "mixann", "benchmark", "report")


def catalog_of(**parameters):
    """Entries of catalog.yml by name, for a run with these parameters."""
    loader = ProjectConfigLoader(str(CONF), base_env="base", default_run_env="base", runtime_params=parameters)
    return {name: entry for name, entry in loader["catalog"].items() if not name.startswith("_")}


def path_of(entry):
    """File or folder of an entry, also of one that MLflow wraps; None where there is none."""
    return entry.get("dataset", entry).get("filepath")


@pytest.fixture(scope="module")
def catalog():
    return catalog_of()


@pytest.fixture(scope="module")
def named():
    """Data sets that the pipelines name, without parameters."""
    pipelines = register_pipelines()
    names = set().union(*(pipelines[name].datasets() for name in PIPELINES))
    return {name for name in names if not name.startswith("params:")}


def test_every_data_set_of_the_pipelines_stands_in_the_catalog(catalog, named):
    assert named - set(catalog) == set()


def test_every_entry_of_the_catalog_is_named_by_a_pipeline(catalog, named):
    assert set(catalog) - named == {"node_records"}  # which ResumeHook keeps


def test_every_entry_can_be_built(catalog):
    assert set(DataCatalog.from_config(catalog).keys()) >= set(catalog)


def test_every_entry_has_a_layer_for_kedro_viz(catalog):
    bare = [name for name, entry in catalog.items() if not entry.get("metadata", {}).get("kedro-viz", {}).get("layer")]
    assert bare == []


def test_no_two_entries_write_to_one_place(catalog):
    paths = [path for name, entry in catalog.items() if (path := path_of(entry)) and name != "new_rows"]
    assert len(set(paths)) == len(paths)


def test_outputs_of_a_run_have_data_set_train_size_and_seed_in_their_paths():
    catalog = catalog_of(dataset="7_Cardiotocography", train_size=0.1, seed=3)
    for name in register_pipelines()["full"].all_outputs() - {"table", "table_summary", "mlflow_metrics"}:
        assert "/7_Cardiotocography/train_0.1/seed_3/" in path_of(catalog[name]), name


def test_outputs_of_mixann_have_data_set_and_seed_in_their_paths():
    catalog = catalog_of(dataset="7_Cardiotocography", train_size=0.1, seed=3)
    for name in register_pipelines()["mixann"].all_outputs() - {"table", "table_summary", "mixann_metrics"}:
        assert "/7_Cardiotocography/mixann/seed_3/" in path_of(catalog[name]), name


def test_a_table_does_not_depend_on_split_and_seed():
    one, other = (catalog_of(dataset="sine", train_size=size, seed=seed) for size, seed in ((0.1, 0), (0.4, 1)))
    assert path_of(one["table"]) == path_of(other["table"]) == "data/02_intermediate/sine/table.parquet"


def test_metrics_lie_where_scripts_look_for_them(catalog):
    assert path_of(catalog["metrics"]) == "data/08_reporting/digits/train_0.4/seed_0/metrics.json"


@pytest.mark.parametrize(
    ("output", "alerts"),
    [
        ("out/scores.csv.gz", "out/scores.alerts.csv"),
        ("s3://claims/scores.parquet", "data/08_reporting/sine/train_0.4/seed_0/scores.alerts.csv"),
    ],
)
def test_alerts_lie_beside_the_scores_or_on_this_machine(output, alerts):
    catalog = catalog_of(dataset="sine", output=output)
    assert path_of(catalog["alerts"]) == alerts
    assert path_of(catalog["alerts_page"]) == alerts.replace(".csv", ".html")


def test_nothing_is_pickled(catalog):
    types = {entry.get("dataset", entry)["type"] for entry in catalog.values()}
    assert not any("pickle" in name.lower() or "joblib" in name.lower() for name in types)


@pytest.mark.parametrize("environment", ["base", "paper", "smoke"])
def test_every_parameter_of_the_pipelines_is_configured(environment):
    loader = ProjectConfigLoader(
        str(CONF),
        env=environment,
        base_env="base",
        default_run_env="local",
        merge_strategy={"parameters": "soft"},
    )
    pipelines = register_pipelines()
    inputs = set().union(*(pipelines[name].inputs() for name in PIPELINES))
    asked = {name.removeprefix("params:").partition(".")[0] for name in inputs if "params:" in name}
    assert set(loader["parameters"]) == asked
