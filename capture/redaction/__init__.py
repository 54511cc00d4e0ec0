"""Secrets in, typed placeholders out, before anything reaches the disk.

`rules` finds secrets, `names` and `jwt_shape` judge them, `known` remembers them, `redactor` puts
placeholders in their place. SPEC.md says what is found, and what is not.
"""

from capture.redaction.redactor import PLACEHOLDER, Redactor, Span, apply, placeholder

__all__ = ["PLACEHOLDER", "Redactor", "Span", "apply", "placeholder"]
