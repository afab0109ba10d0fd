"""What each stage takes and gives, and how the stages fit together."""

import pytest

from swift_hydra_kedro.pipeline_registry import STAGES, register_pipelines

FIGURES = {
    "figure_anomalies_by_episode",
    "figure_decision_regions",
    "figure_invalid_share",
    "figure_losses",
    "figure_precision_recall",
    "figure_reward_and_auc",
    "figure_roc",
    "figure_rows_per_expert",
    "figure_trade_off",
}
DECLARED = {
    "ingestion": ({"raw_tables", "params:tables", "params:run.dataset"}, {"table", "table_summary"}),
    "preparation": (
        {"table", "params:preparation", "params:tables", "params:run"},
        {
            "earlier",
            "train_table",
            "test_table",
            "test_duplicates",
            "split_report",
            "preprocessor",
            "train_rows",
            "test_rows",
        },
    ),
    "pretraining": (
        {"train_rows", "params:pretraining", "params:run"},
        {
            "pretrained_cvae",
            "pretrained_detector",
            "pretraining_history",
            "pretraining_report",
            "judge",
            "judge_report",
        },
    ),
    "synthesis": (
        {
            "train_rows",
            "preprocessor",
            "pretrained_cvae",
            "pretrained_detector",
            "judge",
            "params:pretraining",
            "params:synthesis",
            "params:run",
        },
        {
            "synthetic_rows",
            "synthetic_anomalies",
            "synthesis_history",
            "synthesis_report",
            "cvae",
            "single_detector",
            "policy",
        },
    ),
    "detection": (
        {
            "train_table",
            "train_rows",
            "test_rows",
            "synthetic_rows",
            "preprocessor",
            "earlier",
            "params:decision",
            "params:detection",
            "params:run",
        },
        {
            "regions",
            "regions_report",
            "committee",
            "drawn",
            "out_of_bag",
            "experts_history",
            "experts_report",
            "mixture",
            "reference",
            "profile",
            "model",
            "trade_off",
            "decision_report",
            "gate_history",
            "gate_report",
            "rows_per_expert",
        },
    ),
    "evaluation": (
        {
            "model",
            "committee",
            "regions",
            "drawn",
            "table_summary",
            "single_detector",
            "train_table",
            "test_table",
            "train_rows",
            "test_rows",
            "synthetic_rows",
            "split_report",
            "test_duplicates",
            "pretraining_report",
            "pretraining_history",
            "judge_report",
            "synthesis_report",
            "synthesis_history",
            "regions_report",
            "experts_report",
            "experts_history",
            "gate_report",
            "gate_history",
            "trade_off",
            "decision_report",
            "rows_per_expert",
            "params:preparation",
            "params:pretraining",
            "params:synthesis",
            "params:detection",
            "params:evaluation",
            "params:registration",
            "params:run",
        },
        {
            "own_scores",
            "own_report",
            "baseline_scores",
            "baseline_report",
            "metrics",
            "scores",
            "mlflow_metrics",
            "model_card",
            "model_info",
            "registration_report",
            "report_page",
            *FIGURES,
        },
    ),
}


@pytest.mark.parametrize("stage", STAGES)
def test_stage_takes_what_it_declares(stage):
    assert STAGES[stage].create_pipeline().inputs() == DECLARED[stage][0]


@pytest.mark.parametrize("stage", STAGES)
def test_stage_gives_what_it_declares(stage):
    assert STAGES[stage].create_pipeline().all_outputs() == DECLARED[stage][1]


def test_full_is_the_sum_of_the_stages_in_their_order():
    registered = register_pipelines()
    nodes = [node for stage in STAGES for node in registered[stage].nodes]
    assert sorted(registered["full"].nodes) == sorted(nodes)
    stage_of = {node.name: position for position, stage in enumerate(STAGES) for node in registered[stage].nodes}
    for node in registered["full"].nodes:
        parents = [other for other in registered["full"].nodes if set(other.outputs) & set(node.inputs)]
        assert all(stage_of[parent.name] <= stage_of[node.name] for parent in parents)


def test_full_is_the_default():
    registered = register_pipelines()
    assert registered["__default__"].nodes == registered["full"].nodes


def test_full_starts_from_raw_tables_and_parameters_alone():
    full = register_pipelines()["full"]
    assert {name for name in full.inputs() if not name.startswith("params:")} == {"raw_tables"}


def test_nothing_is_trained_again_for_another_threshold():
    again = {node.name for node in register_pipelines()["full"].from_nodes("assemble_model").nodes}
    training = {"pretrain", "train_judge", "self_reinforcing_loop", "train_experts", "train_gate", "run_baselines"}
    assert training < {node.name for node in register_pipelines()["full"].nodes}
    assert not again & training


def test_names_of_nodes_are_unique():
    names = [node.name for node in register_pipelines()["full"].nodes]
    assert len(set(names)) == len(names)


def test_parameters_are_typed():
    """A node's type hint lets Kedro validate the parameter before any node runs."""
    for node in register_pipelines()["full"].nodes:
        hints = node.func.__annotations__
        for name in node.inputs:
            if name.startswith("params:") and "." not in name:
                expected = "TablesConfig" if name == "params:tables" else f"{name[7:].title()}Config"
                assert hints[name[7:]] == expected, node.name


def test_new_rows_are_scored_by_the_model_that_is_trained_before():
    pipelines = register_pipelines()
    together = pipelines["full"] + pipelines["scoring"] + pipelines["explanation"]
    order = [node.name for node in together.nodes]
    assert order.index("assemble_model") < order.index("score_new_rows") < order.index("explain_alerts")
