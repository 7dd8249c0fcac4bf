"""How one session behaves at the size of a month: 100,000 cells, 30 days, 16 devices. No real time passes."""
