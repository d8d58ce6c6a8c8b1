"""Texts that open doors: random, with a prefix and a checksum, and kept as hashes only.

`fw_<id>_<secret><checksum>` is an API key; `fwa_`, `fwr_` and `fws_` stand before the access
tokens, refresh tokens and session cookies of users. The checksum is the CRC-32 of all before it:
whoever scans texts for secrets can tell ours from what merely looks like one, and we can refuse a
text that was mistyped without asking the database.
"""

from base64 import b32encode
from hashlib import sha256
from typing import Final
from zlib import crc32

from farwork import clock

KEY: Final = "fw"
ACCESS: Final = "fwa"
REFRESH: Final = "fwr"
COOKIE: Final = "fws"
SECRET_BYTES = 25
CHECKSUM_LENGTH = 7
TEXT_LENGTH_MAX = 100


def random_text(length: int) -> str:
    """Random small letters and digits, from so many random bytes."""
    return _text(clock.token(length))


def new_text(start: str) -> str:
    """A new secret behind `start`, with its checksum."""
    body = f"{start}_{random_text(SECRET_BYTES)}"
    return body + _checksum(body)


def is_whole(text: str) -> bool:
    """Whether a text ends in its own checksum."""
    if len(text) > TEXT_LENGTH_MAX or not text.isascii():
        return False
    return _checksum(text[:-CHECKSUM_LENGTH]) == text[-CHECKSUM_LENGTH:]


def hash_of(text: str) -> bytes:
    """What is kept of a text. It holds 200 random bits: a slow hash would protect nothing."""
    return sha256(text.encode()).digest()


def _text(data: bytes) -> str:
    return b32encode(data).decode().lower().rstrip("=")


def _checksum(text: str) -> str:
    return _text(crc32(text.encode()).to_bytes(4, "big"))
