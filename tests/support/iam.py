"""iam-simulate, running: how AWS evaluates policies, written by others. It is asked whether somebody may, by the policies that AWS would look at."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.support.node import Node

ACCOUNT = "123456789012"


@dataclass(frozen=True)
class Iam:
    url: str

    async def says(self, who: str, action: str, resource: str, policies: Sequence[str], session: str | None = None, **parts: Any) -> str:
        """Allowed, ImplicitlyDenied, ExplicitlyDenied. `policies`: of the user or role, as they were written; `session`: the session policy.

        `context`: of the request; `resource_policy`: of what is asked for, as a role's trust policy.
        """
        simulation = {
            "request": {"principal": who, "action": action, "resource": {"resource": resource, "accountId": ACCOUNT},
                        "contextVariables": dict(parts.get("context", {}))},
            "identityPolicies": [{"name": f"policy {number}", "policy": json.loads(one)} for number, one in enumerate(policies)],
            "sessionPolicy": json.loads(session) if session else None,
            "resourcePolicy": parts.get("resource_policy"),
            "serviceControlPolicies": [],
            "resourceControlPolicies": [],
        }  # fmt: skip
        return verdict(await self._asked(simulation))

    async def _asked(self, simulation: Mapping[str, Any]) -> Mapping[str, Any]:
        async with httpx.AsyncClient(trust_env=False) as http:
            return dict((await http.post(self.url, json=simulation)).raise_for_status().json())


def verdict(said: Mapping[str, Any]) -> str:
    """A policy that is none, or a context that the action does not know, is no denial: a test would pass for the wrong reason."""
    assert said["resultType"] == "single", said
    assert said["result"]["ignoredContextKeys"] == [], said["result"]
    return str(said["overallResult"])


@pytest.fixture(scope="session", name="iam")
async def simulating(node: Node) -> Iam:
    return Iam(await node.start("iam.mjs", "{port}"))
