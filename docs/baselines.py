"""Write docs/baselines.md from the registry of baselines.

usage: python docs/baselines.py
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from swift_hydra_kedro.baselines.method import Detector, Oversampler
from swift_hydra_kedro.baselines.registry import DETECTORS, OVERSAMPLERS
from swift_hydra_kedro.evaluation.names import display_name, oversampler_name

PAGE = Path(__file__).with_name("baselines.md")
HEAD = """# Baselines

Written by `make docs` from the registry, `registry.py` in `src/swift_hydra_kedro/baselines/detectors` and in its
neighbour `oversamplers`; a test compares. Any of these names can stand in `evaluation.baselines`: a detector,
`extra_trees`; an over-sampler and the detector that it feeds, `smote__extra_trees`; or an over-sampler alone, which
takes the place of Swift Hydra's synthesis and feeds its mixture.

What does not come with the core is installed by `pip install -e '.[benchmark]'`. A detector with a limit
trains on a random part of that many rows where there are more, and the log says so; an over-sampler adds to that part.
It scores all rows. Over-samplers have limits of their own, and say so in the log: MixAnN searches on 20,000 rows,
SVM-SMOTE's machine learns from 10,000, VAE-Geometry makes 2,048 different ones, AutoSMOTE tries its rows on 2,000.

What a detector gets to see: unsupervised, rows alone; one-class, the rows that are not labelled anomalous; weakly
supervised, the labelled anomalies and all others as unlabelled rows; supervised, rows and labels.

[The benchmark](benchmark.md) measures all of them on ADBench files.

## Adding a method

One file and one entry of the registry. The file, here `src/swift_hydra_kedro/baselines/detectors/mahalanobis.py`, has
an estimator with scikit-learn's `fit`, and `predict_proba` or a `decision_function` that is higher for anomalies; its
rows come standardised and checked (an over-sampler, under `oversamplers/`, has imbalanced-learn's `fit_resample`):

```python
import numpy as np
from sklearn.base import BaseEstimator


class Mahalanobis(BaseEstimator):
    def fit(self, X, y=None):
        self.mean_, self.precision_ = X.mean(axis=0), np.linalg.pinv(np.atleast_2d(np.cov(X, rowvar=False)))
        return self

    def decision_function(self, X):
        return np.einsum("np,pq,nq->n", X - self.mean_, self.precision_, X - self.mean_)
```

The entry, in `registry.py` beside it, says how it is made (`seedless`, `seeded` with the run's seed, or `on_device`
with its device too), what it may see, and where it comes from:

```py
"mahalanobis": Detector(
    build=seedless(f"{HERE}.mahalanobis.Mahalanobis"),
    family="distance",
    paper="Mahalanobis, 1936",
    checked="its definition",
    supervision="unsupervised",
)
```

Then `evaluation.baselines` and the benchmark know it, `make docs` puts it on this page, and `make test` tries it like
all others on easy, crude and bad tables, with a single anomaly, and for equal results from equal seeds. A file that
needs an optional package imports it at its top, and its entry names the package as `library`: the other methods work
without it, and a run that lacks it ends before anything trains, with the command that installs it.
"""


def page() -> str:
    """The whole page, in Markdown."""
    detectors = [
        f"| `{name}` | {display_name(name)} | {entry.family} | {entry.supervision} | {entry.paper} "
        f"| {entry.package or 'own'} | {entry.max_rows or ''} |"
        for name, entry in sorted(DETECTORS.items())
    ]
    oversamplers = [
        f"| `{name}` | {oversampler_name(name)} | {entry.family} | {entry.paper} | {entry.package or 'own'} |"
        for name, entry in sorted(OVERSAMPLERS.items())
    ]
    return "\n".join(
        [
            HEAD,
            "## Detectors\n",
            "| name | method | family | supervision | paper | from | training rows at most |",
            "|---|---|---|---|---|---|---|",
            *detectors,
            "\n## Over-samplers\n",
            "| name | method | family | paper | from |",
            "|---|---|---|---|---|",
            *oversamplers,
            "\n## How those written here are checked\n",
            "| name | against |",
            "|---|---|",
            *_checks(DETECTORS),
            *_checks(OVERSAMPLERS),
            "",
        ]
    )


def _checks(entries: Mapping[str, Detector | Oversampler]) -> list[str]:
    return [f"| `{name}` | {entry.checked} |" for name, entry in sorted(entries.items()) if not entry.library]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
