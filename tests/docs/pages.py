"""The pages of the documentation: their links, their blocks of code, their tables, and the commands in them."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (*(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")), *sorted((ROOT / "docs").rglob("*.md")))
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
COMMAND = re.compile(r"\./counterfoil(?= )")
ENDS = frozenset({"|", "&", "&&", "||", ";", ")", ">", "<"})
SOME_ID = "6f1c7c0e-5d0a-5f0e-9a53-0d3c9c9d8f11"


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path, language: str) -> list[str]:
    return [text for found, text in BLOCK.findall(page.read_text()) if found == language]


def prose(page: Path) -> str:
    return BLOCK.sub("", page.read_text())


def links(page: Path) -> list[str]:
    """Those within the repository."""
    return [link for link in LINK.findall(prose(page)) if not re.match(r"[a-z]+:", link)]


def anchors(page: Path) -> set[str]:
    """As they are made of headings where Markdown is shown."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(prose(page))}


def rows(text: str) -> list[list[str]]:
    """Every row of every table, heads and rules left out."""
    lines = text.splitlines()
    found = []
    for place, line in enumerate(lines):
        below = lines[place + 1] if place + 1 < len(lines) else ""
        if line.startswith("|") and not line.startswith("|--") and not line.startswith("| --") and not below.startswith(("|--", "| --")):
            found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def section(page: Path, heading: str) -> str:
    """What stands under a heading, up to the next one of its level or above."""
    level = heading.partition(" ")[0]
    after = page.read_text().partition(f"\n{heading}\n")[2]
    return re.split(rf"^#{{1,{len(level)}}} ", after, maxsplit=1, flags=re.MULTILINE)[0]


def commands(block: str) -> Iterator[list[str]]:
    """The arguments of each `./counterfoil` in a block of shell, also of one that stands inside another. Substitutions become an id."""
    for line in block.replace("\\\n", " ").splitlines():
        for match in COMMAND.finditer(line):
            yield list(arguments(line[match.end() :]))


def arguments(rest: str) -> Iterator[str]:
    lexer = shlex.shlex(rest, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    for token in lexer:
        if token in ENDS or ENDS & set(token) == set(token):
            return
        yield SOME_ID if token.startswith("$") else token
