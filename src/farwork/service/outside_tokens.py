"""Access tokens of an outside issuer (OpenID Connect): checked by its keys, mapped to a role here.

Whoever runs the issuer says who may do what; we say which of its words mean which role.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from joserfc import jws, jwt
from joserfc.errors import JoseError

from farwork.config import Config
from farwork.domain.values import Instant
from farwork.service.access import DEFAULT_PROJECT, Principal, Role
from farwork.service.issuer import Issuer
from farwork.service.ledger import Ledger
from farwork.service.limits import Limits
from farwork.service.refusals import SECOND, Forbidden, Unauthenticated
from farwork.storage import access_store

# What a public key signs; never `none`, and never a secret that both sides would have to know.
ALGORITHMS = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)
TOKEN_LENGTH_MAX = 16_384
NAME_LENGTH_MAX = 255


@dataclass(frozen=True, slots=True)
class Terms:
    """What a token must say, and what it means here.

    Claims are named by dotted paths. `roles` maps the issuer's words to ours. Without a
    `project_claim` everybody belongs to `project`.
    """

    issuer: str
    audience: str
    role_claim: str = "roles"
    roles: Mapping[str, Role] = field(default_factory=dict[str, Role])
    project_claim: str = ""
    project: str = DEFAULT_PROJECT
    name_claim: str = "preferred_username"
    skew_seconds: int = 30


def terms_of(settings: Config) -> Terms | None:
    """What the configuration says of outside tokens; None: nothing."""
    if not settings.oidc_issuer:
        return None
    own = {role.word: role for role in Role}
    said = {theirs: own[ours] for theirs, ours in settings.oidc_role_pairs}
    return Terms(
        settings.oidc_issuer,
        settings.oidc_audience,
        settings.oidc_role_claim,
        said or own,
        settings.oidc_project_claim,
        settings.oidc_project,
        settings.oidc_name_claim,
        settings.oidc_skew_seconds,
    )


class OutsideTokens:
    """Recognises who shows a token of one issuer."""

    def __init__(self, ledger: Ledger, limits: Limits, terms: Terms) -> None:
        self._ledger = ledger
        self._limits = limits
        self._terms = terms
        self._issuer = Issuer(terms.issuer)

    async def recognise(self, token: str, now: Instant) -> tuple[Principal, Instant]:
        """Who that is, and when the token ends.

        Raises `Unauthenticated`; `Forbidden` when it grants nothing here; `IssuerUnavailable`.
        """
        if len(token) > TOKEN_LENGTH_MAX:
            raise Unauthenticated("The access token is too long.")
        claims = await self._claims(token, now)
        subject = str(claims["sub"])
        role = self._role(claims)
        project = self._project(claims)
        known = await self._ledger.read(lambda c: access_store.unknown_tasks(c, project))
        if known is None:
            raise Forbidden("The access token is for a project that is not here.")
        name = _at(claims, self._terms.name_claim)
        actor = f"oidc:{subject}"[:NAME_LENGTH_MAX]
        principal = Principal(
            project,
            role,
            str(name)[:NAME_LENGTH_MAX] if name else actor,
            actor,
            meter=self._limits.meter(actor),
        )
        return principal, (int(claims["exp"]) + self._terms.skew_seconds) * SECOND

    async def _claims(self, token: str, now: Instant) -> dict[str, Any]:
        """What a genuine token of ours says."""
        registry = jwt.JWTClaimsRegistry(
            now // SECOND,
            self._terms.skew_seconds,
            iss={"essential": True, "value": self._terms.issuer},
            aud={"essential": True, "value": self._terms.audience},
            exp={"essential": True},
            sub={"essential": True},
        )
        try:
            header = jws.extract_compact(token.encode()).headers()
            kid = header.get("kid")
            keys = await self._issuer.keys_for(kid if isinstance(kid, str) else None)
            decoded = jwt.decode(token, keys, algorithms=list(ALGORITHMS))
            registry.validate(decoded.claims)
            _refuse_other_tokens(decoded.claims)
        except (JoseError, ValueError, UnicodeError, TypeError) as error:
            # What the library says names claims and never their values.
            raise Unauthenticated(f"The access token is not good: {_why(error)}.") from None
        return decoded.claims

    def _role(self, claims: dict[str, Any]) -> Role:
        said = _at(claims, self._terms.role_claim)
        words = said.split() if isinstance(said, str) else _texts(said)
        roles = [self._terms.roles[word] for word in words if word in self._terms.roles]
        if not roles:
            raise Forbidden("The access token grants no role here.")
        return max(roles)

    def _project(self, claims: dict[str, Any]) -> str:
        if not self._terms.project_claim:
            return self._terms.project
        said = _at(claims, self._terms.project_claim)
        found = [said] if isinstance(said, str) else _texts(said)
        if len(found) != 1:
            raise Forbidden("The access token does not name one project.")
        return found[0]


def _refuse_other_tokens(claims: dict[str, Any]) -> None:
    """Raises `ValueError` about a token that is not for showing, or not by whoever has it.

    An issuer signs ID tokens with the same keys, and Keycloak says in `typ` what a token is; `cnf`
    binds one to a key of its holder, of which a bearer shows nothing.
    """
    kind = claims.get("typ", "Bearer")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise NotABearerToken("it is no access token for a bearer (typ)")
    if "cnf" in claims:
        raise NotABearerToken("it is bound to a key of its holder (cnf)")


class NotABearerToken(ValueError):
    """A genuine token that was made for something else."""


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list):
        return []
    return [one for one in cast("list[Any]", value) if isinstance(one, str)]


def _at(claims: Any, path: str) -> Any:
    """The claim at a dotted path; names may hold dots themselves, as those that are URLs do."""
    if not isinstance(claims, dict):
        return None
    inside = cast("dict[str, Any]", claims)
    if path in inside:
        return inside[path]
    parts = path.split(".")
    heads = (".".join(parts[:cut]) for cut in range(len(parts) - 1, 0, -1))
    for head in heads:
        found = _at(inside.get(head), path[len(head) + 1 :])
        if found is not None:
            return found
    return None


def _why(error: Exception) -> str:
    match error:
        case JoseError():
            claim = getattr(error, "claim", None)
            said = error.error.replace("_", " ")
            return f"{said} ({claim})" if claim else said
        case NotABearerToken():
            return str(error)
        case _:
            return "it is malformed"
