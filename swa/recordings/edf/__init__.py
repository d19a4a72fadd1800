"""Headers, fields, record times and samples of EDF and BDF files."""
