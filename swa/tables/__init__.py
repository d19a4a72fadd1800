"""The ground floor: what a contrast, a marker, a reason and a table are."""
