"""A new issuer on the whole town: unknown, then declared by `issuer add`, then used, then removed again."""

import json
from pathlib import Path
from typing import Any

from services.dev.issuer import LocalIssuer
from services.dev.signer import Signer
from tests.cli.shell import CLEAN, Shell
from tests.cli.stand_in import StandIn
from tests.support.issuer import running
from tests.support.town import Town
from tests.support.waiting import until

SECOND = {"team": {"name": "web"}, "owner": "7", "sub": "job-1"}


async def answer(town: Town, token: str) -> Any:
    return (await town.ask(token)).json()


async def test_a_preset_lets_its_platform_in_for_as_long_as_it_stands(town: Town, tmp_path: Path):
    sh = Shell(StandIn(), town.plan.url, {"HOME": CLEAN["HOME"]})
    async with running(LocalIssuer(Signer(tmp_path), town.plan.url)) as url:
        issuer = LocalIssuer(Signer(tmp_path), town.plan.url, url)
        assert (await answer(town, issuer.sign(SECOND)))["code"] == "unknown_issuer"

        added = await sh(
            "issuer", "add", "second", "--kind", "generic", "--issuer", url, "--pin", "owner=7", "--project-claim", "/team/name",
            "--environment", "production",
        )  # fmt: skip
        assert added.code == 0, added.err

        async def lent() -> bool:
            return "credential_id" in await answer(town, issuer.sign(SECOND))

        await until(lent)
        assert (await answer(town, issuer.sign(SECOND | {"owner": "8"})))["code"] == "unmapped"
        sh.env = {"COUNTERFOIL_ID_TOKEN": issuer.sign(SECOND)}
        seen = json.loads((await sh("whoami", "--verbose", "-o", "json")).out)
        assert (seen["gateway"]["project"], seen["rule"]["because"]) == ("web", "not_allowed")

        sh.env = {"HOME": CLEAN["HOME"]}
        assert (await sh("issuer", "remove", "second", "--yes")).code == 0

        async def unknown() -> bool:
            return bool((await answer(town, issuer.sign(SECOND))).get("code") == "unknown_issuer")

        await until(unknown)
