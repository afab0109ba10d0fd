import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from swift_hydra_kedro.config import RunConfig
from swift_hydra_kedro.data.embedded import EMBEDDED, sine
from swift_hydra_kedro.data.splitting import split
from swift_hydra_kedro.data.validation import check_table


def auc(model, name: str) -> float:
    scores = []
    for seed in range(5):
        train, test = split(EMBEDDED[name](), 0.4, seed)
        model.fit(train.features, train.label)
        scores.append(roc_auc_score(test.label, model.predict_proba(test.features)[:, 1]))
    return float(np.mean(scores))


@pytest.mark.parametrize(
    ("name", "n_rows", "n_anomalies"), [("breast_cancer", 397, 40), ("digits", 1708, 85), ("sine", 1000, 50)]
)
def test_set_is_clean_rare_and_the_same_every_time(name, n_rows, n_anomalies):
    table = EMBEDDED[name]()
    check_table(table, allow_missing=False)
    assert (len(table), int(table.label.sum())) == (n_rows, n_anomalies)
    pd.testing.assert_frame_equal(table.to_frame(), EMBEDDED[name]().to_frame())


@pytest.mark.parametrize("name", ["breast_cancer", "digits"])
def test_there_is_something_to_learn_and_something_left(name):
    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    trees = ExtraTreesClassifier(100, random_state=0)
    assert 0.85 < auc(linear, name) < 0.95
    assert 0.90 < auc(trees, name) < 0.99


def test_default_set_is_embedded():
    assert RunConfig().dataset in EMBEDDED


def test_sine_keeps_normal_rows_near_the_curve():
    table = sine(n_rows=2000, share=0.1, noise=0.05)
    distance = (table.features["y"] - np.sin(table.features["x"])).abs()
    assert table.label.sum() == 200
    assert distance[table.label == 0].max() < 0.05 * 5
    assert distance[table.label == 1].median() > 0.5
