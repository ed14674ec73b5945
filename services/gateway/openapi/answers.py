"""What each door answers with, where that is no entry of the registry."""

from typing import get_args

from counterfoil.contracts.consent_settled import ConsentCode
from counterfoil.contracts.exchange_authorized import DenialCode
from counterfoil.wire.users import LONGEST
from counterfoil_server.domain.operators import ACTIONS
from services.gateway.openapi.shapes import DIGEST, FLAG, ID, OPEN, TEXT, TIME, WHOLE, Json, array, contracts, exactly, maybe, ref

STATES = {"enum": ["minting", "active", "revoking", "revoked", "failed", "stuck", "uncertain", "expired"]}
CODES = maybe({"enum": sorted({*get_args(DenialCode), "denied", "unknown_connector", "revoked"})})
SECRET = exactly(
    ("installation", "version"), connector=TEXT, field=TEXT, sealed={"type": "string", "description": "to mint's key, base64url"},
    installation=TEXT, version={"type": "integer", "minimum": 1, "maximum": 2**31 - 1},
)  # fmt: skip
NAME = {"type": "string", "minLength": 1, "maxLength": LONGEST}
MAY = array({"enum": sorted(ACTIONS)})
RECEIPT = exactly(("leaf",), index=WHOLE, leaf=TEXT, proof=TEXT)


def registry() -> Json:
    changed = exactly(kind=TEXT, name=TEXT, change={"enum": ["created", "changed", "same", "removed"]})
    finding = exactly(("policy",), policy=TEXT, statement=WHOLE, line=WHOLE, message=TEXT)
    return {
        "Registry": exactly(revision=WHOLE, entries=array(ref("Entry"))),
        "RegistryChange": exactly(
            ("entries", "secrets", "dry_run", "replace"), entries={**array(ref("Entry")), "maxItems": 10_000},
            secrets={**array(SECRET), "maxItems": 10_000}, dry_run=FLAG, replace={**FLAG, "description": "remove what is not named"},
        ),
        "Changed": exactly(("warnings",), revision=WHOLE, changes=array(changed), dry_run=FLAG, warnings=array(finding)),
        "Lint": exactly(valid=FLAG, errors=array(finding), warnings=array(finding), connectors=maybe(array(TEXT)), actions=maybe(array(TEXT))),
        "LintBody": exactly(("name",), cedar=contracts()["Policy"]["properties"]["cedar"], name=contracts()["Policy"]["properties"]["name"]),
        "Provider": exactly(
            name=TEXT, documentation=TEXT, revocation=TEXT, reach=TEXT, idempotency=TEXT, ends_by_itself=FLAG, shortest={"type": "number"},
            longest={"type": "number"}, window={"type": "number"}, config=OPEN, root=OPEN,
        ),
        "ProviderPage": exactly(providers=array(ref("Provider")), next=maybe(TEXT)),
    }  # fmt: skip


def stops() -> Json:
    names = dict.fromkeys(("connector", "project", "environment", "issuer", "sub_hash"), TEXT)
    order = exactly(id=ID, cause=TEXT, at=TIME, ordered=FLAG, predicate=ref("Predicate"), actor=ref("Actor"))
    left = exactly(
        ("tries", "why", "next_at"), credential_id=ID, connector=TEXT, project=TEXT, environment=TEXT, state=STATES,
        outcome={"enum": [*STATES["enum"], "already_gone"]}, expires_at=TIME, tries=WHOLE, why=maybe(TEXT), next_at=TIME,
    )  # fmt: skip
    accepted = exactly(("fenced", "blocked", "live"), at=TIME, live=WHOLE, fenced=TEXT, blocked=ID)
    alive = exactly(connector=TEXT, project=TEXT, environment=TEXT, **{"class": TEXT}, live=WHOLE, latest=TIME)
    named = contracts()["Predicate"]
    subject = {"type": "string", "minLength": 1, "description": "in the place of sub_hash, and with the issuer: its digest alone is kept"}
    return {
        "Block": exactly((*names, "until"), id=ID, since=TIME, until=TIME, **names),
        "BlockPage": exactly(blocks=array(ref("Block")), next=maybe(TEXT)),
        "LetterAct": exactly(place={"type": "string", "maxLength": 200, "pattern": "^[a-z.]+[.]v[0-9]+:[0-9]+:[0-9]+$"},
                             act={"enum": ["redriven", "discarded"]}, reason={"type": "string", "minLength": 1, "maxLength": 500}),
        "LetterActed": exactly(revision=WHOLE, place=TEXT, act=TEXT),
        "Lifted": exactly(revision=WHOLE, id=ID, lifted=FLAG, dry_run=FLAG),
        "Unfenced": exactly(revision=WHOLE, name=TEXT, state=TEXT, dry_run=FLAG),
        "OrderBody": exactly(
            ("id", "cause", "dry_run"), id={**ID, "description": "chosen by who asks: asked again it is the same order"},
            predicate={**named, "properties": {**named["properties"], "subject": subject}}, cause={"type": "string", "maxLength": 256}, dry_run=FLAG,
        ),
        "Ordered": exactly(id=ID, state=TEXT, matched=WHOLE, accepted=accepted),
        "OrderTried": exactly(dry_run=FLAG, matched=WHOLE, would=OPEN, alive=array(alive)),
        "OrderPage": exactly(revocations=array(order), next=maybe(TEXT)),
        "Progress": exactly(
            id=ID, cause=TEXT, at=TIME, predicate=ref("Predicate"), state={"enum": ["accepted", "revoked"]}, left=array(left),
            counts=exactly(live=WHOLE, revoked=WHOLE, stuck=WHOLE, uncertain=WHOLE), accepted=accepted,
        ),
        "OutcomePage": exactly(credentials=array(left), next=maybe(TEXT)),
    }  # fmt: skip


def credentials() -> Json:
    credential = exactly(
        credential_id=ID, request_id=ID, connector=TEXT, installation=TEXT, project=TEXT, environment=TEXT, issuer=TEXT, sub_hash=DIGEST,
        state=STATES,
        **{"class": TEXT}, ends_by_itself=FLAG, sent_at=TIME, expires_at=TIME, scopes=array(TEXT), details=array(OPEN),
    )  # fmt: skip
    wish, somebody = contracts()["Wish"], {**maybe(ref("As")), "description": "whose request; for who may read the registry"}
    return {
        "Whoami": exactly(issuer=TEXT, sub_hash=DIGEST, project=maybe(TEXT), environment=maybe(TEXT), role=maybe(TEXT), may=MAY),
        "CredentialPage": exactly(credentials=array(credential), next=maybe(TEXT)),
        "ExplainBody": {**wish, "properties": {**wish["properties"], "as": somebody}},
        "Explanation": exactly(
            granted=FLAG, code=CODES, message=TEXT, fix=TEXT, rule=maybe(TEXT), beyond=array(TEXT), beyond_details=array(OPEN),
            beyond_lifetime=maybe(WHOLE), nearest=maybe(OPEN), scopes=array(TEXT), details=array(OPEN), lifetime=maybe(WHOLE),
            installation=maybe(TEXT), revision=WHOLE, policy_hash=maybe(DIGEST),
        ),
        "Leaves": exactly(leaves=array(exactly(index=WHOLE, leaf=TEXT)), next=maybe(TEXT), size=WHOLE, checkpoint=maybe(TEXT)),
    }  # fmt: skip


def agreements() -> Json:
    grant = exactly(
        grant_id=ID, connector=TEXT, installation=TEXT, project=TEXT, environment=TEXT, user_digest=DIGEST, scopes=array(TEXT),
        state={"enum": ["live", "doubtful", "ending", "ended"]}, given_at=TIME, used_at=maybe(TIME), last_error=maybe(TEXT),
    )  # fmt: skip
    return {
        "AskBody": contracts()["Question"],
        "Asked": exactly(consent_id=ID, url=TEXT, expires_at=TIME),
        "Consent": exactly(
            ("grant_id", "scopes", "code", "message"), consent_id=ID, outcome={"enum": ["waiting", "granted", "refused", "over"]}, expires_at=TIME,
            grant_id=ID, scopes=array(TEXT), code={"enum": sorted(get_args(ConsentCode))}, message=TEXT,
        ),
        "Grant": grant,
        "GrantPage": exactly(grants=array(ref("Grant")), next=maybe(TEXT)),
    }  # fmt: skip


def proofs() -> Json:
    path = array({"type": "string", "contentEncoding": "base64", "description": "SHA-256"})
    return {
        "Inclusion": exactly(
            ("checkpoint", "proof"), index=WHOLE, size=WHOLE, leaf=TEXT, path=path, checkpoint=TEXT,
            proof={"type": "string", "description": "C2SP tlog-proof; it and the checkpoint are there where no size was asked for"},
        ),
        "Consistency": exactly(**{"from": WHOLE}, to=WHOLE, path=path, checkpoint=maybe(TEXT)),
    }  # fmt: skip


def form(optional: tuple[str, ...], /, **members: Json) -> Json:
    """RFC 6749 section 3.2: what is not known is ignored."""
    return {**exactly(optional, **members), "additionalProperties": TEXT}


def doors() -> Json:
    """RFC 8693, 7009, 7662, and what clients pin."""
    key = maybe(exactly(kid=TEXT, key=TEXT))
    return {
        "TokenForm": form(
            ("audience", "resource", "scope", "authorization_details", "installation", "requested_lifetime", "requested_subject",
             "requested_subject_issuer", "request_id"),
            grant_type={"const": "urn:ietf:params:oauth:grant-type:token-exchange"}, subject_token=TEXT,
            subject_token_type={"enum": ["urn:ietf:params:oauth:token-type:id_token", "urn:ietf:params:oauth:token-type:jwt"]}, audience=TEXT,
            resource=TEXT, scope=TEXT, authorization_details={"type": "string", "contentMediaType": "application/json"}, installation=TEXT,
            requested_lifetime={"type": "string", "pattern": "^[1-9][0-9]*$"}, request_id=ID, requested_subject_issuer=NAME,
            requested_subject={**NAME, "description": "on behalf of this user of the app, by the id that the app, or the issuer, knows them by"},
        ),
        "Lent": exactly(
            access_token=TEXT, issued_token_type=TEXT, token_type=TEXT, expires_in=WHOLE, scope=TEXT, authorization_details=array(OPEN),
            credential_id=ID, request_id=ID, credential={"type": "object", "additionalProperties": TEXT}, receipt=RECEIPT,
        ),
        "OwnForm": form(
            ("token_type_hint",), token={"type": "string", "minLength": 1, "description": "a credential, or its credential_id"}, token_type_hint=TEXT
        ),
        "Ending": exactly(
            ("credential_id", "state", "accepted", "revocation_id"), credential_id=ID, accepted=TIME, revocation_id=ID,
            state={"enum": ["accepted", "revoked", "stuck", "uncertain"]},
        ),
        "Introspection": exactly(
            ("credential_id", "jti", "aud", "exp", "iat", "iss", "sub", "scope", "authorization_details"), active=FLAG, credential_id=ID, jti=ID,
            aud=TEXT, exp=WHOLE, iat=WHOLE, iss=TEXT, sub=TEXT, scope=TEXT, authorization_details=array(OPEN),
        ),
        "WellKnown": {
            **exactly(version=WHOLE, base_url=TEXT, origin=maybe(TEXT), verifier_key=key, mint_key=key, log_keys=array(TEXT), audience=TEXT),
            "additionalProperties": True,
        },
        "Metadata": {**exactly(issuer=TEXT, token_endpoint=TEXT), "additionalProperties": True},
    }  # fmt: skip
