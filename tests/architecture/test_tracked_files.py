"""What no file that git has may hold: a registry's host, a path of one machine, a requirement without its hash."""

import re
from collections.abc import Iterator

import pytest

from tests.architecture.source import ROOT, tracked

HOSTS = (
    "pypi|org", "pythonhosted|org", "npmjs|org", "npmjs|com", "yarnpkg|com", "maven|org", "maven.apache|org", "maven.google|com",
    "crates|io", "rubygems|org", "proxy.golang|org", "docker|io", "docker|com", "ghcr|io", "quay|io", "gcr|io", "pkg|dev", "mcr.microsoft|com",
    "gallery.ecr|aws", "conda|io", "anaconda|org", "jfrog|io", "sonatype|org", "pkg.github|com",
)  # fmt: skip
"""With a bar for the last dot, so that this file passes its own test."""
REGISTRY = re.compile(r"(?<![\w-])(?:[\w-]+\.)*(?:" + "|".join(re.escape(host.replace("|", ".")) for host in HOSTS) + r")(?![\w-])", re.IGNORECASE)
MACHINE = re.compile(r"(?<![\w.:/~$}{)-])/(?:work|root|home|Users)/[\w.-]+")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}(?: |$)")
PINNED = re.compile(r"^[a-z0-9]([a-z0-9._-]*[a-z0-9])?(\[[a-z0-9,_-]+\])?==\S+")


def texts() -> Iterator[tuple[str, str]]:
    for path in tracked():
        try:
            yield path, (ROOT / path).read_text()
        except UnicodeDecodeError:
            continue


def found(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path}:{number}: {hit[0]}" for path, text in texts() for number, line in enumerate(text.splitlines(), 1) if (hit := pattern.search(line))
    ]


def test_no_file_names_a_registry():
    assert found(REGISTRY) == []


def test_no_file_names_a_path_of_one_machine():
    assert found(MACHINE) == []


@pytest.mark.parametrize("host", HOSTS)
def test_a_registry_is_recognised(host: str):
    name = host.replace("|", ".")

    assert REGISTRY.search(f"see https://files.{name}/simple for it")
    assert REGISTRY.search(name.upper())
    assert not REGISTRY.search(f"not{name}")


@pytest.mark.parametrize("path", ["/work/" + "main", "/root/" + ".cache", "/home/" + "ada/x", "/Users/" + "ada"])
def test_a_path_of_one_machine_is_recognised(path: str):
    assert MACHINE.search(f'cwd = "{path}"')
    assert MACHINE.search(path)


def requirements(text: str) -> list[str]:
    """One requirement with its continuation lines each."""
    return [line for line in text.replace("\\\n", " ").splitlines() if line.strip() and not line.strip().startswith("#")]


def unpinned(text: str) -> list[str]:
    return [line for line in requirements(text) if not (HASH.search(line) and PINNED.match(line))]


def test_there_are_locks():
    assert {path.stem for path in (ROOT / "requirements").glob("*.txt")} >= {"gateway", "verifier", "policy", "providers", "audit", "revoker", "test"}


@pytest.mark.parametrize("path", sorted(path for path in tracked() if path.startswith("requirements/")))
def test_every_requirement_has_its_version_and_its_hashes(path: str):
    assert requirements((ROOT / path).read_text())
    assert unpinned((ROOT / path).read_text()) == []


@pytest.mark.parametrize("line", ["httpx==0.28.1", "httpx>=0.28 --hash=sha256:" + "a" * 64, "--index-url https://index.example", "-e .", "httpx"])
def test_a_requirement_without_is_refused(line: str):
    assert unpinned(line) == [line]
