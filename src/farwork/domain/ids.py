"""What can be an id: text that one can see, and that a path can carry.

An id is read by people and typed into addresses. Control characters and line separators break
lines and logs; bidirectional controls show an id as another one; one without any visible character
cannot be told from another of its kind; `.` and `..` are swallowed by paths. A joiner inside, as in
an emoji, is fine.
"""

import re

LENGTH_MAX = 255
RULE = (
    "must have a visible character and no control character (line breaks and those that turn the "
    "direction of text among them), and be neither '.' nor '..'"
)

_CONTROL = r"\u0000-\u001f\u007f-\u009f\u2028\u2029"
_TURNS = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
# Spaces of all kinds, and what takes up no ink: joiners, fillers, marks of byte order.
_BLANK = (
    r"\u0020\u00a0\u00ad\u034f\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200d\u202f"
    r"\u205f-\u2065\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0"
)
# The look-ahead behind `$` is there since Python's also matches before a last newline.
PATTERN = rf"^(?!\.{{1,2}}$)(?=[\s\S]*[^{_CONTROL}{_TURNS}{_BLANK}])[^{_CONTROL}{_TURNS}]+$(?!\n)"
"""The rule as a regular expression, which JSON Schema understands too."""

_whole = re.compile(PATTERN)


def is_id(text: str) -> bool:
    """Whether a text can be an id."""
    return len(text) <= LENGTH_MAX and _whole.match(text) is not None
