"""`python -m deploy.generate [--check]`: what contracts, providers and doors generate. `--check` writes nothing, and fails where a file is stale."""

import argparse
import difflib
import json
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from counterfoil.contracts import TOPICS
from deploy import acls_page, acls_script, asyncapi, catalog, cli_page, metrics_page, openapi, providers_page, topics_page
from deploy.boards.every import boards
from deploy.compatibility import breaking
from deploy.schemas import of_registry, of_topics
from deploy.topology import ROOT, everyone

Texts = Mapping[str, str]
SCHEMAS, OPENAPI = "schemas", "schemas/openapi.json"
REFUSED = """A breaking change within a major version is refused:

{breaks}

What lies on a topic, or in an app that nobody updates, is still of the older shape. Give the topic a new major version (`version=` of its TOPIC), or
make the change one that older bytes and older readers survive: a new member, optional. (Only what no release has carried yet may be changed by
deleting its schema first.)
"""


def generated(root: Path = ROOT) -> Texts:
    """By path from the root."""
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    schemas = {f"{SCHEMAS}/{path}": dumped(schema) for path, schema in (*of_topics(TOPICS).items(), *of_registry().items())}
    return {
        **schemas,
        "docs/asyncapi.json": dumped(asyncapi.document(everyone(), version)),
        "docs/reference/topics.md": topics_page.page(),
        cli_page.WHERE: cli_page.page(root),
        "docs/reference/acls.md": acls_page.page(),
        metrics_page.WHERE: metrics_page.page(),
        providers_page.WHERE: providers_page.page(),
        **{path: dumped(board) for path, board in boards().items()},
        "deploy/kafka/acls.sh": acls_script.script(),
        "services/gateway/providers.json": dumped(catalog.document()),
        OPENAPI: dumped(openapi.document()),
    }


def dumped(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def committed(root: Path, texts: Texts) -> Texts:
    """What lies there now: the same paths, and schemas that nothing generates any more."""
    paths = {*texts, *(path.relative_to(root).as_posix() for path in (root / SCHEMAS).rglob("*.json"))}
    return {path: (root / path).read_text() for path in sorted(paths) if (root / path).is_file()}


def breaks(old: Texts, new: Texts) -> list[str]:
    """What the new schemas break in the committed ones, by file. One that is gone breaks whoever reads its kind."""
    majors = {path.split("/")[1] for path in new if path.startswith(f"{SCHEMAS}/") and path != OPENAPI}
    found = []
    for path in sorted(path for path in old if path.startswith(f"{SCHEMAS}/") and path != OPENAPI):
        if path in new:
            found += [f"  {path}: {line}" for line in breaking(json.loads(old[path]), json.loads(new[path]))]
        elif path.split("/")[1] in majors or not any(follows(path.split("/")[1], other) for other in majors):
            found.append(f"  {path}: nothing carries it any more")
    return found


def follows(older: str, newer: str) -> bool:
    """`exchange.minted.v2` follows `exchange.minted.v1`, whose schemas stay: its facts are kept for a while."""
    (name, _, major), (other, _, later) = older.rpartition(".v"), newer.rpartition(".v")
    return bool(name) and name == other and int(later) > int(major)


def difference(old: Texts, new: Texts) -> Iterable[str]:
    for path in sorted(new):
        if old.get(path) != new[path]:
            before, after = old.get(path, "").splitlines(keepends=True), new[path].splitlines(keepends=True)
            yield from difflib.unified_diff(before, after, f"{path} (committed)", f"{path} (generated)", n=2)


def write(root: Path, old: Texts, new: Texts) -> list[str]:
    changed = [path for path in sorted(new) if old.get(path) != new[path]]
    for path in changed:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(new[path])
    return changed


def run(root: Path, new: Texts, *, check: bool) -> int:
    old = committed(root, new)
    if found := breaks(old, new):
        sys.stderr.write(REFUSED.format(breaks="\n".join(found)))
        return 1
    if not check:
        sys.stdout.writelines(f"{path}\n" for path in write(root, old, new))
        return 0
    stale = list(difference(old, new))
    sys.stdout.writelines(stale)
    if stale:
        sys.stderr.write("ERROR: generated files are stale.\n  What to do: run `make docs`, and commit what it changes.\n")
    return 1 if stale else 0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a committed file is stale")
    return run(ROOT, generated(), check=parser.parse_args(arguments).check)


if __name__ == "__main__":
    sys.exit(main())
