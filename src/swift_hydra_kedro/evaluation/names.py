"""Names of the methods as people read them."""

from __future__ import annotations

WHOLE = "swift_hydra"
_DETECTORS = {
    WHOLE: "Swift Hydra",
    "swift_hydra_mome": "Swift Hydra (MoME)",
    "swift_hydra_single": "Swift Hydra (single)",
    "swift_hydra_no_synthesis": "Swift Hydra, no synthesis",
    "swift_hydra_traditional": "Swift Hydra, traditional training",
    "swift_hydra_transformer": "Swift Hydra (Transformer)",
    **{f"swift_hydra_kl_{weight}": f"Swift Hydra, KL weight {weight}" for weight in (0.4, 0.5, 0.55, 0.6, 0.7)},
    "adgym_search": "ADGym (search)",
    "catboost": "CatBoost",
    "cblof": "CBLOF",
    "copod": "COPOD",
    "deep_sad": "DeepSAD",
    "dev_net": "DevNet",
    "dte_c": "DTE-C",
    "dte_np": "DTE-NP",
    "ecod": "ECOD",
    "feawad": "FEAWAD",
    "ft_transformer": "FT-Transformer",
    "knn": "k-NN",
    "knn_classifier": "k-NN classifier",
    "lightgbm": "LightGBM",
    "lof": "LOF",
    "mlp": "MLP",
    "prenet": "PReNet",
    "rejex": "RejEx",
    "tabm": "TabM",
    "xgbod": "XGBOD",
    "xgboost": "XGBoost",
}
_OVERSAMPLERS = {
    "adasyn": "ADASYN",
    "auto_smote": "AutoSMOTE",
    "borderline_smote": "Borderline-SMOTE",
    "cbo": "CBO",
    "mixann": "MixAnN",
    "mix_boost": "MixBoost",
    "oversampling_gan": "Oversampling GAN",
    "random_averaging": "Random averaging",
    "smote": "SMOTE",
    "svm_smote": "SVM-SMOTE",
    "swift_hydra_sampler": "Swift Hydra's samples",
    "vae_geometry": "VAE-Geometry",
}


def display_name(method: str) -> str:
    """Human name of a method, from its key in `metrics.json`; an over-sampler's says what it feeds, too."""
    oversampler, _, detector = method.rpartition("__")
    if detector in _OVERSAMPLERS:
        return f"{_OVERSAMPLERS[detector]} + mixture"
    name = _DETECTORS.get(detector, detector.replace("_", " ").title())
    return f"{oversampler_name(oversampler)} + {name}" if oversampler else name


def oversampler_name(name: str) -> str:
    """Human name of an over-sampler."""
    return _OVERSAMPLERS.get(name, name.replace("_", " ").title())


def is_own(method: str) -> bool:
    """Whether the method is one of Swift Hydra's variants."""
    return method.startswith("swift_hydra")
