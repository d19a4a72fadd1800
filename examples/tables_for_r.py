"""One marker of a results folder as a text table for R, SPSS or a mixed model: one row a night.

Run in the folder of the project, after `swa run sample_recordings -o results`: python examples/tables_for_r.py
"""

import numpy as np

import swa

results = swa.read_results("results")
marker = results.measures.query(
    "measure == 'swa' and stages == 'NREM' and window == 'cycle-1' and channel == 'frontal' and variant == ''"
)
table = marker[["subject", "session", "condition", "value", "n", "note"]].rename(columns={"value": "swa_uv2"})
table["ln_swa"] = np.log(table["swa_uv2"])
covariates = [name for name in ("age", "sex", "order", "serum_mg") if name in results.nights]
table = table.merge(results.nights[["subject", "session", *covariates]], on=["subject", "session"])
table.to_csv("swa_cycle1_frontal.csv", index=False, na_rep="NA")
print(table.to_string(index=False))
