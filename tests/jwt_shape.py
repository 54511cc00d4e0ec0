"""The shape of a token that must not be written down."""

import re

# A head and its dot: the key of a handshake may have the first letters by chance, but no dot.
JWT_SHAPE = re.compile(r"eyJ[A-Za-z0-9_-]+\.")
