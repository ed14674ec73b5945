"""Whether a policy can be read, makes sense in our vocabulary, and cannot fail where it is asked: a policy that fails denies."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cedarpy

from counterfoil_server.domain import cedar_schema
from counterfoil_server.runtime.concern import BadPolicy, actions, parse
from services.gateway.cedar_text import Statement, complaint, line, mentioned, statements, stumbled
from services.gateway.claims_read import read, typed

PREFIX = re.compile(r"^for policy `policy\d+`, ")
MOST = 64
"""Statements of one policy that are looked at one by one."""


@dataclass(frozen=True, slots=True)
class Finding:
    statement: int
    line: int
    message: str

    def shown(self) -> dict[str, Any]:
        return {"statement": self.statement, "line": self.line, "message": self.message}


@dataclass(slots=True)
class Lint:
    """`errors` refuse the policy. `connectors` and `actions`: what it can concern; None where it names none, so any."""

    errors: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    connectors: Collection[str] | None = ()
    actions: Collection[str] | None = ()

    def shown(self) -> dict[str, Any]:
        named = {name: None if found is None else sorted(found) for name, found in (("connectors", self.connectors), ("actions", self.actions))}
        said = {name: [one.shown() for one in found] for name, found in (("errors", self.errors), ("warnings", self.warnings))}
        return {"valid": not self.errors, **said, **named}


def lint(text: str, recorded: Collection[str]) -> Lint:
    """`recorded`: the claims that any issuer entry records."""
    found = Lint()
    parts = statements(text)
    try:
        whole = parse(text)
    except BadPolicy as error:
        found.errors += unreadable(text, parts) or [Finding(1, 1, str(error))]
        return found
    found.connectors, found.actions = whole.connectors, whole.actions
    for number, (part, statement) in enumerate(zip(parts, whole.statements, strict=False), 1):
        if number > MOST:
            found.warnings.append(Finding(number, line(text, part.start), f"only the first {MOST} statements were checked against the vocabulary"))
            break
        wrong, risky = checked(part.text, statement, recorded)
        for into, complaints in ((found.errors, wrong), (found.warnings, risky)):
            into += [Finding(number, line(text, part.start + mentioned(part.text, words)), words) for words in complaints]
    found.warnings.sort(key=lambda one: (one.line, one.message))
    return found


def checked(text: str, statement: Mapping[str, Any], recorded: Collection[str]) -> tuple[list[str], list[str]]:
    """What is wrong in any case, and what may go wrong: where a thing is read that a question may lack."""
    named = actions(statement) or frozenset({cedar_schema.MINT})
    schema = cedar_schema.of_mint if named == {cedar_schema.MINT} else cedar_schema.of_all
    claims = read(statement)
    types = typed(claims, lambda types: len(said(text, schema(types, lenient=True))))
    wrong = said(text, schema(types, lenient=True))
    unrecorded = [f"no issuer entry records the claim `{name}`: add it to `record`" for name in sorted(set(claims) - set(recorded))]
    return wrong, unrecorded if wrong else said(text, schema(types, lenient=False)) + unrecorded


def unreadable(text: str, parts: Sequence[Statement]) -> list[Finding]:
    said = [(number, part, words) for number, part in enumerate(parts, 1) if (words := complaint(part.text))]
    return [Finding(number, line(text, part.start + stumbled(part.text, words)), words) for number, part, words in said]


def said(text: str, schema: str) -> list[str]:
    """By the validator, each complaint once."""
    return list(dict.fromkeys(PREFIX.sub("", error.error) for error in cedarpy.validate_policies(text, schema, release_gil=True).errors))
