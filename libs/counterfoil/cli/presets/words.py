"""What an issuer entry means, in words."""

from counterfoil.cli.presets.preset import HOUR, MINUTE, Preset
from counterfoil.contracts.registry import Issuer, Mapped


def meaning(preset: Preset, issuer: Issuer) -> list[str]:
    for_whom = issuer.audience or "this exchange"
    lines = [f"{preset.title}: a token that {issuer.issuer} signed for {for_whom} is somebody here, if all of this holds:"]
    lines += [f"{claim} is {value}{because(preset, claim)}" for claim, value in issuer.pins.items()]
    lines.append(said("project", issuer.project, preset.project_is if issuer.project.claim == preset.project else ""))
    lines.append(said("environment", issuer.environment, ""))
    lines.append(f"it was issued at most {span(issuer.max_age)} ago, to live at most {span(issuer.max_lifetime)}: {preset.ages}")
    if issuer.single_use:
        lines.append("it was used by no other request: every request needs a token of its own")
    if issuer.jwks_uri:
        lines.append(f"a key from {issuer.jwks_uri} signed it, and none from elsewhere")
    if issuer.subject == "workload":
        lines.append("`sub` names a program, so it is written into the audit log in clear and policies may read it")
    return [*lines, *(f"note: {note}" for note in preset.notes), f"its claims: {preset.docs}"]


def because(preset: Preset, claim: str) -> str:
    return f": {preset.pins[claim]}" if claim in preset.pins else ""


def said(what: str, source: Mapped, known: str) -> str:
    known = f" ({known})" if known else ""
    if source.claim is None:
        return f"its {what} is always {source.value}"
    if source.map is None:
        return f"its {what} is what {source.claim}{known} says; a token without it is rejected"
    pairs = ", ".join(f"{value} is {word}" for value, word in source.map.items())
    return f"its {what} follows from {source.claim}{known}: {pairs}; any other, or none, is rejected"


def span(seconds: int) -> str:
    for size, word in ((HOUR, "hour"), (MINUTE, "minute")):
        if seconds % size == 0:
            return f"{seconds // size} {word}{'s' * (seconds != size)}"
    return f"{seconds} seconds"
