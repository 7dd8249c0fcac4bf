"""The process beside the kernel: the only reader of sensors, the only writer of the ledger.

`account` decides, purely; `roster` reads sensors; `loop` moves events between the two, the channel
and the ledger. None of them names a concrete sensor, grid source or file: `app` hands those in.
"""
