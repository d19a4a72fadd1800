"""Many nights: the plan of a study, the stored results, the subject steps and the batch that runs them."""
