import numpy as np
import pytest

from swift_hydra_kedro import SwiftHydraClassifier
from swift_hydra_kedro.baselines.registry import OVERSAMPLERS
from swift_hydra_kedro.config import RunConfig, SwiftHydraConfig

from ...budgets import SMOKE

GENERATION = {stage: SMOKE[stage] for stage in ("pretraining", "synthesis")}


@pytest.mark.parametrize("clip", [2.0, 10.0])
def test_its_first_rows_are_those_that_the_classifier_keeps_for_that_seed(clip):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(120, 3)), (np.arange(120) < 20).astype(int)
    x[y == 1] += 3
    preparation = {"clip": clip}
    config = SwiftHydraConfig.with_overrides(GENERATION | {"preparation": preparation})
    x_new, y_new = OVERSAMPLERS["swift_hydra_sampler"].build(RunConfig(seed=5), config).fit_resample(x, y)
    settings = GENERATION | {"preparation": preparation, "detection": SMOKE["detection"]}
    classifier = SwiftHydraClassifier(**settings, random_state=5).fit(x, y)
    kept = classifier.synthetic_.to_numpy()
    assert len(kept) > 0
    np.testing.assert_array_equal(x_new[120 : 120 + len(kept)], kept)
    assert np.bincount(y_new).tolist() == [100, 100]
