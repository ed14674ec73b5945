"""The other side of the bus, in this process: takes what the gateway asks, and answers it with real seals, leaves, proofs and signatures."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from counterfoil.contracts import exchange_replied
from counterfoil.contracts.base import Asked, ExchangeFact
from counterfoil.contracts.exchange_minted import CredentialMinted, MintRefused, credential_id
from counterfoil.contracts.exchange_replied import Answer, ExchangeReplied
from counterfoil.contracts.exchange_requested import TOKEN_HEADER, ExchangeRequested
from counterfoil.wire import binding, envelope
from counterfoil.wire.armor import from_url, to_url
from counterfoil.wire.canonical import canonical, digest
from counterfoil.wire.kafka import Record
from counterfoil.wire.log_key import LogKey
from counterfoil.wire.merkle import Edge, leaf_hash
from counterfoil.wire.opening_key import OpeningKey
from counterfoil.wire.receipt import write_proof
from counterfoil.wire.sealing import Opener, Sealer
from counterfoil.wire.secret import Secret
from counterfoil.wire.signing import Signer, SigningKey

TOPIC = exchange_replied.TOPIC
ISSUER = "https://issuer.example"
DSN = "postgresql://cf_lent:hunter2-canary@db.example:5432/demo"


@dataclass
class Raw:
    """A polled record, as aiokafka shows it."""

    value: bytes
    headers: list[tuple[str, bytes]]
    offset: int
    key: bytes = b""
    topic: str = f"counterfoil.{TOPIC}"
    partition: int = 1
    timestamp: int = 0


@dataclass
class Keys:
    """Private halves of what the `service_key` rows name."""

    verifier: OpeningKey = field(default_factory=OpeningKey.generate)
    mint: OpeningKey = field(default_factory=OpeningKey.generate)
    audit: SigningKey = field(default_factory=lambda: SigningKey.generate("audit"))
    policy: SigningKey = field(default_factory=lambda: SigningKey.generate("policy"))
    log: LogKey = field(default_factory=lambda: LogKey.generate("counterfoil.example/log"))


class Asked_:  # noqa: N801 - beside the contract's Asked
    """What the gateway put on the bus, opened as only the verifier can."""

    def __init__(self, record: Record, keys: Keys) -> None:
        self.record = record
        self.request_hash = digest(record.value)
        self.envelope = ExchangeRequested.model_validate_json(record.value)
        self.headers = dict(record.headers)
        self.token = Opener([keys.verifier]).open(self.headers[TOKEN_HEADER], binding.token(self.request_hash)).text()

    @property
    def wish(self) -> dict[str, Any]:
        wish: dict[str, Any] = self.envelope.wish
        return wish

    def asked(self) -> Asked:
        one = self.envelope
        return Asked(request_id=one.request_id, request_hash=self.request_hash, wish_hash="0" * 64, requester_key=one.requester_key,
                     reply_to=one.reply_to, deadline=one.deadline, connector=self.wish.get("connector"))  # fmt: skip


class Log:
    """Leaves with real proofs."""

    def __init__(self, keys: Keys) -> None:
        self._keys, self.edge, self.sealer = keys, Edge(), Sealer()

    def append(self, fact: ExchangeFact) -> tuple[str, str]:
        body = json.loads(envelope.encode(fact))
        body |= {name: {"sha256": digest(body[name].encode())} for name in type(fact).sealed if name in body}
        leaf = canonical({"v": 1, "seq": self.edge.size, "fact": body, "fact_sha256": digest(envelope.encode(fact))})
        self.edge, (path,) = self.edge.append([leaf_hash(leaf)])
        note = self._keys.log.sign(self._keys.log.name, self.edge.size, self.edge.root())
        return leaf.decode(), write_proof(self.edge.size - 1, path, note)


class Bus:
    """A publisher to the gateway; `answers` decides what comes back, if anything."""

    def __init__(self, keys: Keys) -> None:
        self.keys, self.log = keys, Log(keys)
        self.asked: list[Asked_] = []
        self.fault: Exception | None = None
        self.answers: Callable[[Asked_], Sequence[Raw]] = lambda asked: [self.reply(asked, minted(asked))]
        self.deliver: Callable[[Sequence[Any]], Awaitable[None]]
        self.offset = 100
        self._delivering: set[asyncio.Task[None]] = set()

    async def send(self, records: Sequence[Record]) -> list["asyncio.Future[Any]"]:
        if self.fault:
            raise self.fault
        for record in records:
            asked = Asked_(record, self.keys)
            self.asked.append(asked)
            if answers := self.answers(asked):
                task = asyncio.ensure_future(self.deliver(answers))
                self._delivering.add(task)
                task.add_done_callback(self._delivering.discard)
        return []

    async def acked(self, _: Sequence[Any]) -> None:
        await asyncio.sleep(0)

    def reply(self, asked: Asked_, fact: ExchangeFact, *, entitled: bool = True, problem: dict[str, Any] | None = None, box: bool = True,
              signer: SigningKey | None = None, about: Asked_ | None = None, instance: str | None = None) -> Raw:  # fmt: skip
        """`about`: whose question the reply names and is sealed for, where it is not the one that the leaf answers."""
        about = about or asked
        leaf, proof = self.log.append(fact)
        answer = Answer(leaf=leaf if entitled else None, leaf_hash=leaf_hash(leaf.encode()).hex(), proof=proof, problem=problem,
                        box=fact.box if box and isinstance(fact, CredentialMinted) else None)  # fmt: skip
        sealed = self.log.sealer.seal(answer.model_dump_json().encode(), from_url(about.envelope.requester_key.encode()),
                                      binding.answer(about.request_hash))  # fmt: skip
        reply_to = about.envelope.reply_to.model_copy(update={"instance": instance} if instance else {})
        return self.raw(ExchangeReplied(request_hash=about.request_hash, reply_to=reply_to, box=to_url(sealed).decode()), signer)

    def raw(self, fact: ExchangeReplied, signer: SigningKey | None = None) -> Raw:
        value = envelope.encode(fact)
        (signature,) = Signer(signer or self.keys.audit).sign(str(TOPIC), [value])
        self.offset += 1
        return Raw(value, [*envelope.headers(TOPIC, fact, "audit", fact.request_hash), (envelope.SIGNATURE, signature)], self.offset)


SEALER = Sealer()


def minted(asked: Asked_, *, epoch: int = 1, lifetime: timedelta = timedelta(minutes=5), connector: str = "postgres/demo") -> CredentialMinted:
    credential = credential_id(asked.request_hash, 1)
    plain = {"access_token": DSN, "token_type": "N_A", "credential": {"username": "cf_lent", "password": "hunter2-canary"}}
    box = SEALER.seal(Secret(json.dumps(plain)), from_url(asked.envelope.requester_key.encode()),
                      binding.credential(asked.request_hash, credential, "d" * 64))  # fmt: skip
    now = datetime.now(UTC)
    return CredentialMinted.about(
        asked.asked(), at=now, credential_id=credential, attempt=1, connector=connector, installation="default", issuer=ISSUER, sub_hash="a" * 64,
        project="web", environment="production", scopes=frozenset({"read", "app"}), details=({"type": "postgres"},), expires_at=now + lifetime,
        token_type="N_A", revocation="by_name", reach="credential", epoch=epoch, decision_hash="d" * 64, cred_digest="c" * 64,
        box=to_url(box).decode(),
    )  # fmt: skip


def refused(asked: Asked_, code: str) -> MintRefused:
    return MintRefused.about(asked.asked(), at=datetime.now(UTC), connector="postgres/demo", issuer=ISSUER, sub_hash="a" * 64, project="web",
                             environment="production", code=code, decision_hash="d" * 64)  # fmt: skip
