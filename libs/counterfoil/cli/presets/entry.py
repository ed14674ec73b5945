"""From a preset and what an operator said to an issuer entry. What is missing, or would let in more than was meant, is said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import typer

from counterfoil.cli.presets.preset import Preset
from counterfoil.contracts.registry import Issuer, Mapped


@dataclass(frozen=True)
class Said:
    """The options, as they were given."""

    name: str
    issuer: str | None = None
    audience: str | None = None
    jwks_uri: str | None = None
    pins: Sequence[str] = ()
    projects: Sequence[str] = ()
    project_claim: str | None = None
    environments: Sequence[str] = ()
    environment_claim: str | None = None
    max_age: int | None = None
    max_lifetime: int | None = None
    single_use: bool = False
    record: Sequence[str] = field(default_factory=tuple)


def entry(preset: Preset, said: Said) -> Issuer:
    issuer = said.issuer or preset.issuer
    if issuer is None:
        raise typer.BadParameter(f"{preset.title} has an issuer for each: {preset.issuer_is}", param_hint="--issuer")
    pins = pinned(preset, said.pins)
    lifetime = said.max_lifetime or preset.max_lifetime
    return Issuer(
        name=said.name, issuer=issuer, audience=said.audience, jwks_uri=said.jwks_uri or keys(preset, issuer), pins=pins,
        algorithms=preset.algorithms, ignore_x5t=preset.ignore_x5t, single_use=said.single_use, record=frozenset(said.record),
        subject="workload" if preset.workload else "opaque", max_age=said.max_age or min(preset.max_age, lifetime), max_lifetime=lifetime,
        project=project(preset, said, pins), environment=environment(preset, said),
    )  # fmt: skip


def pinned(preset: Preset, texts: Sequence[str]) -> dict[str, str]:
    pins = dict(pair(text, "--pin", "claim=value") for text in texts)
    for claim, why in preset.pins.items():
        if not pins.get(claim):
            raise typer.BadParameter(f"pin {claim}: {why}", param_hint=f"--pin {claim}=...")
    return pins


def project(preset: Preset, said: Said, pins: Mapping[str, str]) -> Mapped:
    claim = said.project_claim or preset.project
    found = mapped(said.projects, claim, "--project")
    if found is None:
        like = f"{preset.project_is}: --project VALUE=WORD, several times for several"
        raise typer.BadParameter(f"say which project: {like}" if claim else "say --project-claim, or one --project for all", param_hint="--project")
    if preset.listed and found.map is None and not pins:
        raise typer.BadParameter(
            f"anybody at this issuer would be let in. List who counts by {claim} ({preset.project_is}): --project VALUE=WORD; or pin a claim",
            param_hint="--project",
        )
    return found


def environment(preset: Preset, said: Said) -> Mapped:
    found = mapped(said.environments, said.environment_claim or preset.environment, "--environment")
    if found is None:
        raise typer.BadParameter("its tokens name no environment: say which one this entry is for, like production", param_hint="--environment")
    return found


def mapped(texts: Sequence[str], claim: str | None, option: str) -> Mapped | None:
    """Nothing said: as the claim says. One word: always that. VALUE=WORD: those values, and no others."""
    if not texts:
        return Mapped(claim=claim) if claim else None
    if len(texts) == 1 and "=" not in texts[0]:
        return Mapped(value=texts[0])
    if claim is None:
        raise typer.BadParameter(f"say which claim has these values: {option}-claim", param_hint=option)
    return Mapped(claim=claim, map=dict(pair(text, option, "value=word; or one word alone, for all") for text in texts))


def pair(text: str, option: str, like: str) -> tuple[str, str]:
    """A value may have equals signs in it, a word has none; a claim has none either."""
    left, _, right = text.partition("=") if option == "--pin" else text.rpartition("=")
    if not left or not right:
        raise typer.BadParameter(f"like {like}, not {text}", param_hint=option)
    return left, right


def keys(preset: Preset, issuer: str) -> str | None:
    if preset.jwks_uri is None or (preset.issuer is not None and issuer != preset.issuer):
        return None
    return preset.jwks_uri.format(issuer_path=urlsplit(issuer).path.strip("/").partition("/")[0])
