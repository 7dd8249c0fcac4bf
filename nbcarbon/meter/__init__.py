"""The kernel's end: opens and closes runs, keeps the sampler alive, holds the one live session.

Nothing here reads a sensor, touches the disk or the network, or waits for another process on a
cell's path. What must stay cheap is kept cheap: events that come back are folded when looked at.
"""
