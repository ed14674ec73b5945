"""counterfoil exec-credential, started by the real kubectl on its way to a cluster that knows lent tokens only."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from counterfoil.contracts.exchange_minted import credential_id
from counterfoil.wire.armor import to_url
from counterfoil.wire.opening_key import OpeningKey
from tests.cli.cluster import Cluster, served
from tests.cli.shell import CLEAN, Said, Shell
from tests.cli.stand_in import Asked, no
from tests.client.answers import asked, minted
from tests.support.certificates import certified

KUBECTL = shutil.which("kubectl")
REAL = pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")
INFO = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "spec": {"interactive": False}}
ENDS = timedelta(minutes=15)


@dataclass
class Machine:
    """A kubeconfig whose user is our plugin, and a gateway that lends what opens the cluster."""

    sh: Shell
    home: Path
    cluster: Cluster
    exec: dict[str, Any] = field(default_factory=dict)
    server: str | None = None
    """Which cluster the gateway says that its token is of."""
    kind: str = "Bearer"

    def lend(self, one: Asked) -> tuple[int, Any]:
        number = len(self.sh.gateway.at("/oauth2/token"))
        digest, key = f"{number:064x}", to_url(OpeningKey.generate().public).decode()
        fact = minted(asked(UUID(one.body["request_id"]), digest, key), self.sh.gateway.town.box(digest, key))
        fact |= {"connector": one.body["audience"], "token_type": self.kind, "expires_at": (datetime.now(UTC) + ENDS).isoformat()}
        token, parts = f"canary-of-the-cluster-{number}", {"server": self.server or self.cluster.url, "namespace": "lent"}
        self.cluster.good.add(token)
        found = {"access_token": token, "token_type": self.kind, "credential": parts, "credential_id": str(credential_id(digest, 1))}
        return 200, found | {"receipt": self.sh.gateway.town.receipt(self.sh.gateway.town.append(fact))}

    async def kubectl(self, *words: str) -> Said:
        user = {"apiVersion": INFO["apiVersion"], "command": sys.executable, "interactiveMode": "Never", **self.exec}
        user["args"] = ["-P", "-m", "counterfoil.cli.main", "exec-credential", "kubernetes/prod", "--scope", "reader"]
        cluster = {"server": self.cluster.url, "certificate-authority": str(self.home / "certificate.pem")}
        parts: dict[str, list[tuple[str, Any]]] = {
            "clusters": [("cluster", cluster)],
            "users": [("user", {"exec": user})],
            "contexts": [("context", {"cluster": "a", "user": "a"})],
        }
        config = {name: [{"name": "a", kind: value} for kind, value in found] for name, found in parts.items()}
        path = self.home / "config"
        path.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": "a", **config}))  # JSON is YAML
        env = CLEAN | {"COUNTERFOIL_URL": self.sh.url, "HOME": str(self.home), "KUBECONFIG": str(path)} | self.sh.env
        command = [KUBECTL or "kubectl", *words]
        done = await asyncio.to_thread(subprocess.run, command, env=env, capture_output=True, text=True, check=False)
        return Said(done.returncode, done.stdout, done.stderr)

    def revoked(self) -> list[str]:
        return [one.body["token"] for one in self.sh.gateway.at("/oauth2/revoke")]


@pytest.fixture
def machine(sh: Shell, tmp_path: Path) -> Iterator[Machine]:
    tls, _ = certified(tmp_path, "127.0.0.1")
    with served(tls) as cluster:
        made = Machine(sh, tmp_path, cluster)
        sh.gateway.says["/oauth2/token"] = made.lend
        yield made


@REAL
async def test_the_real_kubectl_is_let_in_by_a_cluster(machine: Machine):
    said = await machine.kubectl("get", "--raw", "/version")
    wish, *_ = (one.body for one in machine.sh.gateway.at("/oauth2/token"))

    assert (said.code, json.loads(said.out)) == (0, {"gitVersion": "v1.36.3"})
    assert set(machine.cluster.seen) <= machine.cluster.good
    assert (wish["audience"], wish["scope"], wish["requested_lifetime"]) == ("kubernetes/prod", "reader", "900")


@REAL
async def test_kubectl_asks_in_its_older_version_too(machine: Machine):
    machine.exec = {"apiVersion": "client.authentication.k8s.io/v1beta1"}

    assert (await machine.kubectl("get", "--raw", "/version")).code == 0


@REAL
async def test_kubectl_says_why_it_was_denied(machine: Machine):
    machine.sh.gateway.says["/oauth2/token"] = no("no_link", 400)
    said = await machine.kubectl("get", "--raw", "/version")

    assert said.code != 0
    assert "no_link" in said.err
    assert "fix: do this" in said.err
    assert machine.cluster.seen == []


@REAL
async def test_a_token_is_not_shown_to_another_cluster(machine: Machine):
    machine.exec, machine.server = {"provideClusterInfo": True}, "https://127.0.0.1:1"
    said = await machine.kubectl("get", "--raw", "/version")

    assert said.code != 0
    assert "another_cluster" in said.err
    assert machine.cluster.seen == []
    assert len(machine.revoked()) == len(machine.sh.gateway.at("/oauth2/token")) >= 1


@REAL
async def test_a_token_is_shown_to_its_own_cluster_however_that_is_spelt(machine: Machine):
    machine.exec, machine.server = {"provideClusterInfo": True}, f"{machine.cluster.url.upper().replace('HTTPS', 'https')}/"

    assert (await machine.kubectl("get", "--raw", "/version")).code == 0
    assert machine.revoked() == []


async def helped(machine: Machine, info: str | None) -> Said:
    machine.sh.env |= {} if info is None else {"KUBERNETES_EXEC_INFO": info}
    return await machine.sh("exec-credential", "kubernetes/prod", "--scope", "reader")


@pytest.mark.parametrize("info", [None, json.dumps(INFO), json.dumps(INFO | {"spec": None})])
async def test_the_answer_is_the_document_that_kubernetes_describes(machine: Machine, info: str | None):
    before = datetime.now(UTC).replace(microsecond=0)
    said = await helped(machine, info)
    document = json.loads(said.out)
    ends = datetime.fromisoformat(document["status"].pop("expirationTimestamp"))

    assert (said.code, said.err) == (0, "")
    assert document == {"apiVersion": INFO["apiVersion"], "kind": "ExecCredential", "status": {"token": "canary-of-the-cluster-1"}}
    assert before + ENDS <= ends <= datetime.now(UTC) + ENDS


@pytest.mark.parametrize("info", ["{", "[]", '{"kind": "Pod"}', json.dumps(INFO | {"apiVersion": "client.authentication.k8s.io/v1alpha1"})])
async def test_another_question_is_not_answered(machine: Machine, info: str):
    said = await helped(machine, info)

    assert (said.code, said.out) == (2, "")
    assert "counterfoil exec-credential: " in said.err
    assert machine.sh.gateway.asked == []


async def test_what_is_no_bearer_token_is_given_back(machine: Machine):
    machine.kind = "N_A"
    said = await helped(machine, None)

    assert (said.code, said.out) == (1, "")
    assert "no_bearer_token" in said.err
    assert "canary" not in said.err
    assert len(machine.revoked()) == 1


async def test_ctrl_c_while_it_is_on_its_way_gives_it_back(machine: Machine):
    process = await machine.sh.start("exec-credential", "kubernetes/prod")

    def late(one: Asked) -> tuple[int, Any]:
        os.kill(process.pid, signal.SIGINT)
        return machine.lend(one)

    machine.sh.gateway.says["/oauth2/token"] = late
    out, err = await process.communicate()

    assert (process.returncode, out, err) == (130, b"", b"")
    assert len(machine.revoked()) == 1
