"""What the pages draw is what the tables hold, to the last digit."""

import html
import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from swa.study.condition_curves import read_curves
from swa.study.store import read_results
from swa.study.written import study_notes
from swa.tables.marker import select


def read_texts(path):
    """Cells as they were written: parsing them is up to the test."""
    return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)


@pytest.mark.parametrize("subject", ["S01", "S03"])
def test_the_slope_at_equal_amplitude_of_the_figure_is_that_of_the_long_table(studied, subject):
    results = read_results(studied / "results")
    drawn = read_texts(results.path / f"sub-{subject}" / "figures" / "slope_by_amplitude.tsv")
    lines = drawn[drawn["kind"] == "line"].set_index("condition")
    page = (results.path / f"sub-{subject}" / f"sub-{subject}.html").read_text(encoding="utf-8")
    channel = page.partition("Upward slope against negative amplitude at ")[2].partition(",")[0]
    own = (results.measures["subject"] == subject) & (results.measures["channel"] == channel)
    rows = results.measures[own].query("stages == 'NREM' and window == 'night' and variant == ''")
    stored = rows[rows["measure"] == "wave_slope_up_matched"].set_index("condition")["value"]
    assert len(lines) == 2
    assert lines["slope_at_reference_uv_s"].map(float).to_dict() == stored.to_dict()


def parsed(texts, like):
    """Texts as the types of another table."""
    numbers = [name for name in like if pd.api.types.is_numeric_dtype(like[name])]
    found = texts[list(like)].replace({name: {"n/a": "nan"} for name in numbers})
    return found.astype(dict.fromkeys(numbers, float))


def same(drawn, table):
    """Whether a figure's numbers are those of rows of a table, digit for digit as the table has them."""
    found = parsed(drawn, table)
    pd.testing.assert_frame_equal(
        found, table.reset_index(drop=True).astype(found.dtypes), check_exact=True, check_dtype=False
    )
    return True


def test_what_a_subject_page_draws_is_in_the_tables_of_the_subject(studied):
    results, drawn = studied / "results", {}
    curves = read_curves(results, "S01")
    for name in ("slow_wave_average", "average_spectra", "wave_amplitudes", "slope_by_amplitude"):
        drawn[name] = read_texts(results / "sub-S01" / "figures" / f"{name}.tsv")
    (channel,) = set(drawn["wave_amplitudes"]["channel"])
    here = curves.at(channel)
    assert same(drawn["slow_wave_average"], here.waves)
    assert same(drawn["wave_amplitudes"], here.amplitudes)
    assert same(drawn["slope_by_amplitude"], here.slopes)
    spectra = select(here.spectra, stages="NREM", window="night")
    numbers = parsed(drawn["average_spectra"], spectra)["density_uv2_hz"].astype("float32")
    assert numbers.tolist() == spectra["density_uv2_hz"].tolist()


def test_what_was_told_of_the_study_file_stands_in_the_page(studied):
    page = (studied / "results" / "index.html").read_text(encoding="utf-8")
    (fold,) = [part for part in page.split("<details>") if "<summary>How the study was read</summary>" in part]
    assert "recordings that the study file does not name are left out" in fold
    assert set(study_notes(studied / "results")) == set(map(html.unescape, re.findall("<li>(.*?)</li>", fold)))


def test_what_the_page_of_the_study_draws_is_in_the_tables_of_the_study(studied):
    results = studied / "results"
    drawn, stored = (read_texts(results / name) for name in ("figures/spectra_cycle1.tsv", "group_spectra.tsv"))
    assert len(drawn) > 0
    pd.testing.assert_frame_equal(drawn, stored)


class Folder:
    """A results folder, and what its figures must hold: computed here again from the tables, of the nights compared."""

    def __init__(self, path):
        self.path = path
        self.nights = read_texts(path / "nights.tsv")
        self.measures = pd.read_parquet(path / "measures.parquet").astype({"session": str, "condition": str})
        self.contrasts = read_texts(path / "contrasts.tsv")
        over_two = (self.contrasts["subject"] == "group") & (self.contrasts["n"].astype(int) < 3)
        self.contrasts.loc[over_two, ["ci_low", "ci_high"]] = "n/a"  # of two subjects no interval is drawn

    def column(self, name):
        return self.nights[name] if name in self.nights else pd.Series("", index=self.nights.index)

    def compared(self, subject, condition):
        """Sessions that a contrast uses, by the columns of the study file."""
        phases = self.column("phase")[self.nights["condition"] == condition]
        keep = (self.nights["subject"] == subject) & (self.nights["condition"] == condition)
        keep &= (self.nights["status"] == "done") & ~self.column("adaptation").isin(["true", "yes"])
        if {"pre", "post"} <= set(phases):
            keep &= self.column("phase") == "post"
        return self.nights.loc[keep, "session"].tolist()

    def value(self, subject, condition, scale, **where):
        """Mean over the compared nights of a marker: geometric where its changes are ratios."""
        rows = select(self.measures, subject=subject, session=self.compared(subject, condition), **where)
        values = rows["value"].to_numpy(float)
        values = values[np.isfinite(values)]
        return np.exp(np.log(values).mean()) if scale == "ratio" else values.mean()

    def night_files(self, subject, condition, ending):
        for session in self.compared(subject, condition):
            (row,) = self.nights[(self.nights["subject"] == subject) & (self.nights["session"] == session)].to_dict(
                "records"
            )
            place = f"sub-{row['subject_label']}/ses-{row['session_label']}"
            yield next((self.path / place / "eeg").glob(f"*_{ending}"))

    def spectrum(self, subject, condition, channels, stages, window):
        """Ln density by frequency over channels and compared nights."""
        nights = []
        for path in self.night_files(subject, condition, "desc-spectra.parquet"):
            table = select(pd.read_parquet(path), channel=channels, stages=stages, window=window)
            logs = np.log(table["density_uv2_hz"].astype(float).where(table["density_uv2_hz"] > 0))
            if len(table):
                nights.append(logs.groupby(table["frequency_hz"].astype(float).round(4)).mean())
        return pd.concat(nights, axis=1).mean(axis=1)


SIDES = ("treatment", "comparator")
KEY = ["subject", "contrast", "channel", "stages", "window", "measure", "variant"]


def check_changes(folder, drawn, subject):
    """Rows of contrasts, as the table has them to the last letter."""
    assert set(drawn["subject"]) == {subject}
    own = drawn.merge(folder.contrasts, on=list(drawn.columns), how="left", indicator=True)
    assert (own["_merge"] == "both").all()


def check_forest(folder, drawn, subject):
    check_changes(folder, drawn, subject)
    for row in drawn[drawn["estimate"] != "n/a"].to_dict("records") if subject != "group" else ():
        where = {name: row[name] for name in KEY[2:]}
        sides = [folder.value(subject, row[side], row["scale"], **where) for side in ("treatment", "comparator")]
        change = sides[0] / sides[1] if row["scale"] == "ratio" else sides[0] - sides[1]
        assert float(row["estimate"]) == pytest.approx(change, rel=1e-9, abs=1e-9), where


def check_contrasts(folder, drawn, subject):
    over = drawn[drawn["subject"] == "group"]
    check_changes(folder, over, "group")
    for row in drawn[drawn["subject"] != "group"].to_dict("records"):
        where = {name: row[name] for name in KEY[2:]}
        (known,) = folder.contrasts[folder.contrasts["contrast"] == row["contrast"]].to_dict("records")[:1]
        after, before = (folder.value(row["subject"], known[side], row["scale"], **where) for side in SIDES)
        change = after / before if row["scale"] == "ratio" else after - before
        assert float(row["estimate"]) == pytest.approx(change, rel=1e-9, abs=1e-9)
    dots = drawn[drawn["subject"] != "group"]["contrast"].value_counts()
    within = over[~over["contrast"].str.contains(" - ")]
    assert [dots.get(name, 0) for name in within["contrast"]] == within["n"].astype(int).tolist()


def check_pairs(folder, drawn, subject):
    for row in drawn.to_dict("records"):
        treatment, baseline = row["contrast"].split(":")
        where = {name: row[name] for name in KEY[2:]}
        before, after = (folder.value(row["subject"], name, row["scale"], **where) for name in (baseline, treatment))
        assert float(row["baseline"]) == pytest.approx(before, rel=1e-9)
        assert float(row["treatment"]) == pytest.approx(after, rel=1e-9)
        assert int(row["n_baseline"]) == len(folder.compared(row["subject"], baseline))
        change = after / before if row["scale"] == "ratio" else after - before
        assert float(row["change"]) == pytest.approx(change, rel=1e-9, abs=1e-9)


def check_group_spectra(folder, drawn, subject):
    assert drawn.merge(read_texts(folder.path / "group_spectra.tsv"), how="inner").shape == drawn.shape
    channels = sorted(set(folder.measures["channel"].astype(str)) & {"F3-M2", "F4-M1"})
    for condition, rows in drawn[drawn["kind"] == "spectrum"].groupby("condition"):
        people = [name for name in folder.nights["subject"].unique() if folder.compared(name, condition)]
        where = rows[["stages", "window"]].iloc[0].to_dict()
        logs = [folder.spectrum(name, condition, channels, **where) for name in people]
        mean = np.exp(pd.concat(logs, axis=1).mean(axis=1))
        assert set(rows["n"]) == {str(len(people))}
        hertz = rows["frequency_hz"].astype(float).round(4)
        np.testing.assert_allclose(rows["density_uv2_hz"].astype(float), mean[hertz], rtol=1e-5)


def check_spectra(folder, drawn, subject):
    for (condition, channel, stages, window), rows in drawn.groupby(["condition", "channel", "stages", "window"]):
        mean = np.exp(folder.spectrum(subject, condition, channel, stages, window))
        hertz = rows["frequency_hz"].astype(float).round(4)
        np.testing.assert_allclose(rows["density_uv2_hz"].astype(float), mean[hertz], rtol=1e-5)
        assert set(rows["n_nights"]) == {str(len(folder.compared(subject, condition)))}


def check_waves(folder, drawn, subject):
    for (condition, channel), rows in drawn.groupby(["condition", "channel"]):
        paths = folder.night_files(subject, condition, "desc-slowwaveaverage_timeseries.tsv")
        nights = [select(pd.read_csv(path, sep="\t"), channel=channel) for path in paths]
        mean = np.mean([night["mean_uv"].to_numpy() for night in nights], axis=0)
        np.testing.assert_allclose(rows["mean_uv"].astype(float), mean, rtol=1e-9)
        assert set(rows["n_waves"].astype(int)) == {sum(int(night["n_waves"].iloc[0]) for night in nights)}


def check_amplitudes(folder, drawn, subject):
    for (condition, channel), rows in drawn.groupby(["condition", "channel"]):
        sessions = folder.compared(subject, condition)
        where = {"channel": channel, "stages": "NREM", "window": "night", "variant": ""}
        own = select(folder.measures, subject=subject, session=sessions, **where)
        first = rows[rows["amplitude_uv"].astype(float) == 0].iloc[0]
        assert float(first["waves_per_min"]) == pytest.approx(select(own, measure="halfwave_rate")["value"].mean())
        minutes = select(own, measure="analysed_minutes")["value"].sum()
        assert float(first["minutes"]) == pytest.approx(minutes)
        files = folder.night_files(subject, condition, "desc-slowwaves_events.parquet")
        waves = [select(pd.read_parquet(path), channel=channel)["negative_amplitude_uv"].to_numpy() for path in files]
        if sum(map(len, waves)) == int(first["n_waves"]):  # nothing was cut off for common minutes
            every = np.concatenate(waves)
            limits = rows["amplitude_uv"].astype(float).to_numpy()
            assert rows["n_waves"].astype(int).tolist() == [int((every >= limit).sum()) for limit in limits]


def check_slopes(folder, drawn, subject):
    for row in drawn[drawn["kind"] == "line"].to_dict("records"):
        where = {"channel": row["channel"], "stages": "NREM", "window": "night", "variant": ""}
        mean = folder.value(subject, row["condition"], "ratio", measure="wave_slope_up_matched", **where)
        assert float(row["slope_at_reference_uv_s"]) == pytest.approx(mean, rel=1e-9)


def check_course(folder, drawn, subject):
    for row in drawn.to_dict("records"):
        where = {"measure": "swa", "stages": "NREM", "channel": "frontal", "variant": ""}
        own = []
        for name in folder.nights["subject"].unique():
            sessions = folder.compared(name, row["condition"])
            window = f"{row['kind']}-{row['number']}"
            values = select(folder.measures, subject=name, session=sessions, window=window, **where)["value"].dropna()
            own += [np.log(values).mean()] if len(values) else []
        assert int(row["n"]) == len(own)
        assert float(row["mean"]) == pytest.approx(np.exp(np.mean(own)))
        if len(own) > 2:
            low, high = stats.t.interval(0.95, len(own) - 1, np.mean(own), stats.sem(own))
            assert [float(row["ci_low"]), float(row["ci_high"])] == pytest.approx(np.exp([low, high]))


def check_hypnograms(folder, drawn, subject):
    done = folder.nights[(folder.nights["subject"] == subject) & (folder.nights["status"] == "done")]
    assert drawn["night"].nunique() == len(done)
    files = [*folder.path.glob(f"sub-{subject}/ses-*/eeg/*_desc-hypnogram_events.tsv")]
    stored = pd.concat([read_texts(path) for path in files])
    count = stored["stage"].value_counts().sort_index()
    assert drawn["stage"].value_counts().sort_index().to_dict() == count.to_dict()
    files = [*folder.path.glob(f"sub-{subject}/ses-*/eeg/*_desc-swa_timeseries.tsv")]
    stored = pd.concat([read_texts(path) for path in files])
    sums = stored["swa"].replace("n/a", "nan").astype(float).groupby(stored["channel"]).sum()
    total = drawn["swa"].replace("n/a", "nan").astype(float).sum()
    assert any(total == pytest.approx(one, rel=1e-9) for one in sums)  # of one channel


def check_night(folder, drawn, subject, session):
    (path,) = folder.path.glob(f"sub-{subject}/ses-{session}/eeg/*_desc-swa_timeseries.tsv")
    stored = read_texts(path)
    stored = stored[stored["channel"] == drawn["channel"].iloc[0]].reset_index(drop=True)
    pd.testing.assert_frame_equal(drawn, stored[list(drawn)])


def check_specifications(folder, drawn, subject):
    told = read_texts(folder.path / "specifications.tsv")
    told.loc[told["n"].astype(int) < 3, ["ci_low", "ci_high"]] = "n/a"
    assert drawn.merge(told, how="inner").shape == drawn.shape
    own = drawn[drawn["role"].isin(["primary", "reference"])].iloc[0]
    rows = select(folder.contrasts, **{name: own[name] for name in ("contrast", "channel", "stages", "window")})
    (row,) = select(rows, subject="group", measure=own["measure"], variant="").to_dict("records")
    assert (own["estimate"], own["ci_low"], own["n"]) == (row["estimate"], row["ci_low"], row["n"])


CHECKS = {
    "forest": check_forest,
    "sleep": check_forest,
    "paired": check_pairs,
    "spectra": check_group_spectra,
    "contrasts": check_contrasts,
    "course": check_course,
    "specifications": check_specifications,
    "average_spectra": check_spectra,
    "control_spectra": check_spectra,
    "slow_wave_average": check_waves,
    "wave_amplitudes": check_amplitudes,
    "slope_by_amplitude": check_slopes,
    "hypnograms": check_hypnograms,
}


def check_folder(path):
    """Check every table of every figure; returns the kinds that were there."""
    folder, seen = Folder(path), set()
    for file in sorted([*path.glob("figures/*.tsv"), *path.glob("sub-*/figures/*.tsv")]):
        subject = "group" if file.parent.parent == path else file.parent.parent.name.removeprefix("sub-")
        drawn = read_texts(file)
        if file.stem.startswith("ses-"):
            check_night(folder, drawn, subject, file.stem.removeprefix("ses-").removesuffix("_night"))
            continue
        kind = file.stem if file.stem in CHECKS else file.stem.partition("_")[0]
        CHECKS[kind](folder, drawn, subject)  # a figure that nobody checks is an error
        seen.add(kind)
    return seen


def test_every_number_of_every_figure_is_computed_again_of_the_sample_study(studied):
    assert set(CHECKS) <= check_folder(studied / "results") | {"specifications", "contrasts"}


def test_every_number_of_the_figure_of_many_contrasts_is_computed_again(build, tmp_path):
    rows = [
        {"subject": f"S{i}", "condition": condition, "order": place, "size": 1 + place / 20 + i / 50}
        for i in range(3)
        for place, condition in enumerate(("baseline", "placebo", "ketamine", "magnesium"), 1)
        if (i, condition) != (2, "magnesium")
    ]
    assert "contrasts" in check_folder(build(tmp_path / "results", rows).path)


def test_a_subject_whose_order_is_not_known_has_no_dot_where_the_period_is_removed(build, tmp_path):
    """Seven dots stood around a mark of six, and nothing said that the mark is corrected and the dots are not."""
    orders = ("placebo", "ketamine", "magnesium"), ("magnesium", "ketamine", "placebo")
    rows = [
        {"subject": f"S{i}", "condition": condition, "size": 1 + place / 20 + i / 50}
        | ({"order": place} if i < 6 else {})
        for i in range(7)
        for place, condition in enumerate(("baseline", *orders[i % 2]), 1)
    ]
    results = build(tmp_path / "results", rows)
    assert "contrasts" in check_folder(results.path)
    drawn = read_texts(results.path / "figures" / "contrasts_swa_cycle1.tsv")
    assert set(drawn.loc[drawn["subject"] == "S6", "contrast"]) == {f"{name}:baseline" for name in orders[0]}
    page = (results.path / "index.html").read_text(encoding="utf-8")
    assert "the marks of ketamine against placebo and magnesium against placebo, not from the dots" in page


def pre_post():
    """Two subjects with a night before and after each of two infusions, in two orders."""
    for number in (1, 2):
        for condition in ("placebo", "ketamine"):
            period = 1 + ((condition == "ketamine") == (number % 2 > 0))
            for phase in ("pre", "post"):
                size = 1.4 if (condition, phase) == ("ketamine", "post") else 0.7 if condition == "ketamine" else 1.0
                yield {"subject": f"S{number}", "condition": condition, "session": f"{condition}{phase}"} | {
                    "phase": phase,
                    "period": period,
                    "size": size,
                }


def several_nights():
    """Two nights a condition, an adaptation night twice as large, and an excluded night."""
    for number in (1, 2):
        for place, (session, size) in enumerate([("adapt", 2), ("b1", 1), ("b2", 1.1), ("k1", 1.3), ("k2", 1.2)], 1):
            condition = "ketamine" if session.startswith("k") else "baseline"
            own = {"adaptation": str(session == "adapt").lower(), "order": place, "size": size}
            yield {"subject": f"S{number}", "condition": condition, "session": session} | own
        left = {"status": "excluded", "exclude": "fever", "order": 6, "adaptation": "false"}
        yield {"subject": f"S{number}", "condition": "ketamine", "session": "k3"} | left


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("rows", [pre_post, several_nights])
def test_every_number_of_every_figure_is_that_of_the_nights_compared(build, tmp_path, rows):
    results = build(tmp_path / "results", list(rows()))
    assert set(CHECKS) - {"specifications", "contrasts"} <= check_folder(results.path)
