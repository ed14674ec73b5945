"""The script a browser loads: what others wrote is as they wrote it, all of it is small, and nothing in a template needs what the policy forbids."""

import hashlib
import re

import pytest

from services.console.assets import STATIC, assets
from services.console.rendering import TEMPLATES

LARGEST = 45 * 1024
NEEDS_EVAL = re.compile(
    r"""hx-on[:\w-]*=|hx-(?:vals|headers|confirm)[:\w]*=["']\s*js:|hx-trigger=["'][^"']*\[|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)"""
)
FILES = sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html"))


def test_what_others_wrote_is_as_they_wrote_it():
    said = dict(re.findall(r"\| `([\w.-]+\.js)` \|.*\| `([0-9a-f]{64})` \|", (STATIC / "vendor" / "README.md").read_text()))

    assert set(said) == {path.name for path in (STATIC / "vendor").glob("*.js")}
    for name, digest in said.items():
        assert hashlib.sha256((STATIC / "vendor" / name).read_bytes()).hexdigest() == digest


def test_all_script_is_small():
    assert len(assets()["script"].zipped) < LARGEST


def test_script_names_no_other_host():
    own = b"".join(path.read_bytes() for path in (STATIC / "own").iterdir())

    assert re.findall(rb"https?://", own) == []


@pytest.mark.parametrize("file", FILES)
def test_a_template_needs_nothing_that_the_policy_forbids(file: str):
    text = (TEMPLATES / file).read_text()

    assert NEEDS_EVAL.findall(text) == []
    assert "|safe" not in text.replace(" ", "")
    assert re.findall(r"(?:src|href)=[\"'](?:https?:)?//", text) == []


@pytest.mark.parametrize(
    "text",
    [
        '<a hx-on:click="x()">',
        "<a hx-vals='js:{a: 1}'>",
        '<a hx-trigger="click[x]">',
        '<p style="left: 5%">',
        '<p onclick="x()">',
        "<script>x()</script>",
    ],
)
def test_what_is_forbidden_is_found(text: str):
    assert NEEDS_EVAL.search(text)
