"""Why somebody is not let in."""

from typing import Self

from farwork.domain.errors import DomainError

SECOND = 1_000_000
"""In microseconds, as instants are."""


class Unauthenticated(DomainError):
    """The caller did not show who it is."""

    code = "unauthenticated"


class Forbidden(DomainError):
    """The caller may not do this."""

    code = "forbidden"


class TooManyRequests(DomainError):
    """The caller asks too often."""

    code = "too_many_requests"
    retry_after_s: int = 1

    @classmethod
    def until(cls, detail: str, seconds: int) -> Self:
        """It is worth trying again after so many seconds."""
        error = cls(detail)
        error.retry_after_s = max(1, seconds)
        return error


class KeyNotFound(DomainError):
    """There is no such API key."""

    code = "key_not_found"
