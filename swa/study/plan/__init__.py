"""Who slept when, under which condition, and by which scoring: the plan of a study."""
