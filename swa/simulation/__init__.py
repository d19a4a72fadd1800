"""Nights and studies with known truth."""
