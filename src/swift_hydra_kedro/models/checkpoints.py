"""Models as plain arrays and JSON, and back: what a checkpoint folder holds. Nothing is pickled.

Building a network draws initial weights; loading puts torch's global generator back as it was.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from swift_hydra_kedro.config import CVAEConfig, MambaConfig
from swift_hydra_kedro.models.committee import Committee
from swift_hydra_kedro.models.cvae import CVAE
from swift_hydra_kedro.models.detector import MambaDetector
from swift_hydra_kedro.models.encoding import PiecewiseLinearEncoding
from swift_hydra_kedro.models.layers import global_randomness_kept
from swift_hydra_kedro.models.mome import MixtureOfExperts, NoisyTopKGate
from swift_hydra_kedro.models.neighbours import Neighbourhood, References
from swift_hydra_kedro.models.policy import Policy
from swift_hydra_kedro.models.ranks import Ranks

Tensors = dict[str, np.ndarray]
Settings = dict[str, Any]
Model = TypeVar("Model", bound=nn.Module)


def tensors_of(model: nn.Module) -> Tensors:
    """Parameters and buffers as arrays."""
    return {name: value.detach().cpu().numpy() for name, value in model.state_dict().items()}


def tensors_below(prefix: str, tensors: Tensors) -> Tensors:
    """The tensors whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def cvae_settings(cvae: CVAE) -> Settings:
    """What `load_cvae` needs beside the tensors."""
    return {"n_features": cvae.n_features, "config": cvae.config.model_dump(mode="json")}


@global_randomness_kept()
def load_cvae(tensors: Tensors, settings: Settings) -> CVAE:
    """Rebuild a C-VAE."""
    return _filled(CVAE(settings["n_features"], CVAEConfig.model_validate(settings["config"])), tensors)


def detector_settings(detector: MambaDetector) -> Settings:
    """What `load_detector` needs beside the tensors."""
    return {
        "n_features": detector.encoding.n_features,
        "config": detector.config.model_dump(mode="json"),
        "stack": list(detector.stack),
    }


@global_randomness_kept()
def load_detector(tensors: Tensors, settings: Settings) -> MambaDetector:
    """Rebuild a detector, or stacked experts; one trained by the CUDA kernel also computes without."""
    names = ("binned", "inverse_width", "offset", "lowest_score", "score_step")
    encoding = PiecewiseLinearEncoding(settings["n_features"], *_read(tensors_below("encoding.", tensors), *names))
    config = MambaConfig.model_validate(settings["config"])
    if config.backend == "mamba_ssm":  # asked for in training; here there may be no kernel
        config = config.model_copy(update={"backend": "auto"})
    return _filled(MambaDetector(encoding, config, tuple(settings["stack"])), tensors)


def committee_settings(committee: Committee) -> Settings:
    """What `load_committee` needs beside the tensors."""
    return detector_settings(committee.members)


def load_committee(tensors: Tensors, settings: Settings) -> Committee:
    """Rebuild a committee."""
    members = load_detector(tensors_below("members.", tensors), settings)
    return _filled(Committee(members), tensors)


def mixture_settings(mixture: MixtureOfExperts) -> Settings:
    """What `load_mixture` needs beside the tensors."""
    return {"experts": detector_settings(mixture.experts), "top_k": mixture.gate.top_k}


@global_randomness_kept()
def load_mixture(tensors: Tensors, settings: Settings) -> MixtureOfExperts:
    """Rebuild a mixture."""
    experts = load_detector(tensors_below("experts.", tensors), settings["experts"])
    gate = NoisyTopKGate(experts.encoding.n_features, experts.stack[0], settings["top_k"])
    neighbourhood = load_neighbourhood(tensors_below("neighbourhood.", tensors))
    return _filled(MixtureOfExperts(experts, gate, neighbourhood), tensors)


def load_neighbourhood(tensors: Tensors) -> Neighbourhood | None:
    """Rebuild a neighbourhood; None if there are no tensors of one."""
    if not tensors:
        return None
    scaled, ranked, ranks = (tensors_below(f"{name}.", tensors) for name in ("scaled", "ranked", "ranks"))
    arrays = ("rows", "centres", "candidates")
    return Neighbourhood(
        References(*_read(scaled, *arrays)),
        References(*_read(ranked, *arrays)) if ranked else None,
        Ranks(*_read(ranks, "values", "rank_of_value")) if ranks else None,
        *_read(tensors, "rows", "mean", "scale"),
    )


def _read(tensors: Tensors, *names: str) -> list[Tensor]:
    """Copies, as they become buffers of a model, which are written when its state is loaded."""
    return [torch.tensor(tensors[name]) for name in names]


def policy_settings(policy: Policy) -> Settings:
    """What `load_policy` needs beside the tensors."""
    sizes = {"state_size": policy.state_size, "action_size": policy.head.out_features // 2}
    return sizes | {"hidden": policy.head.in_features}


@global_randomness_kept()
def load_policy(tensors: Tensors, settings: Settings) -> Policy:
    """Rebuild a policy."""
    return _filled(Policy(**settings), tensors)


def _filled(model: Model, tensors: Tensors) -> Model:
    model.load_state_dict({name: torch.tensor(value) for name, value in tensors.items()})
    return model.eval()
