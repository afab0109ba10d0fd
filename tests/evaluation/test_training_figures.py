import json

import numpy as np
import pandas as pd
import pytest

from swift_hydra_kedro.evaluation.figures import invalid_share, learning_curves, reward_and_auc
from swift_hydra_kedro.evaluation.figures.training import MAX_POINTS


def losses(n, **columns):
    return pd.DataFrame({"step": np.arange(1, n + 1), "loss": 1 / np.arange(1, n + 1), **columns})


def test_reward_and_auc_have_an_axis_each(history):
    figure = reward_and_auc(history)
    axes = {trace.name: trace.yaxis or "y" for trace in figure.data}
    assert axes == {
        "AUC-ROC of the single detector": "y",
        "mean reward": "y2",
        "its entropy term": "y2",
        "its evasion term": "y2",
    }
    assert list(figure.data[0].y) == pytest.approx(history["detector_auc_roc"].tolist())
    assert list(figure.data[1].y) == pytest.approx(history["mean_reward"].tolist())


def test_without_rows_held_out_the_reward_stands_alone(history):
    figure = reward_and_auc(history.assign(detector_auc_roc=np.nan))
    assert {trace.yaxis for trace in figure.data} == {"y2"}
    assert figure.layout.yaxis.visible is False
    assert "No rows were held out" in figure.layout.title.subtitle.text
    json.dumps(json.loads(figure.to_json()), allow_nan=False)


def test_invalid_actions_are_percent(history):
    (line,) = invalid_share(history).data
    assert list(line.x) == [1, 2, 3, 4, 5]
    assert list(line.y) == pytest.approx([90, 50, 25, 10, 0])


@pytest.mark.parametrize("draw", [reward_and_auc, invalid_share])
def test_a_single_episode_and_none(draw, history):
    assert [len(trace.x) for trace in draw(history[:1]).data] == [1] * len(draw(history).data)
    none = draw(history[:0])
    assert not none.data
    assert none.layout.annotations[0].text == "No episodes were run"


def test_every_stage_has_a_panel_and_every_kind_of_loss_one_legend_entry():
    stages = {f"stage {i}": losses(10, learning_rate=0.1) for i in range(3)} | {"last": losses(10, held_out_loss=0.5)}
    stages["stage 0"]["held_out_loss"] = np.nan  # as stages of one table have it
    figure = learning_curves(stages)
    assert [note.text for note in figure.layout.annotations] == list(stages)
    assert len({trace.xaxis for trace in figure.data}) == 4
    assert [trace.name for trace in figure.data if trace.showlegend] == ["training rows", "rows held out"]
    assert len(figure.data) == 5


def test_long_histories_are_thinned_and_keep_their_ends():
    (line,) = learning_curves({"long": losses(50_000)}).data
    assert len(line.x) == MAX_POINTS
    assert (line.x[0], line.x[-1]) == (1, 50_000)


def test_one_step_is_a_visible_point_and_no_stages_a_note():
    assert learning_curves({"short": losses(1)}).data[0].mode == "markers"
    assert not learning_curves({"none": losses(0)}).data
    assert learning_curves({}).layout.annotations[0].text == "No training stages"


def test_no_figure_relies_on_binary_arrays_or_frames(history):
    """Kedro-Viz draws data and layout alone."""
    for figure in (reward_and_auc(history), learning_curves({"a": losses(5)})):
        assert "bdata" not in figure.to_json()
        assert not figure.frames
