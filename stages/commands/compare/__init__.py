"""The command `compare`: test whether a change helped.

It compares two versions on one benchmark and reports an outcome with its interval.
"""
