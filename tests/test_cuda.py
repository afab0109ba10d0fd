"""On a CUDA device: the same answers as on the CPU, and loops that do not wait for it. Skipped where there is none."""

import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from swift_hydra_kedro.baselines.registry import get_method
from swift_hydra_kedro.config import DetectionConfig, PretrainingConfig, RunConfig, SwiftHydraConfig, SynthesisConfig
from swift_hydra_kedro.detection.training import describe_rows, find_regions, train_experts, train_gate, train_judge
from swift_hydra_kedro.estimator import SwiftHydraClassifier, SwiftHydraSampler
from swift_hydra_kedro.models import selective_scan as scans
from swift_hydra_kedro.models.fitting import LabelledRows
from swift_hydra_kedro.models.inference import Predictor
from swift_hydra_kedro.models.mome import MixtureOfExperts
from swift_hydra_kedro.synthesis.loop import synthesise
from swift_hydra_kedro.synthesis.pretraining import pretrain

from .models.official_mamba import scan_arguments

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
CPU, CUDA = torch.device("cpu"), torch.device("cuda")
STEPS = 200
TRAINING = {"min_steps": STEPS, "max_steps": STEPS}
PRETRAINING = PretrainingConfig.with_overrides(
    {"cvae": {"training": TRAINING}, "detector": {"training": TRAINING}, "judge": {"training": TRAINING}}
)
SYNTHESIS = SynthesisConfig.with_overrides({"episodes": 2})
DETECTION = DetectionConfig.with_overrides(
    {
        "experts": {"n_experts": 8, "committee_size": 8, "training": TRAINING},
        "gate": {"training": TRAINING, "joint_training": TRAINING},
    }
)


def table(n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Standard normal rows, and anomalies in a shell around a third of them; `(N, 6)`, `(N,)`."""
    rng = np.random.default_rng(n_rows)
    x = rng.standard_normal((n_rows, 6)).astype(np.float32)
    y = (np.arange(n_rows) % 10 == 0).astype(int)
    x[y == 1, :2] *= 3 / np.linalg.norm(x[y == 1, :2], axis=1, keepdims=True)
    return x, y


def rows_on(device: torch.device) -> LabelledRows:
    x, y = table(2000)
    return LabelledRows.from_arrays(x, y, np.ones(len(y)), device)


def train(device: torch.device) -> MixtureOfExperts:
    rows = rows_on(device)
    models, judge = pretrain(rows, None, PRETRAINING, 0), train_judge(rows, PRETRAINING.judge, 0)
    result = synthesise(rows, None, models.cvae, models.detector, judge, SYNTHESIS, 0)
    synthetic = result.synthetic.x.to(device)
    regions = find_regions(rows, synthetic, DETECTION.experts, 0)
    described = describe_rows(rows, synthetic, regions)
    trained = train_experts(described, regions, DETECTION.experts, 0)
    return train_gate(trained.committee, trained.out_of_bag, described, regions, DETECTION, 0)[0]


@pytest.fixture(scope="module")
def mixture() -> MixtureOfExperts:
    return train(CPU)


def test_a_mixture_scores_alike_on_both(mixture):
    x, _ = table(5000)
    on_cpu, experts_on_cpu = Predictor(mixture.to(CPU)).with_experts(x)
    on_cuda, experts_on_cuda = Predictor(mixture.to(CUDA)).with_experts(x)
    same = (experts_on_cpu == experts_on_cuda).all(1)  # a gate's tie may fall either way
    assert same.mean() > 0.999
    np.testing.assert_allclose(on_cuda[same], on_cpu[same], atol=1e-3)


def test_training_ends_as_well_on_both(mixture):
    x, y = table(5000)
    aucs = [roc_auc_score(y, Predictor(trained)(x)) for trained in (mixture.to(CPU), train(CUDA))]
    assert min(aucs) > 0.8
    assert aucs[0] == pytest.approx(aucs[1], abs=0.02)


def waits(work: Callable[[], object]) -> int:
    """How often the host waits for the device."""
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            work()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return sum("synchroniz" in str(warning.message) for warning in caught)


def test_training_loops_do_not_wait_at_every_step():
    rows = rows_on(CUDA)
    models = pretrain(rows, None, PRETRAINING, 0)
    assert waits(lambda: pretrain(rows, None, PRETRAINING, 0)) < 2 * STEPS / 2
    judge = train_judge(rows, PRETRAINING.judge, 0)
    more = PRETRAINING.judge.n_detectors
    assert waits(lambda: train_judge(rows, PRETRAINING.judge, 0)) < more * STEPS / 2
    n_ppo_steps = SYNTHESIS.policy.epochs * SYNTHESIS.steps_per_episode / SYNTHESIS.policy.minibatch_size
    n_steps = SYNTHESIS.episodes * (n_ppo_steps + SYNTHESIS.feasible_steps)
    assert waits(lambda: synthesise(rows, None, models.cvae, models.detector, judge, SYNTHESIS, 0)) < 3 * n_steps


def test_estimators_take_the_device():
    x, y = table(600)
    budget = {"pretraining": PRETRAINING.model_dump(), "synthesis": SYNTHESIS.model_dump()}
    classifier = SwiftHydraClassifier(**budget, detection=DETECTION.model_dump(), device="cuda", random_state=0)
    probability = classifier.fit(x, y).predict_proba(x)[:, 1]
    assert next(classifier.scorer_.mixture.parameters()).is_cuda
    assert roc_auc_score(y, probability) > 0.8
    x_more, y_more = SwiftHydraSampler(**budget, device="cuda", random_state=0).fit_resample(x, y)
    assert (y_more == 1).sum() == (y_more == 0).sum()
    assert np.isfinite(x_more).all()


@pytest.mark.parametrize(
    "name",
    ["dte_c", "dev_net", "prenet", "deep_sad", "feawad", "transformer", "mamba", "oversampling_gan__extra_trees"],
)
def test_own_baselines_take_the_device(name):
    x, y = table(600)
    fitted = get_method(name).fit(x, y, RunConfig(device="cuda"), SwiftHydraConfig())
    assert np.isfinite(fitted.score(x)).all()


def test_dropout_draws_from_a_detectors_own_source():
    x, y = table(200)
    before = torch.cuda.get_rng_state()
    fitted = [get_method("transformer").fit(x, y, RunConfig(device="cuda"), SwiftHydraConfig()) for _ in range(2)]
    np.testing.assert_allclose(fitted[0].score(x), fitted[1].score(x), atol=1e-4)
    assert torch.equal(torch.cuda.get_rng_state(), before)


@pytest.mark.skipif(scans._cuda_kernel() is None, reason="mamba-ssm's CUDA kernel is not installed")
@pytest.mark.parametrize("length", [1, 2, 7, 64])
@pytest.mark.parametrize("stack", [(), (3,), (20,)])
def test_the_kernel_is_the_plain_scan(stack, length):
    arguments = [t.detach().to(CUDA).requires_grad_() for t in scan_arguments(length, stack, torch.float32)]
    outputs = scans.selective_scan_cuda(*arguments), scans.selective_scan(*arguments)
    torch.testing.assert_close(*outputs, rtol=1e-4, atol=1e-4)
    cotangent = torch.randn_like(outputs[0])
    by_kernel, plain = (
        torch.autograd.grad(output, arguments, cotangent, allow_unused=True, materialize_grads=True)
        for output in outputs
    )
    for ours, theirs in zip(by_kernel, plain, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)
