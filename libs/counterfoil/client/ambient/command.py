"""CI agents that are asked by their own command.

https://buildkite.com/docs/agent/cli/reference/oidc
https://circleci.com/docs/guides/permissions-authentication/oidc-tokens-with-custom-claims/
"""

import asyncio
import json

from counterfoil.client.ambient.source import MOST, Around, Failed, Source, unset

SECONDS = 20.0


async def said(around: Around, *command: str, fix: str) -> str:
    """What it prints. What it says on stderr is its own, and stays where it goes."""
    try:
        child = await asyncio.create_subprocess_exec(
            *command, env=dict(around.env), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
        )  # fmt: skip
    except OSError as error:
        raise Failed(f"{command[0]} cannot be run: {error.strerror}", fix) from None
    try:
        async with asyncio.timeout(SECONDS):
            out, _ = await child.communicate()
    except TimeoutError:
        raise Failed(f"{command[0]} did not answer in time", fix) from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode:
        raise Failed(f"{' '.join(command[:3])} ended with {child.returncode}", fix)
    return out[:MOST].decode("ascii", "replace")


async def buildkite(around: Around, audience: str) -> str:
    fix = "run the job with a buildkite-agent of version 3.48 or later, and buildkite-agent on its PATH"
    return await said(around, "buildkite-agent", "oidc", "request-token", "--audience", audience, fix=fix)


async def circleci(around: Around, audience: str) -> str:
    """`CIRCLE_OIDC_TOKEN_V2` is for CircleCI's own audience; only the command has others."""
    fix = "the job needs the `circleci` command with `run oidc get`, and at least one context"
    return await said(around, "circleci", "run", "oidc", "get", "--claims", json.dumps({"aud": audience}), fix=fix)


SOURCES = (
    Source("Buildkite", lambda around: unset(around, "BUILDKITE"), buildkite),
    Source("CircleCI", lambda around: unset(around, "CIRCLECI"), circleci),
)
