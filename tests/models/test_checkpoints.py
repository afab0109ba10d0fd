import json

import numpy as np
import pytest
import torch

from swift_hydra_kedro.config import BalancedTrainingConfig, CVAEConfig, MambaConfig
from swift_hydra_kedro.models.checkpoints import (
    committee_settings,
    cvae_settings,
    detector_settings,
    load_committee,
    load_cvae,
    load_detector,
    load_mixture,
    load_policy,
    mixture_settings,
    policy_settings,
    tensors_of,
)
from swift_hydra_kedro.models.committee import Committee
from swift_hydra_kedro.models.cvae import CVAE
from swift_hydra_kedro.models.detector import MambaDetector
from swift_hydra_kedro.models.encoding import PiecewiseLinearEncoding
from swift_hydra_kedro.models.fitting import LabelledRows, fit_cvae
from swift_hydra_kedro.models.mome import MixtureOfExperts, NoisyTopKGate
from swift_hydra_kedro.models.neighbours import Neighbourhood
from swift_hydra_kedro.models.policy import Policy

X = torch.randn(20, 3)
Y = (torch.arange(20) % 2).float()


def detector(stack=(), tokens="record", bins=2):
    config = MambaConfig(d_model=8, d_state=3, depth=1, tokens=tokens, bins=bins)
    return MambaDetector(PiecewiseLinearEncoding.fit(X.numpy(), bins), config, stack)


def reloaded(model, settings_of, load):
    """Through JSON text and copies of the arrays, as a checkpoint folder would."""
    settings = json.loads(json.dumps(settings_of(model)))
    return load({name: array.copy() for name, array in tensors_of(model).items()}, settings)


def test_tensors_are_numpy_arrays_of_the_whole_state():
    model = detector()
    tensors = tensors_of(model)
    assert all(isinstance(array, np.ndarray) for array in tensors.values())
    assert tensors.keys() == model.state_dict().keys()


@pytest.mark.parametrize("spectral_norm", [False, True])
def test_cvae(spectral_norm, generator):
    cvae = CVAE(3, CVAEConfig(latent_size=2, hidden_size=8, spectral_norm=spectral_norm))
    fit_cvae(cvae, LabelledRows(X, Y, torch.ones(20)), BalancedTrainingConfig(epochs=1, batch_size=4), generator)
    again = reloaded(cvae, cvae_settings, load_cvae)
    noise = torch.randn(20, 2)
    assert torch.equal(again.loss(X, Y, noise), cvae.loss(X, Y, noise))
    assert again.config == cvae.config


@pytest.mark.parametrize("tokens", ["record", "feature"])
@pytest.mark.parametrize("stack", [(), (3,)])
@pytest.mark.parametrize("bins", [0, 2])
def test_detector_and_experts(tokens, stack, bins):
    model = detector(stack, tokens, bins)
    again = reloaded(model, detector_settings, load_detector)
    x = X.expand(*stack, -1, -1)
    assert torch.equal(again(x), model(x))
    assert again.stack == stack
    assert again.config == model.config


def test_a_model_trained_with_the_kernel_loads_where_there_is_none():
    model = detector()
    settings = detector_settings(model)
    settings["config"]["backend"] = "mamba_ssm"
    assert torch.equal(load_detector(tensors_of(model), settings)(X), model(X))


def test_a_model_that_was_to_run_in_plain_torch_still_does():
    model = detector()
    settings = detector_settings(model)
    settings["config"]["backend"] = "torch"
    assert load_detector(tensors_of(model), settings).config.backend == "torch"


def test_committee():
    model = Committee(detector((4,)), torch.tensor([0.1, 0.2, 0.3, 0.4]))
    again = reloaded(model, committee_settings, load_committee)
    assert torch.equal(again(X), model(X))


def test_mixture():
    model = MixtureOfExperts(detector((4,)), NoisyTopKGate(3, 4, 2))
    again = reloaded(model, mixture_settings, load_mixture)
    assert torch.equal(again(X), model(X))


@pytest.mark.parametrize("changes", [{}, {"with_anomalies": False}, {"by_ranks": False}])
def test_mixture_with_a_neighbourhood(changes):
    x, y = torch.randn(60, 3), (torch.arange(60) % 3 == 0).float()
    generator = torch.Generator().manual_seed(0)
    neighbourhood = Neighbourhood.fit(x, y, 512, 1000, generator, **changes)
    encoding = PiecewiseLinearEncoding.fit(neighbourhood(x).numpy(), 2)
    experts = MambaDetector(encoding, MambaConfig(d_model=8, depth=1, bins=2), (4,))
    model = MixtureOfExperts(experts, NoisyTopKGate(encoding.n_features, 4, 2), neighbourhood)
    again = reloaded(model, mixture_settings, load_mixture)
    assert torch.equal(again(x), model(x))


def test_policy():
    policy = Policy(4, 3, 8)
    again = reloaded(policy, policy_settings, load_policy)
    state = torch.randn(5, 4)
    assert torch.equal(again(state).mean, policy(state).mean)
    assert torch.equal(again(state).stddev, policy(state).stddev)


def test_loaded_models_are_in_evaluation_mode():
    model = detector().train()
    assert not reloaded(model, detector_settings, load_detector).training


def test_missing_array_is_an_error():
    model = detector()
    tensors = tensors_of(model)
    del tensors["net.output.bias"]
    with pytest.raises(RuntimeError, match=r"net\.output\.bias"):
        load_detector(tensors, detector_settings(model))


def test_loading_leaves_the_global_generator_alone():
    cvae, policy, experts = CVAE(3, CVAEConfig()), Policy(4, 3, 8), detector((4,))
    mixture = MixtureOfExperts(experts, NoisyTopKGate(3, 4, 2))
    before = torch.get_rng_state()
    reloaded(cvae, cvae_settings, load_cvae)
    reloaded(policy, policy_settings, load_policy)
    reloaded(mixture, mixture_settings, load_mixture)
    assert torch.equal(torch.get_rng_state(), before)
