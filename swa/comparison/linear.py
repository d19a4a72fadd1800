"""Linear models for many markers at once: least squares, and one random intercept per subject by REML.

A lab's table holds thousands of markers (channel x stages x window x measure), each a fit of a dozen numbers. One at a
time, statsmodels takes some 50 ms for a mixed model; here all markers are fitted together. The tests hold both to what
statsmodels finds on the same table.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from swa.comparison.arrays import Bools, Floats, Ints

LARGEST_LN_RATIO = 12.0  # ln of the variance between subjects over that between nights, beyond which both are as good
GOLDEN = (np.sqrt(5) - 1) / 2


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
        df[i] = (load**2).sum() ** 2 / square
    return estimate, error, df, fit


def random_intercept(y: Floats, subject: Ints, columns: Sequence[npt.ArrayLike]) -> Fit:
    """Mixed model y ~ columns + (1 | subject) by REML; one value per night.

    Parameters
    ----------
    y : array, shape (nights, markers)
        Response; NaN is left out.
    subject : array of int, shape (nights,)
        Whose night it is.
    columns : sequence of array, shape (nights,)
        Fixed effects that vary within subjects, the constant first.

    Returns
    -------
    Fit
        `df` is that of effects within subjects, nights - subjects - (columns - 1), which is exact for complete
        tables and conservative where subjects with a single night add to the estimate.

    Notes
    -----
    The profile likelihood of the ratio of the two variances is searched on a grid, then by golden section, which
    cannot fail to converge; a ratio of 0 is a result.
    """
    x = np.stack([np.asarray(c, float) for c in columns], axis=-1)
    shape = (y.shape[1], x.shape[1])
    beta, covariance = np.full(shape, np.nan), np.full((*shape, shape[1]), np.nan)
    df, n = np.zeros(shape[0], dtype=np.int64), np.isfinite(y).sum(axis=0)
    fitted = np.flatnonzero(n > x.shape[1])
    if len(fitted):
        found = _reml(_sums_over_nights(y[:, fitted], subject, x))
        beta[fitted], covariance[fitted], df[fitted] = found.beta, found.covariance, found.df
    return Fit(beta=beta, covariance=covariance, df=df, n=n, alike=np.zeros(shape[0], dtype=bool))


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


@dataclass(frozen=True, kw_only=True)
class _Sums:
    """What REML needs of each marker: first the sums over nights, then those over the subjects who have k of them.

    Of subjects the sums of their nights enter, squared: `gram` of x with x, `cross` of x with y, `square` of y.
    `number` counts nights and subjects; y is taken less its mean, `centre`.
    """

    gram: Floats
    cross: Floats
    square: Floats
    number: Ints
    centre: Floats


def _sums_over_nights(y: Floats, subject: Ints, x: Floats) -> _Sums:
    """Sums of the nights that each marker has: what markers with the same nights share is summed once."""
    width, markers = x.shape[1], y.shape[1]
    kinds = 1 + int(np.unique(subject, return_counts=True)[1].max())
    gram, cross = np.zeros((kinds, markers, width, width)), np.zeros((kinds, markers, width))
    square, number = np.zeros((kinds, markers)), np.zeros((kinds, markers), dtype=np.int64)
    centre = np.zeros(markers)
    for nights, some in patterns(np.isfinite(y)):
        values, own = y[np.ix_(nights, some)], x[nights]
        centre[some] = values.mean(axis=0)
        values = values - centre[some]
        _, place, size = np.unique(subject[nights], return_inverse=True, return_counts=True)
        sums_x, sums_y = np.zeros((len(size), width)), np.zeros((len(size), len(some)))
        np.add.at(sums_x, place, own)
        np.add.at(sums_y, place, values)
        for k in (0, *np.unique(size)):
            left, right = (sums_x[size == k], sums_y[size == k]) if k else (own, values)
            gram[k, some], cross[k, some] = left.T @ left, (left.T @ right).T
            square[k, some], number[k, some] = (right**2).sum(axis=0), len(left)
    return _Sums(gram=gram, cross=cross, square=square, number=number, centre=centre)


def _reml(sums: _Sums) -> Fit:
    """REML of all markers at once: V = I + ratio * J within a subject, so V^-1 = I - ratio / (1 + k ratio) * J."""
    n, width = sums.number[0], sums.gram.shape[-1]

    def at(ratio: Floats) -> tuple[Floats, Floats, Floats, Floats, Bools]:
        gram, cross, square = sums.gram[0].copy(), sums.cross[0].copy(), sums.square[0].copy()
        log_v = np.zeros(len(ratio))
        for k in range(1, len(sums.number)):
            weight = ratio / (1 + k * ratio)
            gram -= weight[:, None, None] * sums.gram[k]
            cross -= weight[:, None] * sums.cross[k]
            square -= weight * sums.square[k]
            log_v += sums.number[k] * np.log1p(k * ratio)
        beta, inverse, whole = _solve(gram, cross)
        rss = np.maximum(square - np.einsum("mi,mi->m", beta, cross), 1e-300)
        loss = (n - width) * np.log(rss) + log_v + np.linalg.slogdet(gram)[1]
        return loss, beta, inverse, rss, whole

    def loss(ln_ratio: Floats) -> Floats:
        return at(np.exp(ln_ratio))[0]

    grid = np.linspace(-LARGEST_LN_RATIO, LARGEST_LN_RATIO, 49)
    losses = np.array([loss(np.full(len(n), g)) for g in grid])
    best = losses.argmin(axis=0).clip(1, len(grid) - 2)
    low, high = grid[best - 1], grid[best + 1]
    for _ in range(60):
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        lower = loss(left) < loss(right)
        low, high = np.where(lower, low, left), np.where(lower, right, high)
    ratio = np.exp((low + high) / 2)
    zero = np.zeros_like(ratio)
    ratio = np.where(at(zero)[0] <= at(ratio)[0], 0.0, ratio)
    _, beta, inverse, rss, whole = at(ratio)
    beta[:, 0] += sums.centre
    df = n - sums.number[1:].sum(axis=0) - (width - 1)
    return _fit(beta, inverse, rss / (n - width), np.maximum(df, 0), n, whole)
