"""Users, logins and sessions on the wire."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from farwork.protocol.access import ProjectId, RoleName
from farwork.protocol.queries import PageQuery, Word
from farwork.protocol.reports import ShortText

UserName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=127,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._@+-]*$(?!\n)",
        description="Letters, digits and `. _ @ + -`; small and capital letters are one.",
        extra={"rule": "must be letters, digits and . _ @ + -, beginning with a letter or digit"},
    ),
]
# Bounds that are ours to explain are checked by the use case; this one keeps the body small.
Password = Annotated[str, Meta(max_length=1024, description="12 to 256 characters.")]
Email = Annotated[
    str,
    Meta(
        max_length=254,
        pattern=r"^[^@\s]+@[^@\s]+$(?!\n)",
        extra={"rule": "must be of the form name@host"},
    ),
]


class UserCreate(Struct, forbid_unknown_fields=True):
    """A user to make; in another project only by an admin of the default project."""

    name: UserName
    role: RoleName
    password: Password | None = None
    project: ProjectId | None = None
    full_name: ShortText | None = None
    email: Email | None = None


class UserPatch(Struct, forbid_unknown_fields=True):
    """What to change; left out: unchanged. A new password ends the user's sessions."""

    role: RoleName | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET
    password: Password | UnsetType = UNSET
    full_name: ShortText | UnsetType | None = UNSET
    email: Email | UnsetType | None = UNSET


class UserOut(Struct):
    """A user."""

    name: str
    project: str
    role: RoleName
    full_name: str | None
    email: str | None
    has_password: bool
    created_at: datetime
    password_changed_at: datetime | None
    last_login_at: datetime | None
    disabled_at: datetime | None


class UserPage(Struct):
    """A page of users by name."""

    items: list[UserOut]
    next_cursor: str | None


class UsersQuery(PageQuery, forbid_unknown_fields=True):
    """Whose users, and which page of them: another project's are for admins of the default one."""

    project: Word | None = None


class LoginForm(Struct):
    """An OAuth2 token request: `password` with name and password, or `refresh_token`."""

    grant_type: Literal["password", "refresh_token"] = "password"
    username: Annotated[str, Meta(max_length=255)] | None = None
    password: Password | None = None
    refresh_token: Annotated[str, Meta(max_length=255)] | None = None
    scope: str | None = None
    client_id: str | None = None
    client_secret: str | None = None


class Tokens(Struct):
    """What opens the API: an access token for minutes, and a refresh token for the next pair."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: Annotated[int, Meta(description="Seconds that the access token lives.")]
    refresh_token: str
    refresh_expires_in: Annotated[int, Meta(description="Seconds that the refresh token lives.")]


class SignIn(Struct, forbid_unknown_fields=True):
    """Who signs in to the UI: a user with its password, or the holder of an API key."""

    name: Annotated[str, Meta(max_length=255)] | None = None
    password: Password | None = None
    key: Annotated[str, Meta(max_length=255)] | None = None


class Me(Struct):
    """Who calls. `csrf_token` is for callers with a session cookie: it goes with every change."""

    name: str
    kind: Literal["user", "key", "token", "anybody"]
    project: str
    role: RoleName
    user: UserOut | None
    session_id: str | None
    csrf_token: str | None


class PasswordChange(Struct, forbid_unknown_fields=True):
    """The caller's own password, present and new."""

    present: Password
    new: Password


class SessionOut(Struct):
    """Where a user is signed in."""

    id: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    address: str | None
    is_this: bool


class SessionList(Struct):
    """The sessions of the caller, oldest first."""

    items: list[SessionOut]
