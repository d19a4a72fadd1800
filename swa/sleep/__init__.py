"""Signals → stages: scorings that a lab has, staging with YASA, NREM cycles."""
