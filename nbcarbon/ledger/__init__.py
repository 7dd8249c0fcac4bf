"""What a session's events become on disk: one append-only file that survives whatever happens.

One writer, the session's sampler. Every record has its own checksum, so a reader takes what is
readable and says how much was not.
"""
