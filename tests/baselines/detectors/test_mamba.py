import numpy as np
import pytest
import torch
from sklearn.utils.estimator_checks import parametrize_with_checks

from swift_hydra_kedro.baselines.detectors.mamba import MambaClassifier
from swift_hydra_kedro.baselines.registry import get_method
from swift_hydra_kedro.config import BalancedTrainingConfig, MambaConfig, RunConfig, SwiftHydraConfig
from swift_hydra_kedro.models.detector import MambaDetector
from swift_hydra_kedro.models.encoding import PiecewiseLinearEncoding
from swift_hydra_kedro.models.fitting import LabelledRows, fit_detector
from swift_hydra_kedro.models.layers import seeded_init
from swift_hydra_kedro.models.runtime import stage_generators
from swift_hydra_kedro.synthesis.pretraining import hold_out

SMALL = {
    "mamba": {"d_model": 8, "bins": 8},
    "training": {"max_steps": 30, "batch_size": 16, "learning_rate": 1e-2},
}


@parametrize_with_checks([MambaClassifier(detector=SMALL, device="cpu", random_state=0)])
def test_keeps_scikit_learns_rules(estimator, check):
    check(estimator)


def table(n_anomalies=10):
    x = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    return x, (np.arange(60) < n_anomalies).astype(int)


@pytest.mark.parametrize("n_anomalies", [1, 10])
def test_it_is_the_single_detector_fitted_by_hand(n_anomalies):
    x, y = table(n_anomalies)
    rng = stage_generators(5, "MambaClassifier", torch.device("cpu"))
    everything = LabelledRows.from_arrays(x, y, np.ones(60), torch.device("cpu"))
    rows, held_out = hold_out(everything, 0.2, int(rng.numpy.integers(2**31)))
    assert (held_out is None) == (n_anomalies == 1)
    with seeded_init(rng.torch):
        encoding = PiecewiseLinearEncoding.fit(rows.x.numpy(), 8)
        network = MambaDetector(encoding, MambaConfig(d_model=8, bins=8, depth=1))
    training = BalancedTrainingConfig(epochs=200, max_steps=30, batch_size=16, learning_rate=1e-2)
    fit_detector(network, rows, held_out, training, rng.torch)
    expected = torch.sigmoid(network(everything.x)).detach()
    detector = MambaClassifier(detector=SMALL, device="cpu", random_state=5).fit(x, y)
    np.testing.assert_allclose(detector.decision_function(x) + detector.offset_, expected, rtol=1e-5)


def test_the_registry_gives_it_the_pipelines_settings():
    config = SwiftHydraConfig.model_validate({"pretraining": {"detector": SMALL}})
    detector = get_method("mamba").detector.build(RunConfig(seed=3), config).fit(*table())
    assert detector.random_state == 3
    assert detector.network_.config == config.pretraining.detector.mamba
    assert detector.detector["training"]["max_steps"] == 30


def test_rows_far_out_and_constant_columns_have_finite_scores():
    x, y = table()
    x[:, 1] = 0
    x[0, 0] = 1e5
    detector = MambaClassifier(detector=SMALL, device="cpu", random_state=0).fit(x, y)
    scores = detector.decision_function(np.vstack([x, -1e5 * np.ones((1, 3))])) + detector.offset_
    assert 0 <= scores.min() <= scores.max() <= 1


def test_misspelt_settings_are_refused():
    with pytest.raises(ValueError, match="holdout"):
        MambaClassifier(detector={"holdout": 0.1}).fit(*table())
