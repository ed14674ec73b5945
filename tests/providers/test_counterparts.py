"""What stands opposite the providers: pinned, and running on the Node of the wheel."""

import json
import re

import httpx

from tests.support.node import COUNTERPARTS, Node

LOCK = json.loads((COUNTERPARTS / "package-lock.json").read_text())
WANTED = json.loads((COUNTERPARTS / "package.json").read_text())["dependencies"]
ECHO = "require('http').createServer((_, answer) => answer.end(process.version + process.env.SAYS)).listen(process.argv[2], '127.0.0.1')"


def test_each_counterpart_is_wanted_in_one_version():
    assert set(WANTED) >= {"@cloud-copilot/iam-simulate", "emulate", "@stoplight/prism-cli", "@octokit/openapi", "oidc-provider"}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in WANTED.values())


def test_every_package_is_locked_by_its_hash_and_names_no_place():
    packages = {path: package for path, package in LOCK["packages"].items() if path}

    assert len(packages) > 100
    assert [path for path, package in packages.items() if not package["integrity"].startswith("sha512-") or "resolved" in package] == []


async def test_a_program_runs_on_the_node_of_the_wheel(node: Node):
    (program := node.folder / "echo.cjs").write_text(ECHO)

    url = await node.start(str(program), "{port}", SAYS=" on {port}")

    async with httpx.AsyncClient(trust_env=False) as http:
        version, _, port = (await http.get(url)).text.partition(" on ")
    assert version.startswith("v24.")
    assert url.endswith(f":{port}")
