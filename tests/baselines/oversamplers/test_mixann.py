import numpy as np
import pytest
from imblearn.utils.estimator_checks import parametrize_with_checks

from swift_hydra_kedro.baselines.mixann.augmentation import augment
from swift_hydra_kedro.baselines.oversamplers.mixann import MixAnN
from swift_hydra_kedro.config import MixAnNConfig

TINY = {
    "training_steps": 20,
    "max_episode_steps": 5,
    "augmentation_steps": 10,
    "ddpg": {"hidden_size": 8, "random_steps": 5, "batch_size": 4},
}


@parametrize_with_checks([MixAnN(settings=TINY, random_state=0)])
def test_keeps_imbalanced_learns_rules(estimator, check):
    check(estimator)


def scattered():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(150, 4)), (np.arange(150) < 10).astype(int)
    x[y == 1] += 5 * np.sign(rng.normal(size=(10, 4)))
    return x, y


def test_real_rows_come_first_and_then_those_of_the_search():
    x, y = scattered()
    x_new, y_new = MixAnN(settings=TINY, random_state=5).fit_resample(x, y)
    made = augment(x, y, "knn", MixAnNConfig.with_overrides(TINY), seed=5)
    assert len(made.y) > 0
    np.testing.assert_array_equal(x_new, np.vstack([x, made.x]))
    np.testing.assert_array_equal(y_new, np.concatenate([y, made.y]))


def test_labels_of_many_classes_are_those_of_the_rows_that_were_mixed():
    x, y = scattered()
    names = np.where(y == 1, "odd", np.where(x[:, 0] > 0, "right", "left"))
    x_new, y_new = MixAnN(settings=TINY, sampling_strategy="minority", random_state=5).fit_resample(x, names)
    made = augment(x, y, "knn", MixAnNConfig.with_overrides(TINY), seed=5)
    assert len(made.y) > 0
    np.testing.assert_array_equal(x_new[150:], made.x)
    np.testing.assert_array_equal(y_new, [*names, *names[np.where(made.y == 1, made.anomaly, made.normal)]])


def test_a_class_that_needs_no_rows_gets_none():
    x, y = scattered()
    balanced = np.concatenate([x, x[y == 0] + 9]), np.repeat([0, 1], [150, 140])
    balanced = tuple(part[10:] for part in balanced)
    x_new, y_new = MixAnN(settings=TINY, random_state=0).fit_resample(*balanced)
    np.testing.assert_array_equal(x_new, balanced[0])
    np.testing.assert_array_equal(y_new, balanced[1])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"classifier": "svm"}, "'classifier' parameter of MixAnN"),
        ({"sampling_strategy": 0.5}, "'sampling_strategy' parameter of MixAnN"),
        ({"settings": {"episods": 3}}, "episods"),
    ],
)
def test_bad_parameters_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        MixAnN(**settings).fit_resample(*scattered())
