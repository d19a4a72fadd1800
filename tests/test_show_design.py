"""`swa run` says how it understood the study."""

import pandas as pd
from swa_cli.show import _show_design

from swa.settings import Settings
from swa.study.store import Results, write_table, write_text


def test_the_design_is_said(tmp_path, capsys):
    nights = [
        (f"{number:02d}", condition, condition, "done", 1 + ((condition == "ketamine") == (number % 2 == 0)))
        for number in range(6)
        for condition in ("placebo", "ketamine")
    ]
    table = pd.DataFrame(nights, columns=["subject", "session", "condition", "status", "period"])
    write_table(table, tmp_path / "nights.tsv")
    write_text(Settings().to_toml(), tmp_path / "settings.toml")
    keys = ["subject", "session", "condition", "channel", "stages", "window", "measure", "variant", "value"]
    pd.DataFrame(columns=keys).to_parquet(tmp_path / "measures.parquet")
    _show_design(Results(tmp_path))
    assert "Design of ketamine:placebo as understood: crossover." in capsys.readouterr().out
    write_table(table.assign(condition="ketamine", session=table["session"]), tmp_path / "nights.tsv")
    _show_design(Results(tmp_path))
    assert capsys.readouterr().out == ""
