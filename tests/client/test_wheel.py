"""What `pip install .` brings: the package `counterfoil`, typed, and nothing of the services. Offline: nothing is fetched."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.real  # for the time that building takes
ROOT = Path(__file__).parents[2]
TREE = ("pyproject.toml", "README.md", "LICENSE")
IMPORTS = """
import importlib.util, sys
from counterfoil import App, Client, User
import counterfoil, counterfoil.sync
assert counterfoil.__file__.startswith(sys.argv[1]), counterfoil.__file__
print([name for name in ("services", "counterfoil_server", "deploy", "tests") if importlib.util.find_spec(name)])
print(repr(Client("https://exchange.example", "a.b.c").url), counterfoil.sync.Client("https://exchange.example", "a.b.c").url, App(), User("u-1"))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: setuptools leaves its own files in the tree that it builds."""
    tree, out = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("wheel")
    for name in TREE:
        (tree / name).write_bytes((ROOT / name).read_bytes())
    for folder in ("libs", "services"):
        for file in (ROOT / folder).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts and not any(part.endswith(".egg-info") for part in file.parts):
                copy = tree / file.relative_to(ROOT)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(file.read_bytes())
    pip(["wheel", "--no-deps", "--no-build-isolation", "-w", str(out), str(tree)])
    (found,) = out.glob("*.whl")
    return found


def pip(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_holds_the_package_and_nothing_of_the_services(wheel: Path):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}

    assert {top for top in tops if not top.endswith(".dist-info")} == {"counterfoil"}
    assert {"counterfoil/py.typed", "counterfoil/sync.py", "counterfoil/client/client.py", "counterfoil/cli/main.py"} <= set(names)


def test_it_has_every_module_of_the_package(wheel: Path):
    libs = ROOT / "libs"
    wanted = {file.relative_to(libs).as_posix() for file in (libs / "counterfoil").rglob("*.py")}

    assert wanted <= set(zipfile.ZipFile(wheel).namelist())


def test_it_asks_for_the_libraries_of_a_client_and_no_more(wheel: Path):
    package = zipfile.ZipFile(wheel)
    (metadata,) = (package.read(name).decode() for name in package.namelist() if name.endswith(".dist-info/METADATA"))
    needed = {line.split()[1].partition("~")[0] for line in metadata.splitlines() if line.startswith("Requires-Dist:") and "extra" not in line}

    assert needed == {"pydantic", "httpx", "cryptography", "rfc8785"}


def test_it_is_imported_from_where_it_was_installed_without_any_of_its_dependencies(wheel: Path, tmp_path: Path):
    """Without site-packages (-S, -I): what is not used is not asked for."""
    place = tmp_path / "site"
    pip(["install", "--no-deps", "--no-index", "--no-compile", "--target", str(place), str(wheel)])
    program = f"import sys; sys.path.insert(0, {str(place)!r})\n{IMPORTS}"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program, str(place)], check=False, capture_output=True, text=True, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "[]"
