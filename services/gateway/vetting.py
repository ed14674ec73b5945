"""What a change of the registry would break, looked at while its lock is held: the store refuses what is wrong in itself."""

from collections.abc import Collection, Mapping, Sequence

from counterfoil.contracts.registry import Connector, Installation, Issuer, Link, Operator
from counterfoil_server.runtime.snapshot import Entry
from services.gateway.catalog import Catalog
from services.gateway.problems import Problem
from services.gateway.registry_read import Key, Moment

NAMED = 10


def vet(before: Moment, puts: Sequence[Entry], removed: Collection[Key], catalog: Catalog) -> dict[Key, Entry]:
    """What there will be, of what was looked at. Raises Problem."""
    after = {key: held.entry for key, held in before.held.items() if key not in set(removed)}
    after |= {(entry.kind, entry.name): entry for entry in puts}
    nothing_dangles(after, removed)
    for entry in after.values():
        if isinstance(entry, Installation):
            installed(entry, after, catalog)
    if any(kind in ("issuer", "operator") for kind in {kind for kind, _ in removed} | {entry.kind for entry in puts}):
        somebody_stays([held.entry for held in before.held.values()], list(after.values()))
    return after


def nothing_dangles(after: Mapping[Key, Entry], removed: Collection[Key]) -> None:
    for kind, name in sorted(removed):
        if kind == "connector" and (left := [one for one in after.values() if isinstance(one, Link | Installation) and one.connector == name]):
            told = sorted(f"{one.kind} {one.name}" for one in left)
            names = ", ".join(told[:NAMED]) + (f" and {len(left) - NAMED} more" if len(left) > NAMED else "")
            raise Problem("conflict", f"connector {name}: {len(left)} entries lead to it", fix=f"Delete these first: {names}.")


def installed(entry: Installation, after: Mapping[Key, Entry], catalog: Catalog) -> None:
    """Its config is the connector's with its own in place, and only the whole of it can be judged."""
    connector = after.get(("connector", entry.connector))
    if not isinstance(connector, Connector):
        raise Problem("bad_change", f"installation {entry.name}: there is no connector {entry.connector}", fix="Put the connector first.")
    catalog.check(f"installation {entry.name}", connector.provider, {**connector.config, **entry.config})


def somebody_stays(before: Sequence[Entry], after: Sequence[Entry]) -> None:
    """An admin whose issuer nobody trusts can prove nothing any more."""
    if able(before) and not able(after):
        raise Problem("bad_change", "this would leave no admin with a registered issuer: nobody could ever change the registry again")


def able(entries: Sequence[Entry]) -> bool:
    trusted = {one.issuer for one in entries if isinstance(one, Issuer)}
    return any(isinstance(one, Operator) and one.role == "admin" and one.issuer in trusted for one in entries)
