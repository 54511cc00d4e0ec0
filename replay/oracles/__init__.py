"""Judges of runs. An oracle takes the record of a run and says pass, fail or unknown, and why."""
