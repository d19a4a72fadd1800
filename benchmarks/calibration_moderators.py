"""Whether the slope of the change on a covariate keeps its level and covers, however the covariate follows the level.

ln SWA of two nights of subjects, which correlate 0.6, 0.76 and 0.9 with each other. The covariate correlates with the
level of the person (`shared` 0: 0, 0.4 and 0.8), or, as one taken from the baseline night, with the value of that night
(`shared` 1: 0.5 to 0.95), or with the level and half of that night's error. Without moderation, and with a slope of
0.10 ln for one SD in the direction of the level. Beside them what the plain slope would find, and adjusting for the
baseline value, and for the mean of both nights (Oldham) where the response varies by an SD of 0.2. What holds in both
models is told, so that less than 0.05 is found and more than 0.95 covered. Power against the direction of the level is
what that costs.

Without moderation for what is compared by differences: minutes of N3, of which 0.4 or 0.6 of the nights have none,
latency and density of REM sleep; the covariate normal, lognormal (skewed), or groups of a third and the rest. Power
where N3 minutes do go with the covariate.

Ratios whose changes scatter more in those with more of the covariate (in a quarter of the subjects; in step with a
lognormal covariate), less, or alike: what is found without moderation, the share of intervals that hold a slope, and
power; beside them permuted residuals, with the classical t (Freedman & Lane 1983) and with HC3 errors (DiCiccio &
Romano 2017).

Last, with covariates that follow the level, what other errors would find: HC3, which divide by the square of what HC2
divide by (1 less the leverage), and HC2 with degrees of freedom from the residuals instead of from equal variances.

Run as ``python benchmarks/calibration_moderators.py [studies]``; exits with 1 when a cell fails (99 % binomial interval
adjusted for their number) by being liberal; those of changes that scatter may reach 0.06.
"""

import math
import sys

import numpy as np
import pandas as pd
from scipy import stats

from swa.comparison.further.moderators import cautious_slope
from swa.comparison.linear import least_squares, t_interval

VARIANCE, ICC, SLOPE, PERMUTATIONS = math.log1p(0.4**2), 0.76, 0.10, 200
MOST_OF_SCATTER = 0.06


def draw(rng, subjects: int, icc: float, r: float, shared: float, *, slope: float = 0.0, response_sd: float = 0.0):
    """Covariate, and ln values of the night before and after, SD of both 1 without an effect.

    The covariate correlates by r with the level of the person and this share of the error of the night before.
    """
    level, other = math.sqrt(icc) * rng.normal(size=subjects), rng.normal(size=subjects)
    errors = math.sqrt(1 - icc) * rng.normal(size=(2, subjects))
    source = (level + shared * errors[0]) / math.sqrt(icc + shared**2 * (1 - icc))
    covariate = r * source + math.sqrt(1 - r**2) * other
    before, after = math.sqrt(VARIANCE) * (level + errors)
    return covariate, before, after + slope * covariate + response_sd * rng.normal(size=subjects)


def found_beside(covariate, before, after, beside) -> bool:
    """Whether the slope beside another column is found by t."""
    fit = least_squares((after - before)[:, None], [np.ones(len(before)), covariate, beside])
    return bool(t_interval(*fit.combine([0, 1, 0]), fit.df, 0.95)[1][0] <= 0.05)


def cell(rng, subjects: int, icc: float, r: float, shared: float, studies: int) -> dict[str, float]:
    """Rates of one cell."""
    names = ("null found", "covered", "power", "power against", "by plain", "by baseline", "by Oldham, SD 0.2")
    found = dict.fromkeys(names, 0)

    def slope_of(x, before, after):
        return cautious_slope(after - before, x, before, [])

    for _ in range(studies):
        x, before, after = draw(rng, subjects, icc, r, shared)
        found["null found"] += slope_of(x, before, after).p <= 0.05
        found["by plain"] += stats.linregress(x, after - before).pvalue <= 0.05
        found["by baseline"] += found_beside(x, before, after, before)
        x, before, after = draw(rng, subjects, icc, r, shared, response_sd=0.2)
        found["by Oldham, SD 0.2"] += found_beside(x, before, after, (before + after) / 2)
        one = slope_of(*draw(rng, subjects, icc, r, shared, slope=SLOPE))
        found["covered"] += one.low <= SLOPE <= one.high
        found["power"] += one.p <= 0.05
        found["power against"] += slope_of(*draw(rng, subjects, icc, r, shared, slope=-SLOPE)).p <= 0.05
    return {name: hits / studies for name, hits in found.items()}


SLEEP = {
    "N3": lambda latent: np.round(24 * np.maximum(latent + 0.25, 0) ** 1.5) / 2,  # 0.4 of the nights have none
    "less N3": lambda latent: np.round(24 * np.maximum(latent - 0.25, 0) ** 1.5) / 2,  # 0.6
    "REM latency": lambda latent: np.round(140 * np.exp(0.5 * latent)) / 2,
    "REM density": lambda latent: np.maximum(6 + 3 * latent, 0),
}
SHAPES = {
    "normal": lambda covariate: covariate,
    "skewed": np.exp,
    "groups": lambda covariate: (covariate >= np.sort(covariate)[-(len(covariate) // 3 + 1)]).astype(float),
}
MODERATED = 0.7  # latent change for one SD of the covariate, whose nights have SDs of 0.55


def sleep_cell(rng, subjects: int, r: float, shape: str, studies: int) -> dict[str, float]:
    """How often a covariate that follows the level of a marker of sleep is found to go with its change."""
    found = dict.fromkeys((*SLEEP, "N3 power"), 0)
    order = np.where(np.arange(subjects) % 2, 1.0, -1.0)

    def slope_of(x, before, after, others):
        return cautious_slope(after - before, x, before, others)

    for seed in range(studies):
        covariate = rng.normal(size=subjects)
        level = math.sqrt(0.7) * (r * covariate + math.sqrt(1 - r**2) * rng.normal(size=subjects))
        x = SHAPES[shape](covariate)
        nights = level + math.sqrt(0.3) * rng.normal(size=(2, subjects))
        for name, scale in SLEEP.items():
            before, after = scale(nights)
            found[name] += slope_of(x, before, after, [order] if seed % 2 else []).p <= 0.05
        before, after = SLEEP["N3"](nights)
        after = SLEEP["N3"](nights[1] + MODERATED * covariate)
        found["N3 power"] += slope_of(x, before, after, []).p <= 0.05
    return {name: hits / studies for name, hits in found.items()}


def quarter(_: np.random.Generator, subjects: int) -> np.ndarray:
    """One in a quarter of the subjects, none in the others."""
    return (np.arange(subjects) < subjects // 4).astype(float)


SCATTER = {  # covariate, and SD of the response (ln)
    "a quarter more": (quarter, lambda x: 0.5 * x),
    "lognormal, SD .7, more": (lambda rng, n: rng.lognormal(0, 0.7, n), lambda x: 0.2 * x),
    "lognormal, SD 1, more": (lambda rng, n: rng.lognormal(0, 1, n), lambda x: 0.2 * x),
    "lognormal, SD .7, less": (lambda rng, n: rng.lognormal(0, 0.7, n), lambda x: 0.4 / (1 + x)),
    "a quarter, alike": (quarter, lambda x: 0 * x),
    "lognormal, SD .7, alike": (lambda rng, n: rng.lognormal(0, 0.7, n), lambda x: 0 * x),
    "normal, alike": (lambda rng, n: rng.normal(size=n), lambda x: 0 * x),
}


def by_permutation(rng, y, columns) -> dict[str, tuple[float, float]]:
    """Slope on the second column, and p of permuted residuals by the error that t is made with."""
    x, reduced = np.column_stack(columns), np.column_stack([columns[0], *columns[2:]])
    solve = np.linalg.pinv(x)
    left = np.eye(len(y)) - x @ solve
    free = np.maximum(np.diag(left), 1e-9)
    own = y - reduced @ (np.linalg.pinv(reduced) @ y)
    drawn = np.column_stack([own, rng.permuted(np.tile(own, (PERMUTATIONS - 1, 1)), axis=1).T])
    slope, squares, found = solve[1] @ drawn, (left @ drawn) ** 2, {}
    for name, weight in (("permuted", np.full(len(y), solve[1] @ solve[1])), ("permuted HC3", (solve[1] / free) ** 2)):
        t = np.abs(slope) / np.sqrt(weight @ squares)
        found[name] = slope[0], float((t >= t[0] - 1e-9).mean())
    return found


def scatter_cell(rng, subjects: int, kind: str, studies: int) -> dict[str, float]:
    """Rates where the changes scatter by this rule; a power is of 0.15 for one SD of the covariate."""
    covariate_of, sd_of = SCATTER[kind]
    kinds = ("found", "permuted", "permuted HC3")
    found = dict.fromkeys(kinds, 0) | {"covered": 0} | {f"power, {name}": 0 for name in kinds}
    within = math.sqrt(VARIANCE * (1 - ICC))
    for _ in range(studies):
        x = covariate_of(rng, subjects)
        level, errors = rng.normal(0, math.sqrt(VARIANCE * ICC), subjects), within * rng.normal(size=(2, subjects))
        before, response = level + errors[0], sd_of(x) * rng.normal(size=subjects)
        for slope in (0.0, 0.15 / x.std()):
            change = errors[1] - errors[0] + response + slope * x
            one = cautious_slope(change, x, before, [])
            plain, beside = (by_permutation(rng, change, [np.ones(subjects), x, *more]) for more in ([], [before]))
            prefix = "power, " if slope else ""
            found[f"{prefix}found"] += one.p <= 0.05
            for name in kinds[1:]:
                alike = plain[name][0] * beside[name][0] > 0
                found[prefix + name] += alike and max(plain[name][1], beside[name][1]) <= 0.05
            found["covered"] += (slope > 0) * (one.low <= slope <= one.high)
    return {name: hits / studies for name, hits in found.items()}


def found_with(y, x) -> dict[str, float]:
    """Share of the studies (rows) whose slope is found, by kind of error."""
    design = np.stack([np.ones_like(x), x], axis=-1)
    solve = np.linalg.pinv(design)
    left = np.eye(x.shape[1]) - design @ solve
    free = np.maximum(np.einsum("sii->si", left), 1e-9)
    slope, residual = (solve[:, 1] * y).sum(axis=1), np.einsum("sij,sj->si", left, y)
    rates = {}
    for name, power, spread in (("HC2", 1, None), ("HC3", 2, None), ("HC2, own df", 1, residual**2 / free)):
        weight = solve[:, 1] ** 2 / free**power
        varied = np.ones_like(x) if spread is None else spread
        form = np.einsum("sik,sk,skj->sij", left, weight, left)
        df = np.einsum("sii,si->s", form, varied) ** 2 / np.einsum("sij,sj,sji,si->s", form, varied, form, varied)
        t = slope / np.sqrt((weight * residual**2).sum(axis=1))
        known = np.isfinite(t) & np.isfinite(df) & (free.min(axis=1) > 1e-8)
        rates[name] = float((2 * stats.t.sf(np.abs(t[known]), df[known]) <= 0.05).sum() / len(y))
    return rates


def error_cell(rng, subjects: int, shape: str, studies: int) -> dict[str, float]:
    """What is found of minutes of N3 without moderation (fewer of them), and with it, by kind of error."""
    covariate, own = rng.normal(size=(2, studies, subjects))
    nights = math.sqrt(0.7) * (0.8 * covariate + 0.6 * own) + math.sqrt(0.3) * rng.normal(size=(2, studies, subjects))
    x = np.apply_along_axis(SHAPES[shape], 1, covariate)
    without = SLEEP["less N3"](nights[1]) - SLEEP["less N3"](nights[0])
    moderated = SLEEP["N3"](nights[1] + MODERATED * covariate) - SLEEP["N3"](nights[0])
    with np.errstate(invalid="ignore", divide="ignore"):
        found = {"without": found_with(without, x), "power": found_with(moderated, x)}
    return {f"{what}, {error}": rate for what, rates in found.items() for error, rate in rates.items()}


def print_errors(studies: int = 10_000, seed: int = 22) -> None:
    """Print what each kind of error finds."""
    rng = np.random.default_rng(seed)
    cells = [(shape, n) for shape in SHAPES for n in (8, 12, 20, 30)]
    rows = [{"covariate": shape, "n": n} | error_cell(rng, n, shape, studies) for shape, n in cells]
    print(f"by kind of error, {studies:,} studies a row:", pd.DataFrame(rows).round(3).to_string(index=False), sep="\n")


def main(studies: int = 2000, seed: int = 21) -> int:
    rng = np.random.default_rng(seed)
    follows = [
        (0.0, 0.0),
        (0.4, 0.0),
        (0.8, 0.0),
        (0.8, 0.5),
        (0.5, 1.0),
        (0.7, 1.0),
        (0.8, 1.0),
        (0.9, 1.0),
        (0.95, 1.0),
    ]
    cells = [(n, icc, *how) for n in (12, 20, 30) for icc in (0.6, 0.76, 0.9) for how in follows]
    heads = ("n", "icc", "r", "shared")
    rows = [dict(zip(heads, own, strict=True)) | cell(rng, *own, studies // 4) for own in cells]
    table = pd.DataFrame(rows)
    print(table.round(3).to_string(index=False))
    cells_of_sleep = [(n, r, shape) for shape in SHAPES for n in (8, 12, 15, 20, 30) for r in (0.0, 0.8)]
    sleep = pd.DataFrame(
        [{"covariate": shape, "n": n, "r": r} | sleep_cell(rng, n, r, shape, studies) for n, r, shape in cells_of_sleep]
    )
    print("differences, found without moderation:", sleep.round(3).to_string(index=False), sep="\n")
    scattered = [(kind, n) for kind in SCATTER for n in (8, 12, 15, 20, 24, 30)]
    scatter = pd.DataFrame([{"changes": kind, "n": n} | scatter_cell(rng, n, kind, studies) for kind, n in scattered])
    print("ratios by how their changes scatter:", scatter.round(3).to_string(index=False), sep="\n")
    level, failed = 1 - 0.01 / (2 * len(cells)), 0
    for rate in (*table["null found"], *(1 - table["covered"])):
        failed += stats.binomtest(round(rate * (studies // 4)), studies // 4).proportion_ci(level).low > 0.05
    print(f"{failed} of {2 * len(cells)} rates are above 0.05")
    rates = sleep[[*SLEEP]].to_numpy().ravel()
    level = 1 - 0.01 / len(rates)
    liberal = sum(stats.binomtest(round(rate * studies), studies).proportion_ci(level).low > 0.05 for rate in rates)
    print(f"{liberal} of {len(rates)} rates of differences are above 0.05")
    rates = np.r_[scatter["found"], 1 - scatter["covered"]]
    level = 1 - 0.01 / len(rates)
    uneven = sum(stats.binomtest(round(r * studies), studies).proportion_ci(level).low > MOST_OF_SCATTER for r in rates)
    print(f"{uneven} of {len(rates)} rates of ratios that scatter are above {MOST_OF_SCATTER}")
    print_errors()
    return int(failed > 0 or liberal > 0 or uneven > 0)


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:])))
