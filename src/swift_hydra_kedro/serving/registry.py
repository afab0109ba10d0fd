"""MLflow's registry: a version for each model, and the alias for the best of them."""

from __future__ import annotations

import logging
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from sklearn.metrics import average_precision_score, roc_auc_score

from swift_hydra_kedro.config import RegistrationConfig
from swift_hydra_kedro.serving.mlflow_model import MAX_ROWS

logger = logging.getLogger(__name__)
METRICS = {"auc_pr": average_precision_score, "auc_roc": roc_auc_score}


def register(model_uri: str, features: pd.DataFrame, label: np.ndarray, config: RegistrationConfig) -> dict[str, Any]:
    """Register a logged model, and give it the alias if it is better than the version that has it.

    Rows that the present champion has learnt from, as its split was another, are in its favour.

    Parameters
    ----------
    model_uri : what `log_model` returned
    features, label : rows that the new model has not learnt from, and 1 for anomalies
    config : name, alias, metric; without a name nothing is registered

    Returns
    -------
    dict
        `registered`; and then `name`, `version`, `alias`, `metric`, `value`, the `champion` it met, a version and its
        value or None, and whether it was `promoted`.
    """
    if config.name is None:
        return {"registered": False}
    champion = _champion(config, features, label)
    value = _value(model_uri, features, label, config)
    version = mlflow.register_model(model_uri, config.name).version
    client = mlflow.MlflowClient()
    client.set_model_version_tag(config.name, version, config.metric, f"{value:.6f}")
    promoted = champion is None or (champion["value"] is not None and value > champion["value"])
    if promoted:
        client.set_registered_model_alias(config.name, config.alias, version)
    logger.info("version %s of %r is %s %r", version, config.name, "now" if promoted else "not", config.alias)
    return {
        "registered": True,
        "name": config.name,
        "version": int(version),
        "alias": config.alias,
        "metric": config.metric,
        "value": value,
        "champion": champion,
        "promoted": promoted,
    }


def _champion(config: RegistrationConfig, features: pd.DataFrame, label: np.ndarray) -> dict[str, Any] | None:
    """The version that has the alias and what it is worth, None if it cannot score these rows."""
    found = mlflow.MlflowClient().search_registered_models(f"name = '{config.name}'")
    version = found[0].aliases.get(config.alias) if found else None
    if version is None:
        return None
    try:
        value = _value(f"models:/{config.name}@{config.alias}", features, label, config)
    except (ValueError, KeyError, OSError, MlflowException) as error:
        value = None  # for other columns, another version's format, or files that are gone
        logger.warning(
            "version %s of %r stays %r: it cannot be compared, %s. If the new model is to take its "
            "place, set the alias by hand",
            version,
            config.name,
            config.alias,
            error,
        )
    return {"version": int(version), "value": value}


def _value(uri: str, features: pd.DataFrame, label: np.ndarray, config: RegistrationConfig) -> float:
    model = mlflow.pyfunc.load_model(uri)
    chunks = (features.iloc[start : start + MAX_ROWS] for start in range(0, len(features), MAX_ROWS))
    score = np.concatenate([model.predict(chunk)["score"] for chunk in chunks])
    return float(METRICS[config.metric](label, score))
