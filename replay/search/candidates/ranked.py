"""What a family of candidates yields: an edit, and in which round it is tried."""

from __future__ import annotations

from replay.perturbations import Perturbation

Ranked = tuple[int, Perturbation]

# Steps without a pause; other changes that need no guess at a time; a coarse guess; what is rarer;
# finer guesses.
NO_PAUSE, AT_ONCE, COARSE, ROUGH, FINE, FINER, FINEST = range(7)
