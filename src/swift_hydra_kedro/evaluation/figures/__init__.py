"""The report's figures, as plotly figures of modest size in one theme.

Numbers go in as plain rounded lists and sliders need no frames, so that every figure also shows in
Kedro-Viz, which draws `data` and `layout` alone.
"""

from swift_hydra_kedro.evaluation.figures.curves import precision_recall_curves, roc_curves
from swift_hydra_kedro.evaluation.figures.decision import trade_off_curves
from swift_hydra_kedro.evaluation.figures.detection import decision_regions, rows_per_expert
from swift_hydra_kedro.evaluation.figures.drift import drift_overview
from swift_hydra_kedro.evaluation.figures.explanation import mean_contributions, row_contributions
from swift_hydra_kedro.evaluation.figures.projection import anomalies_by_episode
from swift_hydra_kedro.evaluation.figures.training import invalid_share, learning_curves, reward_and_auc

__all__ = [
    "anomalies_by_episode",
    "decision_regions",
    "drift_overview",
    "invalid_share",
    "learning_curves",
    "mean_contributions",
    "precision_recall_curves",
    "reward_and_auc",
    "roc_curves",
    "row_contributions",
    "rows_per_expert",
    "trade_off_curves",
]
