"""Signals + stages → tidy tables. The files of this room do not know each other; `swa.night` brings them together."""
