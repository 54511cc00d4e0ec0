"""Hypothesis without a deadline: how long one example takes depends on the machine's other work."""

from hypothesis import settings

settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")
