"""Which names announce a secret, and which values under such a name are taken for one.

The rule errs towards secrecy where credentials are expected (headers, queries, what a client sends
first) and asks for the look of a secret elsewhere: servers stream words under the name "token".
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache

_NAMES = frozenset(
    "auth xauth authentication bearer sig ticket assertion credentials sessiontoken otp".split()
)
_PASSWORDS = ("password", "passwd", "passcode", "passphrase", "pwd")
_PASSWORD_NAMES = frozenset(("pass", *_PASSWORDS))
_SUFFIXES = (
    "token secret apikey accesskey privatekey secretkey authkey subscriptionkey functionskey "
    "credential jwt authorization signature".split()
)
_ALL_SUFFIXES = (*_PASSWORDS, *_SUFFIXES)
# Under these a word is as likely as a secret.
_AMBIGUOUS = frozenset(
    "auth authentication bearer token sig signature ticket assertion credentials".split()
)

# A lower-case text without any of these announces no secret: every name above has one in it.
HINTS = "otp auth bearer sig ticket assert cred token secret key jwt pass pwd".split()

_LETTER_AND_DIGIT = re.compile(rb"(?=.*[0-9]).*[A-Za-z]", re.DOTALL)
_WHITE_SPACE = re.compile(rb"\s")
_LONG = 16
_WORDS = re.compile(rb"(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]+")


class Expect(Enum):
    """How likely a secret is where a name was found."""

    CREDENTIALS = "credentials"
    """A header, a query, the first message of a client: any value counts."""
    CLIENT = "client"
    """A later message of a client."""
    ANYTHING = "anything"
    """A message of a server, a text."""


@lru_cache(maxsize=1024)
def normal(name: str) -> str:
    """Return a name as names are compared: lower-case letters only."""
    return re.sub(r"[^a-z]", "", name.lower())


@lru_cache(maxsize=1024)
def announces_a_secret(name: str) -> bool:
    """Whether what stands under a name is meant to be secret."""
    plain = normal(name)
    return plain in _NAMES or plain in _PASSWORD_NAMES or plain.endswith(_ALL_SUFFIXES)


def is_password(name: str) -> bool:
    """Whether a name announces a password."""
    plain = normal(name)
    return plain in _PASSWORD_NAMES or plain.endswith(_PASSWORDS)


def is_secret(name: str, value: bytes, expect: Expect) -> bool:
    """Whether a value is to be taken for a secret, by its name and its look."""
    if not value or not announces_a_secret(name):
        return False
    if expect is Expect.CREDENTIALS:
        return True
    if normal(name) not in _AMBIGUOUS and len(value) >= 8 and not _WHITE_SPACE.search(value):
        return True
    return looks_secret(value, 6)


def looks_secret(value: bytes, shortest: int = 8) -> bool:
    """Whether a value looks made by a machine: letters and digits, or long and no word."""
    if len(value) < shortest or _WHITE_SPACE.search(value):
        return False
    mixed = _LETTER_AND_DIGIT.match(value) is not None
    return mixed or (len(value) >= _LONG and not value.isalpha())


def looks_random(value: bytes) -> bool:
    """Whether a value without a name must be a secret: long, mixed, and no dotted name."""
    if any(looks_secret(word, _LONG) for word in _WORDS.findall(value)):
        return True
    longest = max(value.split(b"."), key=len)
    return len(value) >= 24 and len(longest) >= _LONG and looks_secret(value)
