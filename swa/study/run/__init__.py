"""The work on many nights: workers, locks, journal, parts, blinding."""
