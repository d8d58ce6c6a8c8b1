"""What can be shown as a key or a token at all.

Asked before a request is made: whoever sends a header that cannot be sent is told so by its value.
"""

UNSENDABLE = "The key is empty, or has characters that no key has, such as the end of a line."


def may_be_token(text: str) -> bool:
    """Whether a text fits into `Authorization: Bearer`."""
    return bool(text) and text.isascii() and text.isprintable() and " " not in text
