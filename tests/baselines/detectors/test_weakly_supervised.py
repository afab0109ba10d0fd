"""What DevNet, PReNet, Deep SAD and FEAWAD have in common."""

import numpy as np
import pytest

from swift_hydra_kedro.baselines.detectors.deep_sad import DeepSAD
from swift_hydra_kedro.baselines.detectors.dev_net import DevNet
from swift_hydra_kedro.baselines.detectors.feawad import FEAWAD
from swift_hydra_kedro.baselines.detectors.prenet import PReNet

every_detector = pytest.mark.parametrize("detector", [DevNet, PReNet, DeepSAD, FEAWAD])


def fitted(detector, x, y, **settings):
    return detector(n_steps=20, device="cpu", random_state=0, **settings).fit(x, y)


@every_detector
@pytest.mark.parametrize("n_features", [3, 300])
def test_constant_columns_duplicates_and_rows_far_out_have_finite_scores(detector, n_features):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(80, n_features)), (np.arange(80) == 7).astype(int)
    x[:, 1] = 0
    x[20:40] = x[20]
    x[[7, 50]] = [[1e5], [-1e5]]
    assert np.isfinite(fitted(detector, x, y).decision_function(np.vstack([x, 10 * x]))).all()


@every_detector
def test_a_table_without_any_variation_has_finite_scores(detector):
    x, y = np.zeros((20, 3)), np.arange(20) % 2
    assert np.isfinite(fitted(detector, x, y).decision_function(x)).all()


@every_detector
def test_a_score_does_not_depend_on_the_rows_beside_it(detector):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(100, 3)), (np.arange(100) < 5).astype(int)
    network = fitted(detector, x, y)
    alone = np.concatenate([network.decision_function(row[None]) for row in x])
    np.testing.assert_allclose(network.decision_function(x), alone, rtol=0, atol=1e-6)


@every_detector
def test_labels_may_have_any_names(detector):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), (np.arange(40) < 5).astype(int)
    numbers, names = (fitted(detector, x, labels) for labels in (y, np.array(["fine", "odd"])[y]))
    np.testing.assert_array_equal(numbers.decision_function(x), names.decision_function(x))
    np.testing.assert_array_equal(names.predict(x) == "odd", numbers.predict(x) == 1)
