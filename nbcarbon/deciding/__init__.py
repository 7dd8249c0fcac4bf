"""Figures to decide by: before anything runs (`estimate`), elsewhere (`where`), otherwise (`whatif`).

What is typed in a shell and behind `%carbon` is read by the same code. The arithmetic is the core's; here
tables, sessions and words are put together.
"""
