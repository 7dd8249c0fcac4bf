"""Examples of every message between kernel and page, written by the kernel's own code.

`python -m tests.wire` writes them to `golden/`, where the tests of both sides read them.
"""
