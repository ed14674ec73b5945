"""A decision's leaf as text: what is this exchange's own is cut out, and the rest is what equal questions with equal answers share.

What is cut has exactly the form that the contracts' models write; a leaf of another form is decided at length. What follows from the request (an
id, a cause, a hash) is cut where it is expected, and has to stand there once: so it is the same member in every leaf that leaves the same rest.
"""

import re
from datetime import datetime
from hashlib import sha1
from typing import NamedTuple

from counterfoil.contracts.base import NAMESPACE

PREFIX = NAMESPACE.bytes
VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
SECOND = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
MOMENT = rf"{SECOND}(?:\.(?!000000)\d{{6}})?Z"
HEX, UUID, NUMBER = "[0-9a-f]{64}", "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", r"(?:0|[1-9]\d{0,14})"
TEXT = r'"[^"\\]*(?:\\.[^"\\]*)*"'
BEGIN, FACT_HASH, CAUSE, REVISION = b'{"fact":{"asked":', b',"fact_sha256":"', b'"caused_by":"', b'"registry_revision":'
HEAD = re.compile(
    rf'\{{"fact":\{{"asked":(\{{((?:"connector":{TEXT},)?)"deadline":"({MOMENT})","reply_to":\{{"instance":"[A-Za-z0-9._-]{{1,64}}",'
    rf'"partition":(?:0|[1-9]\d{{0,3}})\}},"request_hash":"({HEX})","request_id":"{UUID}","requester_key":"[A-Za-z0-9_-]*"(,"wish_hash":"{HEX}")\}}),'
    rf'"at":"({MOMENT})","basis":\{{("issuer_entry":{TEXT},"issuer_hash":"({HEX})"),"jwks_thumbprint":"{HEX}",'
    rf'"registry_revision":({NUMBER})(,"schema_version":{NUMBER}\}})'.encode()
)
TAIL = re.compile(
    rf'("issuer":({TEXT}),"kind":"identity\.verified","project":{TEXT}),"sub_hash":"({HEX})"((?:,"subject":{TEXT})?),"subject_box":'
    rf'\{{"sha256":"{HEX}"\}}(,"token_use":\{{"digest":"{HEX}","expires":{NUMBER}\}})?'.encode()
)
END = re.compile(rf'({HEX})","prev":"{HEX}","seq":\d+,"time":"{SECOND}\.\d{{6}}Z","v":1\}}'.encode())
AT = re.compile(rf'({MOMENT})"'.encode())
GROUNDS = re.compile(rf'({NUMBER})(,"schema_version":{NUMBER}\}})'.encode())
Rest = tuple[bytes, ...]


class Identity(NamedTuple):
    """`rest`: the question, with the answer. `issuer`: its JSON."""

    rest: Rest
    asked: bytes
    deadline: datetime
    at: datetime
    request_hash: bytes
    revision: bytes
    issuer: bytes
    issuer_hash: bytes
    sub_hash: bytes
    id: str
    sha256: str


class Grant(NamedTuple):
    rest: Rest
    at: str
    revision: bytes
    id: str
    sha256: str
    approved: bool


def identity(leaf: bytes) -> Identity | None:
    """Raises ValueError for a time that there is not."""
    head = HEAD.match(leaf)
    if head is None:
        return None
    asked, connector, deadline, request_hash, wish_hash, at, entry, issuer_hash, revision, schema = head.groups()
    about = id_text("verify", request_hash.decode())
    claims, member, behind = leaf[head.end() :].partition(b',"id":"%b",' % about.encode())
    tail = TAIL.match(behind)
    if tail is None or member in behind:
        return None
    known, issuer, sub_hash, subject, used = tail.groups()
    wish, _, end = behind[tail.end() :].rpartition(FACT_HASH)
    ended = END.fullmatch(end)
    if ended is None:
        return None
    rest = (connector, wish_hash, entry, schema, claims, known, subject, wish, b"used" if used else b"")
    moments = datetime.fromisoformat(deadline.decode()), datetime.fromisoformat(at.decode())
    return Identity(rest, asked, *moments, request_hash, revision, issuer, issuer_hash, sub_hash, about, ended[1].decode())


def cause(leaf: bytes) -> str:
    """The identity that a decision seems to rest on: only a hint, since a detail may hold a member of that name."""
    return leaf.partition(CAUSE)[2][:36].decode(errors="replace")


def grant(leaf: bytes, asked: bytes, request_hash: bytes, identity_id: str, identity_sha256: str) -> Grant | None:
    """Of a decision that rests on this identity."""
    begin = b'%b%b,"at":"' % (BEGIN, asked)
    at = AT.match(leaf, len(begin)) if leaf.startswith(begin) else None
    if at is None:
        return None
    about = id_text("authorize", request_hash.decode())
    fact, _, end = leaf[at.end() :].rpartition(FACT_HASH)
    ended = END.fullmatch(end)
    before, cause_, middle = parted(fact, b'"caused_by":"%b",' % identity_id.encode())
    upper, evidence, lower = parted(middle, b'"evidence":{"sha256":"%b"},' % identity_sha256.encode())
    grounds, found, behind = parted(lower if evidence else middle, b',"id":"%b",' % about.encode())
    policy, _, turn = grounds.rpartition(REVISION)
    by = GROUNDS.fullmatch(turn)
    if ended is None or by is None or not cause_ or not found:
        return None
    rest = (before, upper if evidence else b"", policy, by[2], behind)
    return Grant(rest, at[1].decode(), by[1], about, ended[1].decode(), bool(evidence))


def parted(text: bytes, member: bytes) -> tuple[bytes, bytes, bytes]:
    """At a member that stands there once; else as where it is not."""
    before, found, behind = text.partition(member)
    return (text, b"", b"") if found and member in behind else (before, found, behind)


def id_text(stage: str, request_hash: str) -> str:
    """`str(named(stage, request_hash))`, at a third of the time: it is needed once for each decision."""
    made = sha1(PREFIX + f"{stage}\x1f{request_hash}".encode()).hexdigest()  # noqa: S324 - RFC 9562 says so
    return f"{made[:8]}-{made[8:12]}-5{made[13:16]}-{VARIANT[made[16]]}{made[17:20]}-{made[20:32]}"
