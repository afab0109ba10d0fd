"""Imputation, one-hot encoding and scaling, fitted on training rows alone and saved as JSON."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict
from sklearn.preprocessing import StandardScaler

from swift_hydra_kedro.config import PreparationConfig
from swift_hydra_kedro.data.columns import is_numeric, reject_dates, reject_repeated
from swift_hydra_kedro.data.encoding import CategoricalColumn, Name, NumericBlock

NO_CLIP = 1e12  # a `clip` for methods that do not need one


class TablePreprocessor(BaseModel):
    """A fitted map from a table to standardised float32 features, and back.

    Numbers are imputed, categories one-hot encoded, then every resulting column that varies in
    training is standardised and clipped. Columns that do not vary are dropped. One of two values is
    centred, too, but divided by half their difference: by its standard deviation, the rarer value
    would lie the further out the rarer it is, and such columns would drown all others.

    Attributes
    ----------
    columns
        Source columns in training's order.
    numeric, categorical
        How the two kinds are encoded.
    mean
        Mean of each encoded column in training; the value itself where it is constant.
    scale
        What each encoded column is divided by: its standard deviation, or half the difference of its
        values if they are two; 0 where it is constant, and so dropped.
    clip
        Bound on the standardised features, in standard deviations.

    Examples
    --------
    >>> frame = pd.DataFrame({"size": [1.0, 3.0, 5.0], "colour": ["red", "blue", "red"]})
    >>> fitted = TablePreprocessor.fit(frame, PreparationConfig())
    >>> fitted.feature_names_out
    ['size', 'colour=blue', 'colour=red']
    >>> fitted.inverse_transform(fitted.transform(frame))["colour"].tolist()
    ['red', 'blue', 'red']
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: tuple[Name, ...]
    numeric: NumericBlock
    categorical: tuple[CategoricalColumn, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    clip: float

    @classmethod
    def fit(cls, features: pd.DataFrame, config: PreparationConfig) -> Self:
        """Fit on training rows.

        Parameters
        ----------
        features
            Training part, of shape (N, P_source); numbers, and text for categories.
        config
            Clipping bound and most categories per column.

        Raises
        ------
        ValueError
            If there are no rows, a column name occurs twice, a column holds dates or infinite
            values, or no column varies.
        """
        _check_frame(features)
        numbers = [name for name in features.columns if is_numeric(features[name])]
        texts = [name for name in features.columns if name not in set(numbers)]
        numeric = NumericBlock.fit(features, numbers)
        categorical = tuple(CategoricalColumn.fit(features, name, config.max_categories) for name in texts)
        matrix = _encode(features, numeric, categorical)
        low, high = matrix.min(axis=0), matrix.max(axis=0)
        constant = low == high
        binary = ((matrix == low) | (matrix == high)).all(axis=0)  # or constant
        if constant.all():
            raise ValueError(f"none of the {features.shape[1]} columns varies in the {len(features)} training rows")
        scaler = StandardScaler().fit(matrix)
        return cls(
            columns=tuple(features.columns),
            numeric=numeric,
            categorical=categorical,
            mean=tuple(np.where(constant, matrix[0], scaler.mean_).tolist()),
            scale=tuple(np.where(binary, (high - low) / 2, scaler.scale_).tolist()),
            clip=config.clip,
        )

    def transform(self, features: pd.DataFrame) -> np.ndarray:
        """Standardise rows.

        Parameters
        ----------
        features
            Rows with at least the columns of training, in any order.

        Returns
        -------
        ndarray of shape (N, P)
            float32, within +-clip.

        Raises
        ------
        ValueError
            If columns are missing, or a numeric one holds text or infinite values.
        """
        self.check_columns(features)
        matrix = _encode(features, self.numeric, self.categorical)
        mean, scale = np.array(self.mean), np.array(self.scale)
        kept = scale > 0
        if not kept.all():
            matrix, mean, scale = matrix[:, kept], mean[kept], scale[kept]
        scaled = matrix - mean
        scaled /= scale
        return scaled.clip(-self.clip, self.clip, out=scaled).astype(np.float32, order="C")

    def check_columns(self, features: pd.DataFrame) -> None:
        """Refuse rows that lack columns of training.

        Raises
        ------
        ValueError
            If columns are missing.
        """
        missing = [name for name in self.columns if name not in features.columns]
        if missing:
            raise ValueError(f"{len(missing)} of {len(self.columns)} columns are missing: {missing[:10]}")

    def inverse_transform(self, array: np.ndarray) -> pd.DataFrame:
        """Show standardised rows in the original columns and units.

        Parameters
        ----------
        array
            Standardised rows of shape (N, P), of this map or synthetic.

        Returns
        -------
        DataFrame of shape (N, P_source)
            Whole-number columns are rounded, a category is the highest of its one-hot group, and
            what was clipped stays at the bound.
        """
        scale = np.array(self.scale)
        matrix = np.tile(np.array(self.mean), (len(array), 1))
        matrix[:, scale > 0] += array * scale[scale > 0]
        width = len(self.numeric.columns)
        decoded = self.numeric.decode(matrix[:, :width])
        for column in self.categorical:
            decoded |= column.decode(matrix[:, width : width + len(column.columns)])
            width += len(column.columns)
        return pd.DataFrame({name: decoded[name] for name in self.columns})

    @property
    def kinds(self) -> dict[Name, str]:
        """What each source column holds, in words."""
        words: dict[Name, str] = dict.fromkeys(self.numeric.names, "number")
        words |= {column.name: f"category, {len(column.categories)} known" for column in self.categorical}
        return {name: words[name] for name in self.columns}

    @property
    def source_of_features(self) -> list[Name]:
        """The source column that each of the P columns that `transform` gives comes from."""
        sources = [*self.numeric.names, *self.numeric.flagged]
        sources += [column.name for column in self.categorical for _ in column.columns]
        return [name for name, scale in zip(sources, self.scale, strict=True) if scale > 0]

    @property
    def feature_names_out(self) -> list[str]:
        """Names of the P columns that `transform` gives."""
        return [name for name, scale in zip(self._encoded_names, self.scale, strict=True) if scale > 0]

    @property
    def _encoded_names(self) -> list[str]:
        return [*self.numeric.columns, *(name for column in self.categorical for name in column.columns)]

    def state(self) -> dict[str, Any]:
        """All that was fitted, as JSON takes it; a saved and loaded state transforms bit by bit alike."""
        return self.model_dump(mode="json")

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Rebuild from `state()`.

        Raises
        ------
        ValueError
            If the state lacks a part or has an unknown one.
        """
        return cls.model_validate(state)


def _check_frame(features: pd.DataFrame) -> None:
    if len(features) == 0:
        raise ValueError("there are no training rows")
    reject_repeated(features.columns)
    for name in features.columns:
        reject_dates(features[name])


def _encode(features: pd.DataFrame, numeric: NumericBlock, categorical: tuple[CategoricalColumn, ...]) -> np.ndarray:
    """Matrix of all encoded columns, of shape (N, P and the constant ones)."""
    if not categorical:
        return numeric.encode(features)
    return np.hstack([numeric.encode(features), *(column.encode(features) for column in categorical)])
