import numpy as np
import pandas as pd
import pytest
from .budgets import SMOKE
from hypothesis import given, settings
from hypothesis import strategies as st
from imblearn.utils.estimator_checks import parametrize_with_checks as parametrize_with_imblearn_checks
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.utils.estimator_checks import parametrize_with_checks

from swift_hydra_kedro import SwiftHydraClassifier, SwiftHydraSampler

DETECTION = {  # enough steps to pass scikit-learn's accuracy bar on easy data
    "experts": SMOKE["detection"]["experts"] | {"training": {"max_steps": 150, "batch_size": 64}},
    "gate": SMOKE["detection"]["gate"],
}
GENERATION = {"pretraining": SMOKE["pretraining"], "synthesis": SMOKE["synthesis"]}
EXPECTED_TO_FAIL = {
    "check_sample_weight_equivalence_on_dense_data": "a row of weight 2 and a row repeated twice draw other batches: "
    "training is stochastic, and equal in expectation only",
}


def smoke_classifier(**parameters):
    return SwiftHydraClassifier(**GENERATION, detection=DETECTION, **{"random_state": 0} | parameters)


@parametrize_with_checks([smoke_classifier()], expected_failed_checks=lambda _: EXPECTED_TO_FAIL)
def test_classifier_keeps_scikit_learns_rules(estimator, check):
    check(estimator)


@parametrize_with_imblearn_checks([SwiftHydraSampler(**GENERATION, random_state=0)])
def test_sampler_keeps_imbalanced_learns_rules(estimator, check):
    check(estimator)
