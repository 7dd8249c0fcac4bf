"""Pure arithmetic on values: no clock, disk, network, thread or log.

Values come in, values go out, so every law here is checked without a machine.
"""
