"""What a newcomer writes wrong in tables and settings is answered with what to write."""

import pandas as pd
import pytest

from swa.comparison.primary import check_primary
from swa.errors import SettingsError
from swa.settings import ComparisonSettings
from swa.study.plan.study_file import read_study_file


def test_a_comma_in_a_cell_of_a_csv_is_named_as_what_may_have_parted_it(tmp_path):
    file = tmp_path / "study.csv"
    file.write_text("subject,condition,recording,remark\nP1,a,a.edf,tired, restless\n", encoding="utf-8")
    problem = read_study_file(file).problems[0]
    assert problem.startswith("row 2: column 5 has a cell but no name in the header")
    assert "comma within a cell" in problem
    assert "quotes" in problem


@pytest.mark.parametrize("text", ["SWA in cycle 1", "swa NREM cycle-1"])
def test_a_wrong_primary_is_told_the_form(text):
    nights = pd.DataFrame({"subject": ["A"], "session": ["1"], "condition": ["baseline"]})
    with pytest.raises(SettingsError) as told:
        check_primary(nights, ComparisonSettings(primary=text))
    assert "measure stages window channel, like 'swa NREM cycle-1 frontal'" in str(told.value)
