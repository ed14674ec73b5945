"""What an operator declares of a cluster, and what a request asks there: one service account, and by a detail for which audiences."""

import ssl
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from counterfoil.wire.lru import Lru
from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.outbound import Outbound
from services.providers.seam import Declared, Details, Refused, read
from services.providers.web.network import RULES

Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
Audience = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,256}$")]
LEAST = timedelta(minutes=10)
"""No token of a service account lives shorter."""


class Config(Declared):
    server: str = Field(pattern=r"^https?://[^\s?#@\\]+$", max_length=512, description="of the API, as a kubeconfig has it: https://HOST:6443")
    namespace: Name = Field(description="of the service accounts on offer; best one that holds nothing else, for the root token reads its secrets")
    certificate_authority: str | None = Field(
        default=None, max_length=65536, description="of the cluster, as PEM; absent: those that everybody trusts"
    )
    network: Literal["internet", "inside", "this_machine"] = Field(
        default="internet", description="where it may be: `inside` is private addresses too, `this_machine` is localhost, without TLS as well"
    )
    sole: bool = Field(default=False, description="nobody else lends in this namespace: a token named as ours that the ledger does not know is ended")


class RootSecret(Declared):
    token: Secret = Field(description="of a service account that may create tokens, and create, get, list and delete secrets in the namespace")


class Audiences(Declared):
    type: Literal["kubernetes"]
    audiences: tuple[Audience, ...] = Field(strict=False, min_length=1, max_length=8)


class Account(Declared):
    name: Name


def account(scopes: frozenset[str]) -> str:
    if len(scopes) != 1:
        raise Refused("no_account", "name one service account as the only scope: a token is one account's")
    return read(Account, {"name": next(iter(scopes))}, "no_account").name


def audiences(details: Details) -> tuple[str, ...]:
    """None: for the API server itself."""
    if len(details) > 1:
        raise Refused("two_details", "name the audiences in one detail")
    return tuple(dict.fromkeys(read(Audiences, details[0], "detail").audiences)) if details else ()


class Https:
    """One for each cluster: reading certificates takes a while."""

    def __init__(self) -> None:
        self._made: Lru[tuple[str, str | None], Outbound] = Lru(64)

    def of(self, config: Config) -> Outbound:
        """Raises Refused where the certificate authority is none."""
        place = (config.network, config.certificate_authority)
        made = self._made.get(place)
        if made is None:
            self._made.put(place, made := Outbound(RULES[config.network], tls=trusting(config.certificate_authority)))
        return made


def trusting(authority: str | None) -> ssl.SSLContext | None:
    try:
        return None if authority is None else ssl.create_default_context(cadata=authority)
    except (ssl.SSLError, ValueError):
        pass
    raise Refused("bad_authority", "certificate_authority is no certificate in PEM")
