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

from swa.comparison.within_subject import Bools, Floats, Ints

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
    """

    beta: Floats
    covariance: Floats
    df: Ints
    n: Ints

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
    x = np.stack([np.broadcast_to(np.asarray(c, float).reshape(len(y), -1), y.shape) for c in columns], axis=-1)
    known = np.isfinite(y) & np.isfinite(x).all(axis=-1)
    x, values = np.where(known[..., None], x, 0.0).swapaxes(0, 1), np.where(known, y, 0.0).T
    gram = np.einsum("mni,mnj->mij", x, x)
    beta, inverse, whole = _solve(gram, np.einsum("mni,mn->mi", x, values))
    residual = values - np.einsum("mni,mi->mn", x, beta)
    n = known.sum(axis=0)
    df = n - x.shape[-1]
    variance = (residual**2).sum(axis=1) / np.maximum(df, 1)
    return _fit(beta, inverse, variance, np.where(whole, df, 0), n)


def unequal_variances(
    y: Floats, columns: Sequence[npt.ArrayLike], weights: Sequence[float]
) -> tuple[Floats, Floats, Floats, Fit]:
    """Least squares whose error does not presume that the arms vary alike: estimate, error, degrees of freedom, fit.

    HC2 errors with the degrees of freedom of Bell & McCaffrey 2002 (Survey Methodology 28:169; Imbens & Kolesar 2016,
    Rev Econ Stat 98:701), which is Welch's test carried over to a regression. With classical errors, arms of 6 and 14
    subjects of whom the 6 respond differently are rejected twice as often as they should be.
    """
    fit = least_squares(y, columns)
    x = np.stack([np.broadcast_to(np.asarray(c, float).reshape(len(y), -1), y.shape) for c in columns], axis=-1)
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
    for nights, markers in patterns(np.isfinite(y)):
        if len(nights) > x.shape[1]:
            found = _reml(y[np.ix_(nights, markers)], subject[nights], x[nights])
            beta[markers], covariance[markers], df[markers] = found.beta, found.covariance, found.df
    return Fit(beta=beta, covariance=covariance, df=df, n=n)


def patterns(known: Bools) -> list[tuple[Ints, Ints]]:
    """Rows that are known, and the columns (markers) that have just these; markers often share them."""
    kinds, kind = np.unique(known.T, axis=0, return_inverse=True)
    kind = kind.ravel()
    return [(np.flatnonzero(rows), np.flatnonzero(kind == i)) for i, rows in enumerate(kinds)]


def _solve(gram: Floats, right: Floats) -> tuple[Floats, Floats, Bools]:
    """Solution, inverse, and where the columns can be told apart."""
    scale = np.sqrt(np.einsum("mii->mi", gram))
    scale[scale == 0] = 1.0
    unit = gram / (scale[:, :, None] * scale[:, None, :])
    whole = np.linalg.eigvalsh(unit)[:, 0] > 1e-9
    unit[~whole] = np.eye(gram.shape[1])
    inverse = np.linalg.inv(unit) / (scale[:, :, None] * scale[:, None, :])
    return np.einsum("mij,mj->mi", inverse, right), inverse, whole


def _fit(beta: Floats, inverse: Floats, variance: Floats, df: Ints, n: Ints) -> Fit:
    usable = df > 0
    return Fit(
        beta=np.where(usable[:, None], beta, np.nan),
        covariance=np.where(usable[:, None, None], inverse * variance[:, None, None], np.nan),
        df=df,
        n=n,
    )


def _reml(y: Floats, subject: Ints, x: Floats) -> Fit:
    """REML for complete columns of y: V = I + ratio * J within a subject, so V^-1 = I - ratio / (1 + k ratio) * J."""
    nights, width = x.shape
    _, place, size = np.unique(subject, return_inverse=True, return_counts=True)
    centre = y.mean(axis=0)
    y = y - centre
    sums_x = np.zeros((len(size), width))
    sums_y = np.zeros((len(size), y.shape[1]))
    np.add.at(sums_x, place, x)
    np.add.at(sums_y, place, y)
    sizes = np.unique(size)
    of_size = [size == k for k in sizes]
    total = (x.T @ x, (x.T @ y).T, (y**2).sum(axis=0))
    parts = [
        (sums_x[some].T @ sums_x[some], (sums_x[some].T @ sums_y[some]).T, (sums_y[some] ** 2).sum(axis=0))
        for some in of_size
    ]

    def at(ratio: Floats) -> tuple[Floats, Floats, Floats, Floats, Bools]:
        gram = np.broadcast_to(total[0], (len(ratio), width, width)).copy()
        right, square = total[1].copy(), total[2].copy()
        log_v = np.zeros(len(ratio))
        for k, some, (xx, xy, yy) in zip(sizes, of_size, parts, strict=True):
            weight = ratio / (1 + k * ratio)
            gram -= weight[:, None, None] * xx
            right -= weight[:, None] * xy
            square -= weight * yy
            log_v += some.sum() * np.log1p(k * ratio)
        beta, inverse, whole = _solve(gram, right)
        rss = np.maximum(square - np.einsum("mi,mi->m", beta, right), 1e-300)
        log_gram = np.linalg.slogdet(gram)[1]
        loss = (nights - width) * np.log(rss) + log_v + log_gram
        return loss, beta, inverse, rss, whole

    def loss(ln_ratio: Floats) -> Floats:
        return at(np.exp(ln_ratio))[0]

    grid = np.linspace(-LARGEST_LN_RATIO, LARGEST_LN_RATIO, 49)
    losses = np.array([loss(np.full(y.shape[1], g)) for g in grid])
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
    beta[:, 0] += centre
    df = nights - len(size) - (width - 1)
    n = np.full(y.shape[1], nights)
    return _fit(beta, inverse, rss / (nights - width), np.where(whole, max(df, 0), 0), n)
