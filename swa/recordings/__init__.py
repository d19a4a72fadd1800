"""Files → signals: reading recordings, telling channels apart, simulating nights."""
