"""Published figures, recomputed by this package's own functions. Each test names its source."""
