"""Linear models for many markers at once.

A lab's table holds thousands of markers (channel x stages x window x measure), each a fit of a dozen numbers; here all
are fitted together. The tests hold them to what statsmodels finds on the same table.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg, special

from swa.comparison.arrays import Bools, Floats, Ints


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Coefficients per marker.

    Attributes
    ----------
    beta : array, shape (markers, columns)
        Coefficients; NaN where they cannot be told apart or no degree of freedom is left.
    covariance : array, shape (markers, columns, columns)
        Their covariance.
    df, n : array, shape (markers,)
        Degrees of freedom of t; observations that the fit rests on.
    alike : array of bool, shape (markers,)
        Observations enough, but of columns that cannot be told apart.
    """

    beta: Floats
    covariance: Floats
    df: Ints
    n: Ints
    alike: Bools

    def combine(self, weights: Sequence[float]) -> tuple[Floats, Floats]:
        """Return a linear combination of the coefficients and its standard error."""
        w = np.asarray(weights, dtype=float)
        return self.beta @ w, np.sqrt(np.einsum("i,mij,j->m", w, self.covariance, w))


def t_interval(
    estimate: Floats, error: Floats, df: npt.ArrayLike, confidence: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return t, two-sided p, and both limits; an error of nothing but rounding gives NaN."""
    error = np.where(error > 1e-12 * np.maximum(np.abs(estimate), 1e-3), error, np.nan)
    t = estimate / error
    freedom = np.maximum(np.asarray(df, dtype=float), 1e-3)
    half = special.stdtrit(freedom, (1 + confidence) / 2) * error
    return t, 2 * special.stdtr(freedom, -np.abs(t)), estimate - half, estimate + half


def least_squares(y: Floats, columns: Sequence[npt.ArrayLike]) -> Fit:
    """Ordinary least squares of each marker on the same columns; a row that is not known in full is left out.

    Parameters
    ----------
    y : array, shape (subjects, markers)
        Response.
    columns : sequence of array, shape (subjects,) or (subjects, markers)
        Regressors; the constant is one of them.
    """
    x = _design(y, columns)
    known = np.isfinite(y) & np.isfinite(x).all(axis=-1)
    x, values = np.where(known[..., None], x, 0.0).swapaxes(0, 1), np.where(known, y, 0.0).T
    gram = np.einsum("mni,mnj->mij", x, x)
    beta, inverse, whole = _solve(gram, np.einsum("mni,mn->mi", x, values))
    residual = values - np.einsum("mni,mi->mn", x, beta)
    n = known.sum(axis=0)
    df = n - x.shape[-1]
    variance = (residual**2).sum(axis=1) / np.maximum(df, 1)
    return _fit(beta, inverse, variance, df, n, whole)


def spanning(columns: Floats, rows: Bools) -> Floats:
    """Regressors that tell in these rows what `columns` do, and none that others tell already; 0 in all other rows."""
    if not columns[rows].size:
        return np.zeros((len(columns), 0))
    span = linalg.orth(columns[rows])
    basis = np.zeros((len(columns), span.shape[1]))
    basis[rows] = span
    return basis


def unequal_variances(
    y: Floats, columns: Sequence[npt.ArrayLike], weights: Sequence[float]
) -> tuple[Floats, Floats, Floats, Fit]:
    """Least squares whose error does not presume that the arms vary alike: estimate, error, degrees of freedom, fit.

    HC2 errors with the degrees of freedom of Bell & McCaffrey 2002 (Survey Methodology 28:169; Imbens & Kolesar 2016,
    Rev Econ Stat 98:701), which is Welch's test carried over to a regression. With classical errors, arms of 6 and 14
    subjects of whom the 6 respond differently are rejected twice as often as they should be.
    """
    fit = least_squares(y, columns)
    x = _design(y, columns)
    known = (np.isfinite(y) & np.isfinite(x).all(axis=-1)).T
    estimate = fit.beta @ np.asarray(weights, dtype=float)
    error, df = np.full(len(known), np.nan), np.ones(len(known))
    for i in np.flatnonzero(fit.df > 0):
        rows = known[i]
        own = x[rows, i]
        inverse = np.linalg.inv(own.T @ own)
        load = own @ inverse @ np.asarray(weights, dtype=float)
        leverage = np.einsum("ni,ij,nj->n", own, inverse, own)
        free = np.maximum(1 - leverage, 1e-9)
        residual = y[rows, i] - own @ fit.beta[i]
        error[i] = np.sqrt((load**2 * residual**2 / free).sum())
        scaled = load**2 / free
        # trace of M^2 for M = diag(load / sqrt(free)) (I - H) diag(...): the diagonal apart from the rest
        whole = (own * scaled[:, None]).T @ own
        square = np.einsum("ij,jk,kl,li->", inverse, whole, inverse, whole)
        square += (scaled**2 * (1 - 2 * leverage)).sum()
        with np.errstate(divide="ignore"):  # a subject who fits by itself: nothing is left that could vary
            df[i] = (load**2).sum() ** 2 / square
    return estimate, error, df, fit


def patterns(known: Bools) -> list[tuple[Ints, Ints]]:
    """Rows that are known, and the columns (markers) that have just these; markers often share them."""
    kinds, kind = np.unique(known.T, axis=0, return_inverse=True)
    kind = kind.ravel()
    return [(np.flatnonzero(rows), np.flatnonzero(kind == i)) for i, rows in enumerate(kinds)]


def _design(y: Floats, columns: Sequence[npt.ArrayLike]) -> Floats:
    """Regressors as subjects x markers x columns."""
    arrays = [np.asarray(column, dtype=float) for column in columns]
    return np.stack([np.broadcast_to(a[:, None] if a.ndim == 1 else a, y.shape) for a in arrays], axis=-1)


def _solve(gram: Floats, right: Floats) -> tuple[Floats, Floats, Bools]:
    """Solution, inverse, and where the columns can be told apart."""
    scale = np.sqrt(np.einsum("mii->mi", gram))
    scale[scale == 0] = 1.0
    unit = gram / (scale[:, :, None] * scale[:, None, :])
    whole = np.linalg.eigvalsh(unit)[:, 0] > 1e-9
    unit[~whole] = np.eye(gram.shape[1])
    inverse = np.linalg.inv(unit) / (scale[:, :, None] * scale[:, None, :])
    return np.einsum("mij,mj->mi", inverse, right), inverse, whole


def _fit(beta: Floats, inverse: Floats, variance: Floats, df: Ints, n: Ints, whole: Bools) -> Fit:
    usable = whole & (df > 0)
    return Fit(
        beta=np.where(usable[:, None], beta, np.nan),
        covariance=np.where(usable[:, None, None], inverse * variance[:, None, None], np.nan),
        df=np.where(whole, df, 0),
        n=n,
        alike=~whole & (df > 0),
    )
