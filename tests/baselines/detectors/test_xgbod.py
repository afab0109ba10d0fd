import numpy as np
from pyod.models.xgbod import XGBOD

from swift_hydra_kedro.baselines.detectors.xgbod import XGBODDetector

X = np.random.default_rng(0).normal(size=(60, 3))
Y = (X[:, 0] > 1).astype(int)


def test_scores_are_pyods_and_no_warning_comes_with_them(recwarn, capfd):
    own = XGBODDetector(random_state=0, verbosity=0).fit(X, Y)
    assert [str(warning.message) for warning in recwarn] == []
    assert capfd.readouterr() == ("", "")
    np.testing.assert_array_equal(own.decision_function(X), XGBOD(random_state=0).fit(X, Y).decision_function(X))
