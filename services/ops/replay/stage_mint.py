"""Recorded grants through today's mint decision, beside what the ledger and exchange.minted hold. Nobody is asked for a credential."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from counterfoil.contracts.exchange_authorized import GrantApproved
from counterfoil.contracts.exchange_minted import CredentialMinted, MintRefused, credential_id
from counterfoil.contracts.exchange_verified import IdentityVerified
from counterfoil.wire.canonical import canonical, digest
from counterfoil.wire.lru import Lru
from counterfoil_server.domain import evidence, intent, wishes
from counterfoil_server.domain.intent import Earlier, Mint, Refuse, Repeat, Standing
from counterfoil_server.replay.history import History
from services.ops.replay.stage_ledger import NOT_MINTED, Row
from services.ops.replay.stage_past import Past
from services.ops.replay.stage_provider import Shadow, shadows
from services.ops.replay.stage_tally import Tally

Answer = CredentialMinted | MintRefused
UNRECORDED = frozenset({
    "audit_unavailable", "clock_skew", "limited", "consent_required", "provider_refused", "provider_unavailable", "provider_unknown", "gave_more",
    "superseded", "in_progress",
})  # fmt: skip
"""Refusals that rest on what no log holds: clocks, counts, a provider's word, who else was at it just then."""
KEPT_FACT = b"kept"
NEAR = 1 << 16
"""So many requests are remembered, for those that come again under their ids."""


@dataclass(slots=True)
class Seen:
    """Of a request: its wish, and every decision about it."""

    wish_hash: str | None
    decisions: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Case:
    """`decision_hash`: of the grant's exact bytes."""

    where: str
    grant: GrantApproved
    who: IdentityVerified
    decision_hash: str
    answer: Answer | None
    rows: Sequence[Row]

    @property
    def own(self) -> list[Row]:
        return [row for row in self.rows if row.request_hash == self.grant.asked.request_hash]


class Minting:
    def __init__(self, history: History, now: Callable[[], datetime]) -> None:
        self._history, self._past, self._now = history, Past(history), now
        self._providers: dict[str, Shadow] = shadows()
        self._seen: Lru[str, Seen] = Lru(NEAR)
        self._spent: Lru[str, str] = Lru(NEAR)
        self.tally = Tally("mint")

    def saw(self, case: Case) -> None:
        """As it is read, in the order of the topic: before its answer is, and before others under its id are decided."""
        asked = case.grant.asked
        seen = self._seen.get(asked.request_hash) or Seen(asked.wish_hash)
        seen.decisions.add(case.decision_hash)
        self._seen.put(asked.request_hash, seen)
        if case.who.token_use:
            self._spent.put(case.who.token_use.digest, self._spent.get(case.who.token_use.digest) or asked.request_hash)

    def compare(self, case: Case) -> None:
        seen = self._seen.get(case.grant.asked.request_hash)
        if case.grant.connector.partition("/")[0] not in self._providers:
            self.tally.aside("a provider that no catalog declares")
        elif case.answer is None:
            self._unanswered(case)
        elif case.answer.decision_hash not in (seen.decisions if seen else {case.decision_hash}):
            self._differs(case, "the answer rests on another decision")
        elif case.answer.decision_hash != case.decision_hash:
            self.tally.aside("decided again after it came twice, and answered as at first")
        elif isinstance(case.answer, CredentialMinted):
            self._minted(case, case.answer)
        else:
            self._refused(case, case.answer)

    def _minted(self, case: Case, fact: CredentialMinted) -> None:
        row = next((one for one in case.own if one.credential_id == fact.credential_id), None)
        if row is None:
            self._differs(case, "the ledger has no row of the credential")
        elif wrong := row.unlike(fact):
            self._differs(case, "the ledger's row is another", {name: str(getattr(fact, name, "minted")) for name in wrong},
                          {name: str(getattr(row, name)) for name in wrong})  # fmt: skip
        elif (said := self._code(case)) is not None:
            self._differs(case, "it was minted", "credential.minted", said)
        elif not self._first(case, row):
            self._differs(case, "it was minted, and today's code would not, given the ledger before it")
        elif not isinstance(self._decided(case, case.rows, row.sent_at, row), Repeat):
            self._differs(case, "today's code would not answer its repeat with it")
        else:
            self.tally.same(fact.kind)

    def _first(self, case: Case, row: Row) -> bool:
        """The intent, decided again over the rows that were there before it."""
        before = [one for one in case.rows if one.sent_at < row.sent_at]
        verdicts = (self._decided(case, before, moment) for moment in self._past.moments(row.sent_at))
        return any(isinstance(one, Mint) and credential_id(row.request_hash, one.attempt) == row.credential_id for one in verdicts)

    def _refused(self, case: Case, fact: MintRefused) -> None:
        if fact.credential_id is not None:
            self._ended(case, fact)
        elif fact.code in {self._code(case), *self._codes(case, fact.at)}:
            self.tally.same(f"{fact.kind}: {fact.code}")
        elif any(self._seen.get(row.request_hash) is None for row in case.rows):
            self.tally.aside("rests on an earlier request under its id, which was not read")
        elif fact.code in UNRECORDED:
            self.tally.aside(f"{fact.code}: rests on what no log holds")
        else:
            self._differs(case, "today's code would not refuse it so", fact.code, self._code(case) or next(iter(self._codes(case, fact.at)), "mint"))

    def _ended(self, case: Case, fact: MintRefused) -> None:
        """Refused after the intent was written: its row must not be good for anything."""
        row = next((one for one in case.own if one.credential_id == fact.credential_id), None)
        if row is None or row.state == "active":
            self._differs(case, "refused, and the ledger says otherwise", fact.code, row.state if row else "no row")
        else:
            self.tally.same(f"{fact.kind}: {fact.code}")

    def _unanswered(self, case: Case) -> None:
        if self._now() < case.grant.asked.deadline:
            self.tally.aside("no answer yet, and its deadline has not passed")
        elif any(row.state not in NOT_MINTED for row in case.own):
            self._differs(case, "the ledger has a credential, and nothing on exchange.minted tells of it")
        else:
            self._differs(case, "nothing on exchange.minted answers it")

    def _code(self, case: Case) -> str | None:
        """What mint checks before it looks at the ledger. Raises NoHistory."""
        grant = case.grant
        connector = self._history.at(grant.grounds.registry_revision).connectors.get(grant.connector)
        provider = self._providers.get(connector.provider) if connector else None
        if connector is None or provider is None:
            return "unknown_connector"
        try:
            fault = evidence.fault(grant, case.who, digest(canonical(case.who.wish)), wishes.read(case.who.wish), connector)
        except wishes.BadWish:
            return "evidence_mismatch"
        return fault or ("provider_refused" if provider.longest.total_seconds() < grant.lifetime else None)

    def _codes(self, case: Case, at: datetime) -> set[str]:
        """Of the refusals that the ledger's decision may have come to, given what the log and the ledger hold of then."""
        before = [one for one in case.rows if one.sent_at <= at and one.request_hash != case.grant.asked.request_hash]
        verdicts = [self._decided(case, before, moment) for moment in self._past.moments(at)]
        return {one.code for one in verdicts if isinstance(one, Refuse)}

    def _decided(self, case: Case, rows: Sequence[Row], at: datetime, kept: Row | None = None) -> Mint | Repeat | Refuse:
        """Audit's heartbeat and the clocks are taken to have been well: nothing records them."""
        grant, past = case.grant, self._past
        earlier = [self._earlier(case, row, kept) for row in rows]
        spent = self._spent.get(case.who.token_use.digest) if case.who.token_use else None
        standing = Standing(
            past.state(grant.connector, at), 0, past.revision(grant.connector, at), past.blocked(grant, at), at, at, at, spent, earlier
        )
        oldest = min(grant.grounds.registry_revision, case.who.basis.registry_revision)
        provider = grant.connector.partition("/")[0]
        return intent.decide(grant, oldest, standing, at, by_name=self._providers[provider].by_name)

    def _earlier(self, case: Case, row: Row, kept: Row | None) -> Earlier:
        own = row.request_hash == case.grant.asked.request_hash
        seen = self._seen.get(row.request_hash)
        wish_hash = case.grant.asked.wish_hash if own or seen is None else seen.wish_hash
        return Earlier(row.attempt, row.state, row.request_hash, wish_hash or "", row.credential_id, KEPT_FACT if row is kept else None)

    def _differs(self, case: Case, why: str, recorded: object = None, now: object = None) -> None:
        self.tally.differs(case.where, case.grant.kind, case.grant.asked.request_id, why, recorded, now)
