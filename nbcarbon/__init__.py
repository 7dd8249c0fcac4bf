"""nbcarbon: the energy and CO2e of every cell you run."""

__version__ = "0.1.0"
