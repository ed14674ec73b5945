"""Questions to people, and what they agreed to, as the gateway knows them: links and states by their digests, what came back not at all."""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from counterfoil.wire import binding
from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.keys import KeyRing
from counterfoil_server.runtime.store.database import Pool

LIVES = timedelta(minutes=10)
PLACE = "SELECT way, url, issuer, says_issuer, parameters FROM consent_place WHERE connector = $1 AND installation = $2"
ASK = """INSERT INTO consent (consent_id, link_digest, connector, installation, project, environment, user_digest, scopes, return_to, expires_at)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 WHERE EXISTS (SELECT FROM consent_place WHERE connector = $3 AND installation = $4) RETURNING true"""
OLD = "DELETE FROM consent WHERE expires_at < clock_timestamp() - interval '1 day'"
SEND = """UPDATE consent SET state_digest = $2, verifier = $3 WHERE link_digest = $1 AND outcome IS NULL AND expires_at > clock_timestamp()
RETURNING consent_id, connector, installation, project, environment, scopes"""
UNDER_WAY = """SELECT c.*, d.user_code, d.url, d.complete FROM consent c LEFT JOIN consent_device d USING (consent_id)
WHERE link_digest = $1 AND state_digest = $2 AND (outcome IS NOT NULL OR $3) AND expires_at > clock_timestamp() - interval '1 minute'"""
BACK = "SELECT * FROM consent WHERE state_digest = $1 AND outcome IS NULL AND expires_at > clock_timestamp()"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A person's agreement, for one app at one connector."""

    connector: str
    installation: str
    project: str
    environment: str
    user: str
    scopes: frozenset[str]
    return_to: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """`link`: the last part of its address. Whoever has it is taken to be the person who is asked."""

    consent_id: UUID
    link: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """Where a browser goes now, and what it has to bring back. Where people are not sent away, `url` is what the page points to, if anything."""

    way: str
    url: str
    state: str
    row: Mapping[str, Any]


class Consents:
    def __init__(self, db: Pool, keys: KeyRing, back: str) -> None:
        """`back`: the address that people come back to, as it is registered at each provider."""
        self._db, self._keys, self.back = db, keys, back

    async def ask(self, wanted: Wanted, now: datetime) -> Asked | None:
        """None where the connector asks nobody."""
        await self._db.execute(OLD)
        asked = Asked(uuid4(), secrets.token_urlsafe(32), now + LIVES)
        written = await self._db.fetchval(
            ASK, asked.consent_id, hashed(asked.link), wanted.connector, wanted.installation, wanted.project, wanted.environment, wanted.user,
            sorted(wanted.scopes), wanted.return_to, asked.expires_at,
        )  # fmt: skip
        return asked if written else None

    async def send(self, link: str) -> Sent | None:
        """Opened again, it begins anew: what was begun before leads nowhere. None: there is no such question, or no longer."""
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        async with self._db.acquire() as db, db.transaction():
            consent_id = await db.fetchval("SELECT consent_id FROM consent WHERE link_digest = $1", hashed(link))
            if consent_id is None:
                return None
            sealed = self._keys.sealer.seal(Secret(verifier), self._keys.recipient("mint"), binding.verifier(consent_id))
            row = await db.fetchrow(SEND, hashed(link), hashed(state), sealed)
            place = await db.fetchrow(PLACE, row["connector"], row["installation"]) if row else None
        if place is None:
            return None
        away = place["way"] == "redirect"
        url = authorization(place, frozenset(row["scopes"]), self.back, state, challenge(verifier)) if away else place["url"]
        return Sent(place["way"], url, state, row)

    async def back_from(self, state: str) -> Mapping[str, Any] | None:
        """The question, with how it is asked: `way`, `url`, `issuer`, `says_issuer` of its place."""
        row = await self._db.fetchrow(BACK, hashed(state))
        place = await self._db.fetchrow(PLACE, row["connector"], row["installation"]) if row else None
        return {**row, **place} if row and place else None

    async def under_way(self, link: str, state: str, *, begun: bool) -> Mapping[str, Any] | None:
        """What this browser was asked and answered, with the code to type in where there is one. `begun`: though mint may not know of it yet."""
        found: Mapping[str, Any] | None = await self._db.fetchrow(UNDER_WAY, hashed(link), hashed(state), begun)
        return found

    async def came_to(self, consent_id: UUID) -> Mapping[str, Any] | None:
        """The question, with `outcome` and mint's `fact` where it has come to one."""
        found: Mapping[str, Any] | None = await self._db.fetchrow("SELECT * FROM consent WHERE consent_id = $1", consent_id)
        return found


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def challenge(verifier: str) -> str:
    """RFC 7636 section 4.2."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def authorization(place: Mapping[str, Any], scopes: frozenset[str], back: str, state: str, code_challenge: str) -> str:
    """RFC 6749 section 4.1.1. The place's own scopes stand beside those that are wanted; some call them otherwise."""
    fixed = dict(place["parameters"])
    named, separator = fixed.pop("scope_parameter", "scope"), fixed.pop("scope_separator", " ")
    scope = separator.join(sorted(scopes | set(fixed.pop("scope", "").split())))
    query = urlencode({**fixed, named: scope, "redirect_uri": back, "state": state, "code_challenge": code_challenge})
    return f"{place['url']}{'&' if '?' in place['url'] else '?'}{query}"
