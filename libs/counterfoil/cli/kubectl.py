"""What a kubeconfig's exec plugin answers, without typer: every kubectl command waits for it.

https://kubernetes.io/docs/reference/config-api/client-authentication.v1/
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import urlsplit

from counterfoil.cli import borrowing
from counterfoil.cli.exits import USAGE, say
from counterfoil.client.errors import CounterfoilError

if TYPE_CHECKING:
    from counterfoil.client.credential import Credential

INFO = "KUBERNETES_EXEC_INFO"
VERSION = "client.authentication.k8s.io/v1"
VERSIONS = (VERSION, "client.authentication.k8s.io/v1beta1")
KIND = "ExecCredential"
LIFETIME = "15m"
PORTS = {"https": 443, "http": 80}


class Info(NamedTuple):
    """What whoever starts us says: in which version it wants its answer and, with provideClusterInfo, whom it will show the token."""

    version: str = VERSION
    server: str | None = None

    @classmethod
    def read(cls, text: str) -> Self:
        """Raises ValueError."""
        if not text:
            return cls()
        try:
            said: Any = json.loads(text)
        except ValueError:
            said = None
        if not isinstance(said, Mapping) or said.get("kind") != KIND:
            raise ValueError(f"{INFO} is no {KIND}")
        if said.get("apiVersion") not in VERSIONS:
            raise ValueError(f"this answers {' and '.join(VERSIONS)}: set the plugin's apiVersion in the kubeconfig to {VERSION}")
        cluster = (said.get("spec") or {}).get("cluster") or {}
        return cls(str(said["apiVersion"]), cluster.get("server"))

    def fits(self, credential: "Credential") -> None:
        """A token is shown to nobody but the cluster that it is of."""
        if credential.token_type.lower() != "bearer":
            raise CounterfoilError("no_bearer_token", "what was lent is no bearer token", fix="name a connector that lends Kubernetes tokens")
        theirs = credential.parts().get("server")
        if self.server and theirs and place(self.server) != place(theirs):
            fix = "use that cluster's context; where it has two addresses, leave provideClusterInfo out of the kubeconfig"
            raise CounterfoilError("another_cluster", f"the token is for {theirs}, and would be shown to {self.server}", fix=fix)

    def document(self, credential: "Credential") -> dict[str, Any]:
        ends = credential.expires_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"apiVersion": self.version, "kind": KIND, "status": {"expirationTimestamp": ends, "token": credential.reveal()}}


def place(server: str) -> tuple[str | None, int | None, str]:
    found = urlsplit(server if "//" in server else f"https://{server}")
    return found.hostname, found.port or PORTS.get(found.scheme), found.path.rstrip("/")


def serve(arguments: Sequence[str]) -> None:
    parser = borrowing.parser("counterfoil exec-credential", "a Kubernetes token, as the exec plugin of a kubeconfig answers", LIFETIME)
    parser.add_argument("connector", help="whose credential, like kubernetes/prod")
    given = parser.parse_args(arguments)
    try:
        info, wanted = Info.read(os.environ.get(INFO, "")), borrowing.wish(given.connector, given)
    except ValueError as error:
        say(f"counterfoil exec-credential: {error}")
        sys.exit(USAGE)
    credential = borrowing.lent(borrowing.session(given), given.connector, wanted, info.fits)
    sys.stdout.write(json.dumps(info.document(credential)) + "\n")
