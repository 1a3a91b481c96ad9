"""The command `heal`: mend what a killed run left behind, so that the next run goes on.

A kill may leave dvc.lock cut short, and files of DVC itself damaged.
"""
