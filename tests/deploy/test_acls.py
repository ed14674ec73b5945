"""The table of rights: what it says of each principal, and that the script says the same."""

import subprocess
from pathlib import Path

import pytest

from counterfoil.contracts import TOPICS
from deploy import acls
from deploy.acls import GROUP, OPS, TOPIC, Grant, of
from deploy.acls_page import page
from services.dev.kafka import FILES
from services.ops.replay import stage_audit, stage_authorize, stage_grants

WRITES = {
    "client": {"exchange.requested"},
    "consumer": set(),
    "replay": set(),
    "gateway": {"exchange.requested", "revocation.requested", "registry.changed", "consent.returned"},
    "verifier": {"exchange.verified", "exchange.requested.dlq"},
    "policy": {"exchange.authorized", "exchange.verified.dlq"},
    "mint": {"exchange.minted", "exchange.authorized.dlq", "consent.settled", "consent.returned.dlq"},
    "revoke": {"revocation.settled", "revocation.ordered.dlq"},
    "revoker": {"revocation.ordered", "revocation.requested.dlq", "revocation.settled.dlq"},
}
READS = {
    "client": {"exchange.replied", "revocation.settled"},
    "consumer": {"audit.recorded"},
    "gateway": {"exchange.replied", "revocation.settled", "consent.settled"},
    "verifier": {"exchange.requested"},
    "policy": {"exchange.verified"},
    "mint": {"exchange.authorized", "consent.returned"},
    "revoke": {"revocation.ordered"},
    "revoker": {"revocation.requested", "revocation.settled"},
    "audit": {"exchange.verified", "exchange.authorized", "exchange.minted", "revocation.requested", "revocation.ordered", "revocation.settled",
              "registry.changed", "consent.settled"},
}  # fmt: skip
"""As the threat model has them, written down once more."""
VERSIONS = {f"{topic}{dlq}": f"{topic.name}{dlq}" for topic in TOPICS for dlq in ("", ".dlq")}


def names(role: str, operation: str) -> set[str]:
    return {VERSIONS[name] for name in of(role, operation, TOPIC)}


@pytest.mark.parametrize("role", WRITES)
def test_who_writes_what(role: str):
    assert names(role, "Write") == WRITES[role]


@pytest.mark.parametrize("role", READS)
def test_who_reads_what(role: str):
    assert names(role, "Read") == READS[role]


def test_audit_answers_and_buries_what_it_reads():
    assert names("audit", "Write") == {"exchange.replied", "audit.recorded"} | {f"{name}.dlq" for name in READS["audit"]}


def test_whoever_puts_dead_letters_back_reads_graves_and_writes_where_they_came_from():
    graves = {name for role in acls.processes() for name in names(role, "Write") if name.endswith(".dlq")}

    assert names("redrive", "Read") == graves
    assert names("redrive", "Write") == {name.removesuffix(".dlq") for name in graves}


def test_replay_reads_what_its_stages_read_and_does_nothing_else():
    stages = (stage_authorize.TOPICS, stage_grants.TOPICS, stage_audit.TOPICS)

    assert names("replay", "Read") == {topic.name for topics in stages for topic in topics} == READS["audit"]
    assert {(one.operation, one.kind) for one in acls.grants() if one.role == "replay"} == {("Read", TOPIC)}


def test_nobody_but_ops_administers_and_ops_does_nothing_else():
    assert {one.role for one in acls.grants() if one.operation not in ("Read", "Write")} == {OPS}
    assert {one.operation for one in acls.grants() if one.role == OPS} == set(acls.ADMINISTRATION)


def test_a_group_is_joined_by_one_role():
    groups = [one.name for one in acls.grants() if one.kind == GROUP]

    assert len(groups) == len(set(groups))


def called(tmp_path: Path, *arguments: str) -> list[list[str]]:
    """What the script calls the tool with, without what every call has."""
    tool = tmp_path / "tool"
    tool.write_text('#!/bin/sh\nfor one in "$@"; do printf "%s\\t" "$one"; done >> "$0.said"; echo >> "$0.said"\n')
    tool.chmod(0o700)
    env = {"COUNTERFOIL_KAFKA": "broker:9092", "COUNTERFOIL_PREFIX": "p", "KAFKA_ACLS": str(tool), "PATH": "/usr/bin:/bin"}
    subprocess.run(["/bin/sh", str(FILES / "acls.sh"), *arguments], env=env, check=True)
    found = [line.strip("\t").split("\t") for line in tool.with_name("tool.said").read_text().splitlines()]
    assert {tuple(one[:2]) for one in found} == {("--bootstrap-server", "broker:9092")}
    return [one[2:] for one in found]


def grants_in(calls: list[list[str]]) -> dict[str, set[Grant]]:
    """By principal, whoever that is: the role stands for it here."""
    found: dict[str, set[Grant]] = {}
    for call in calls:
        pairs = [(call[place], call[place + 1]) for place in range(len(call) - 1)]
        (who,) = (value.removeprefix("User:") for name, value in pairs if name == "--allow-principal")
        prefixed = ("--resource-pattern-type", "prefixed") in pairs
        for name, value in pairs:
            if name in ("--topic", "--group"):
                assert value == "p." if prefixed else value.startswith("p.") and value != "p."
                operations = [one for option, one in pairs if option == "--operation"]
                found.setdefault(who, set()).update(Grant("", one, name.removeprefix("--"), value.removeprefix("p.")) for one in operations)
    return found


def wanted(role: str, **renamed: str) -> set[Grant]:
    return {Grant("", one.operation, one.kind, renamed.get(one.name, one.name)) for one in acls.grants() if one.role == role}


def test_the_script_grants_every_process_what_the_table_says(tmp_path: Path):
    assert grants_in(called(tmp_path)) == {f"p-{role}": wanted(role) for role in (*acls.processes(), OPS)}


@pytest.mark.parametrize("role", ["client", "redrive", "consumer", "replay"])
def test_the_script_grants_an_app_or_a_person_what_the_table_says(tmp_path: Path, role: str):
    calls = called(tmp_path, role, "siem")

    assert {call[0] for call in calls} == {"--add"}
    assert grants_in(calls) == {"siem": wanted(role, consumer="consumer.siem")}


def test_the_script_takes_away_what_it_gave_and_asks_nobody(tmp_path: Path):
    given, taken = called(tmp_path, "redrive", "alice"), called(tmp_path, "--remove", "redrive", "alice")[2:]

    assert taken == [["--remove", *call[1:]] for call in given]
    assert all("--force" in call for call in taken)


def test_the_script_knows_no_other_role():
    answer = subprocess.run(
        ["/bin/sh", str(FILES / "acls.sh"), "root"], env={"COUNTERFOIL_KAFKA": "b:1"}, capture_output=True, text=True, check=False
    )

    assert answer.returncode == 2
    assert "there is no role root" in answer.stderr


def test_nothing_is_granted_on_everything():
    assert "*" not in (FILES / "acls.sh").read_text().partition("allow()")[2].partition("case ")[0]


def test_a_role_is_on_the_page():
    assert all(f"`{role}`" in page() for role in acls.roles())
