"""How true figures and their intervals are: simulated machines, whose true energy is known, under the real code."""
