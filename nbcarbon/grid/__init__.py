"""Where the electricity comes from: the zone of this machine, and what its electricity stands for.

Offline: tables that ship with the package, each under its own licence, and what this machine says of
itself. Nothing here opens a connection, and no country is ever guessed.
"""
