"""Read a table and check that it can be used."""

from __future__ import annotations

import logging
from typing import Any

import pandas as pd

from swift_hydra_kedro.config import TablesConfig
from swift_hydra_kedro.data.sources import RawTables
from swift_hydra_kedro.data.validation import check_table, doubt_of_label

logger = logging.getLogger(__name__)


def ingest(raw_tables: RawTables, tables: TablesConfig, dataset: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read a data set; the frame holds features and label, the summary its size."""
    table = raw_tables.read(dataset, tables)
    own = tables.root.get(dataset)
    check_table(table, allow_missing=own is not None)
    if doubt := doubt_of_label(table.label, own.positive_label if own else 1):
        logger.warning("%s: %s", dataset, doubt)
    summary = {
        "dataset": dataset,
        "n_rows": len(table),
        "n_features": table.features.shape[1],
        "n_anomalies": int(table.label.sum()),
        "anomaly_share": float(table.label.mean()),
        "missing_values": int(table.features.isna().sum().sum()),
    }
    return table.to_frame(), summary
