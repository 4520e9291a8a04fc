"""The gateway is killed, cut off and lied to by its disk, on purpose and thousands of times; all must stay right.

`python -m faults --help`; docs/faults.md says what is tried and how a seed is replayed.
"""
