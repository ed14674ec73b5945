"""A real kube-apiserver, built once from its Go modules, over the machine's etcd: no controllers, no kubelets; all else is Kubernetes' own."""

import json
import re
import secrets
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from services.dev.children import Children
from services.dev.folders import closed
from services.dev.jars import ROOT, cache_folder
from services.dev.ports import HOST, answers, free_port
from services.dev.spawn import Command
from tests.containers.programs import go, kept, needed

KUBERNETES, STAGING, GO = "v1.36.3", "v0.36.3", (1, 26)
NAME = f"kube-apiserver-{KUBERNETES}"
MAIN = """package main

import (
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() { os.Exit(cli.Run(app.NewAPIServerCommand())) }
"""
MANIFEST = re.search(r"```yml\n(.*?)```", (ROOT / "docs/how-to/kubernetes.md").read_text(), re.DOTALL)
RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces"


def built() -> Path:
    """Minutes of both cores, once. Without Go, or the modules, this skips."""
    folder = closed(cache_folder() / "go" / NAME)
    if (folder / NAME).exists():
        return folder / NAME
    if (found := re.search(r"go(\d+)\.(\d+)", go(folder, "version"))) is None or (int(found[1]), int(found[2])) < GO:
        pytest.skip(f"Go {GO[0]}.{GO[1]} or later is not on this machine")
    return kept(NAME, ("mod", "tidy"), ("build", "-o", NAME, "."), go_mod=module(folder), main_go=MAIN)


def module(folder: Path) -> str:
    """Kubernetes' own parts lie in folders of its repository; to others they are modules of their own."""
    found = json.loads(go(folder, "mod", "download", "-json", f"k8s.io/kubernetes@{KUBERNETES}"))
    parts = sorted(set(re.findall(r"(k8s\.io/[\w.-]+) => \./staging", Path(found["GoMod"]).read_text())))
    replaced = "".join(f"\t{part} => {part} {STAGING}\n" for part in parts)
    return f"module apiserver\n\ngo {GO[0]}.{GO[1]}.0\n\nrequire k8s.io/kubernetes {KUBERNETES}\n\nreplace (\n{replaced})\n"


@dataclass(frozen=True)
class Apiserver:
    url: str
    authority: str
    admin: str = field(repr=False)
    """A token that may everything."""

    async def asks(self, token: str, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
        """As whoever has the token."""
        async with httpx.AsyncClient(trust_env=False, verify=ssl.create_default_context(cadata=self.authority)) as http:
            answer = await http.request(method, self.url + path, headers={"Authorization": f"Bearer {token}"}, json=body)
        return answer.status_code, answer.json()

    async def made(self, path: str, **body: Any) -> dict[str, Any]:
        """By the admin; what it is then."""
        status, said = await self.asks(self.admin, "POST", path, body)
        assert status == 201, said
        return said

    async def prepared(self) -> None:
        """As docs/how-to/kubernetes.md has it: a namespace, its accounts, what they may, and the role of the root token."""
        for namespace in ("lent", "other"):
            await self.made("/api/v1/namespaces", metadata={"name": namespace})
        for name in ("reader", "deployer", "counterfoil"):
            await self.made("/api/v1/namespaces/lent/serviceaccounts", metadata={"name": name})
        assert MANIFEST
        await self.may("counterfoil", **yaml.safe_load(MANIFEST[1]))
        for name, verbs in (("reader", ["get", "list"]), ("deployer", ["get", "list", "create"])):
            await self.may(name, metadata={"name": name}, rules=[{"apiGroups": [""], "resources": ["configmaps"], "verbs": verbs}])

    async def may(self, account: str, **role: Any) -> None:
        await self.made(f"{RBAC}/lent/roles", **role)
        subject = {"kind": "ServiceAccount", "name": account, "namespace": "lent"}
        about = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role["metadata"]["name"]}
        await self.made(f"{RBAC}/lent/rolebindings", metadata={"name": account}, subjects=[subject], roleRef=about)

    async def token_of(self, account: str) -> str:
        said = await self.made(f"/api/v1/namespaces/lent/serviceaccounts/{account}/token", spec={"expirationSeconds": 3600})
        return str(said["status"]["token"])


async def etcd(children: Children, binary: str) -> str:
    own, peers = f"http://{HOST}:{free_port()}", f"http://{HOST}:{free_port()}"
    argv = (binary, "--data-dir", str(children.folder / "etcd"), "--listen-client-urls", own, "--advertise-client-urls", own,
            "--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers, "--initial-cluster", f"default={peers}")  # fmt: skip
    port = int(own.rpartition(":")[2])
    await children.start(Command("etcd", argv), lambda: answers(port))
    return own


async def started(children: Children, binary: Path, store: str) -> Apiserver:
    folder, port, admin = children.folder, free_port(), secrets.token_urlsafe()
    key = rsa.generate_private_key(65537, 2048)
    (folder / "accounts.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "tokens.csv").write_text(f"{admin},admin,1,system:masters\n")
    flags = {
        "etcd-servers": store, "bind-address": HOST, "secure-port": port, "cert-dir": folder / "tls",
        "service-account-key-file": folder / "accounts.pem", "service-account-signing-key-file": folder / "accounts.pem",
        "service-account-issuer": "https://kubernetes.default.svc", "token-auth-file": folder / "tokens.csv", "authorization-mode": "RBAC",
        "service-cluster-ip-range": "10.96.0.0/16", "disable-admission-plugins": "ServiceAccount", "endpoint-reconciler-type": "none",
    }  # fmt: skip
    argv = (str(binary), *(f"--{name}={value}" for name, value in flags.items()))
    url = f"https://{HOST}:{port}"

    async def ready() -> bool:
        try:
            async with httpx.AsyncClient(trust_env=False, verify=False) as http:  # noqa: S501 - its certificate is made just now
                return (await http.get(f"{url}/readyz")).is_success
        except httpx.HTTPError:
            return False

    await children.start(Command("kube-apiserver", argv, {"HOME": str(folder)}, patience=180), ready)
    return Apiserver(url, (folder / "tls" / "apiserver.crt").read_text(), admin)


@pytest.fixture(scope="session", name="apiserver")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Apiserver]:
    store = needed("etcd")
    binary = built()
    async with Children(Path(tmp_path_factory.mktemp("apiserver"))) as children:
        made = await started(children, binary, await etcd(children, store))
        await made.prepared()
        yield made
