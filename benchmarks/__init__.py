"""Scripts that print how accurate, well calibrated and fast the measures are."""
