import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def history():
    """Five episodes of the loop, as the synthesis stage records them."""
    episode = np.arange(1, 6)
    return pd.DataFrame(
        {
            "episode": episode,
            "mean_reward": 3 + 0.1 * episode,
            "entropy_term": 2 + 0.05 * episode,
            "evasion_term": 1 + 0.05 * episode,
            "invalid_share": [0.9, 0.5, 0.25, 0.1, 0.0],
            "detector_auc_roc": 0.9 + 0.01 * episode,
            "entropy": 1.0,
            "approx_kl": 0.01,
            "clip_fraction": 0.1,
            "n_kept": 32,
            "seconds": 2.0,
        }
    )
