"""A witness of the whole: it was away and comes, the published head carries its word, a proof does, and a second history of the log gets none."""

import asyncio
import base64
import hashlib
import json
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from counterfoil.audit.export_file import head_line, leaf_line
from counterfoil.wire import checkpoint as checkpoints
from counterfoil.wire.canonical import canonical
from counterfoil.wire.consistency import consistency_path
from counterfoil.wire.cosignature import WitnessKey
from counterfoil.wire.log_key import LogKey
from counterfoil.wire.merkle import leaf_hash, root
from counterfoil_server.runtime import key_folder
from services.audit import publishing
from services.dev.ports import free_port
from services.dev.postgres import Postgres
from services.dev.town import origin
from tests.cli.shell import Said, Shell
from tests.cli.stand_in import StandIn
from tests.support.town import Town, founded
from tests.support.waiting import until
from tests.support.witness import Running, environment, started
from tests.witness.growing import body


@dataclass
class Witnessed:
    """A town whose log is told of a witness that does not run yet, since it has to be told of the log's key."""

    town: Town
    folder: Path
    port: int
    vkey: str
    log_key: LogKey

    async def start(self) -> Running:
        return await started(environment(self.folder, self.port, self.log_key.vkey))

    async def head(self) -> str:
        return (await self.town.http.get(f"{self.town.plan.url}/v1/audit/checkpoint")).text

    async def seen(self) -> str:
        """What the witness itself shows."""
        place = hashlib.sha256(origin(self.town.plan).encode()).hexdigest()
        return (await self.town.http.get(f"http://127.0.0.1:{self.port}/{place}/checkpoint")).text

    def by_witness(self, note: str) -> bool:
        """Worked out without any code of ours."""
        name, key_id, coded = self.vkey.split("+", 2)
        text, _, lines = note.rpartition("\n\n")
        for line in lines.splitlines():
            _, signer, raw = line.split(" ")
            signature = base64.b64decode(raw)
            if (signer, signature[:4].hex()) == (name, key_id):
                at = int.from_bytes(signature[4:12])
                said = f"cosignature/v1\ntime {at}\n{text}\n".encode()
                Ed25519PublicKey.from_public_bytes(base64.b64decode(coded)[1:]).verify(signature[12:], said)
                return at > 0
        return False


@pytest.fixture(scope="module")
async def witnessed(kafka: str, postgres_server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Witnessed]:
    folder, port = tmp_path_factory.mktemp("witness"), free_port()
    first = await started(environment(folder, port, LogKey.generate("another.test").vkey))
    assert await first.end() == 0
    own = {"audit": {"COUNTERFOIL_AUDIT_WITNESSES": f"http://127.0.0.1:{port}|{first.vkey}"}}
    async with founded(tmp_path_factory.mktemp("town"), kafka, postgres_server, own=own) as town:
        ((_, secret),) = key_folder.each(town.plan.keys / "audit", "log")
        yield Witnessed(town, folder, port, first.vkey, LogKey(origin(town.plan), secret.reveal()))


def good(said: Said) -> Said:
    assert said.code == 0, said.err
    return said


def size(note: str) -> int:
    return checkpoints.parse(note).size


def rewritten(leaves: list[bytes], at: int) -> list[bytes]:
    """Another history, by somebody who has the log's key: one leaf is another, and all after it are made to fit."""
    found, last = leaves[:at], leaf_hash(leaves[at - 1])
    for place, leaf in enumerate(leaves[at:], at):
        members = json.loads(leaf) | {"prev": last.hex()} | ({"time": "2020-01-01T00:00:00.000000Z"} if place == at else {})
        found.append(canonical(members))
        last = leaf_hash(found[-1])
    return found


async def test_a_witness_vouches_for_the_one_log_and_for_no_other(witnessed: Witnessed, tmp_path: Path):
    town, cf = witnessed.town, Shell(StandIn(), witnessed.town.plan.url, {})
    keys = ("--log-key", witnessed.log_key.vkey, "-o", "json")
    named, proof, export, forked, seen = ("--witness", witnessed.vkey), *(str(tmp_path / name) for name in ("proof", "export", "fork", "seen"))

    # It is away: heads are published all the same, and nobody waits.
    lent = (await town.ask(scope="read")).json()

    async def published() -> bool:
        return size(await witnessed.head()) > int(lent["receipt"]["index"])

    await until(published)
    assert not witnessed.by_witness(await witnessed.head())
    assert b"a witness does not cosign, and is asked again" in town.logs()

    # It comes: the published head carries its word, and so do proofs of what was lent before.
    witness = await witnessed.start()

    async def cosigned() -> bool:
        return witnessed.by_witness(await witnessed.head())

    await until(cosigned)
    good(await cf("audit", "prove", lent["credential_id"], "-o", proof))
    held = json.loads(good(await cf("audit", "verify-proof", proof, *keys, *named, "--credential", lent["credential_id"])).out)
    stranger = await cf("audit", "verify-proof", proof, *keys, "--witness", WitnessKey.generate("witness.test/w1").vkey)
    assert held["witnessed_by"] == ["witness.test/w1"]
    assert (stranger.code, json.loads(stranger.out)["code"]) == (1, "not_witnessed")

    # It is killed and comes back, the log grows, and it goes on from what it remembers.
    await witness.end(signal.SIGKILL)
    before, witness = size(await witnessed.head()), await witnessed.start()
    await town.ask(scope="read")

    async def grown() -> bool:
        return size(await witnessed.head()) > before and await cosigned()

    await until(grown)

    async def quiet() -> bool:
        """What was begun has ended, and the witness has seen it: from here on the log is one."""
        was = size(await witnessed.head())
        await asyncio.sleep(publishing.EVERY + 1)
        return was == size(await witnessed.head()) == size(await witnessed.seen())

    assert size(await witnessed.seen()) > before
    await until(quiet)
    Path(seen).write_text(await witnessed.seen())
    good(await cf("audit", "export", "-o", export))
    assert json.loads(good(await cf("audit", "verify", export, *keys, *named, "--checkpoint", seen)).out)["witnessed"] == size(await witnessed.seen())

    # Whoever has the log's key signs another history: the witness refuses it, and a reader who names the witness finds it.
    leaves = [json.loads(line)["leaf"].encode() for line in Path(export).read_text().splitlines()[:-1]]
    other = rewritten(leaves, size(await witnessed.seen()) - 2)
    hashes = [leaf_hash(one) for one in other]
    note, old = witnessed.log_key.sign(origin(town.plan), len(other), root(hashes)), size(await witnessed.seen())
    refused = [await witness.add(body(old, consistency_path(old, hashes), note)), await witness.add(body(0, [], note))]
    Path(forked).write_text("\n".join([*(leaf_line(at, one.decode()) for at, one in enumerate(other)), head_line(note), ""]))
    trusting, asking = await cf("audit", "verify", forked, *keys), await cf("audit", "verify", forked, *keys, *named)
    comparing = await cf("audit", "verify", forked, *keys, *named, "--checkpoint", seen)

    assert [answer.status_code for answer in refused] == [422, 409]
    assert refused[1].text == f"{size(await witnessed.seen())}\n"
    assert trusting.code == 0
    assert (asking.code, json.loads(asking.out)["code"]) == (1, "not_witnessed")
    assert (comparing.code, json.loads(comparing.out)["code"]) in ((1, "fork"), (1, "wrong_root"))
    assert await witness.end() == 0
