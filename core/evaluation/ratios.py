"""Ratios and means of figures that may be undefined (NaN)."""

import numpy as np
from numpy.typing import ArrayLike

from core.evaluation.records import FloatArray


def ratio(part: ArrayLike, whole: ArrayLike) -> FloatArray:
    """Return part / whole; NaN where the whole is 0 or NaN."""
    divisor = np.asarray(whole, dtype=np.float64)
    quotient: FloatArray = np.divide(part, divisor, out=np.full(divisor.shape, np.nan), where=divisor > 0)
    return quotient


def mean_defined(values: FloatArray, axis: int | tuple[int, ...] | None = None) -> FloatArray:
    """Return the mean without NaN; NaN where nothing is defined."""
    defined = ~np.isnan(values)
    return ratio(np.where(defined, values, 0.0).sum(axis=axis), defined.sum(axis=axis))
