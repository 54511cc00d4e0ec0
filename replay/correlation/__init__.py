"""Values that the server issued and the client sent back: found, and replaced by the live ones.

`json_text` and `places` say where a value stands, `sayings` who said it when, `links` what belongs
together, `inference` and `counting` find it in a recording, `comparison` asks other recordings, and
`substitution` does it in a run.
"""

from replay.correlation.inference import correlate
from replay.correlation.links import Correlation, Link, Sink, Source
from replay.correlation.substitution import CORRELATED, Substitution, Substitutions, made_in

__all__ = [
    "CORRELATED",
    "Correlation",
    "Link",
    "Sink",
    "Source",
    "Substitution",
    "Substitutions",
    "correlate",
    "made_in",
]
