"""A container engine of these tests alone: podman, with its API for Compose. Needs root. Images are kept in the cache, all else goes with the run."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.dev.folders import closed
from services.dev.jars import cache_folder
from tests.containers.programs import needed
from tests.deploy.composed import ROOT

BASE = "localhost/counterfoil-base:1"
INSTALL = "apt-get install --no-install-recommends podman buildah runc mmdebstrap netavark aardvark-dns iptables catatonit"
CONTAINERS = """\
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
compat_api_enforce_docker_hub = false
"""
STORAGE = '[storage]\ndriver = "overlay"\ngraphroot = "{0}/graph"\nrunroot = "{1}/run"\n'
PASSED_ON = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CERT", "PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT")
"""How this machine reaches its package registry, for pip within a build."""


@dataclass(frozen=True)
class Engine:
    folder: Path

    @property
    def env(self) -> dict[str, str]:
        files = {"CONTAINERS_CONF": "containers.conf", "CONTAINERS_STORAGE_CONF": "storage.conf"}
        return {**os.environ, **{name: str(self.folder / file) for name, file in files.items()}}

    @property
    def socket(self) -> str:
        return f"unix://{self.folder}/podman.sock"

    def run(self, *argv: str, check: bool = True) -> str:
        done = subprocess.run(argv, env=self.env, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, f"{' '.join(argv)}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        return done.stdout

    def build(self, context: Path, dockerfile: Path, tag: str, **arguments: str) -> None:
        """With the authorities that this machine trusts, and its way to a registry, neither of which stays in the image."""
        given = [f"--build-arg={name}={value}" for name, value in {"BASE": BASE, **arguments}.items()]
        trusted = [f"--volume={path}:{path}:ro" for path in ("/etc/ssl/certs",) if Path(path).is_dir()]
        pip = [f"--volume={self.folder}/pip.conf:/etc/pip.conf:ro"]
        options = ("--isolation=chroot", "--network=host", "--layers", "--pull-never", f"--file={dockerfile}", f"--tag={tag}")
        self.run("buildah", "bud", *options, *given, *trusted, *pip, str(context))

    def containers(self) -> Mapping[str, str]:
        """Name to id, of those that run and have a health check."""
        found = self.run("podman", "ps", "--format", "{{.Names}} {{.ID}}", check=False).split()
        return dict(zip(found[::2], found[1::2], strict=True))

    async def tend(self) -> None:
        """There is no systemd whose timers would ask for their health."""
        while True:
            for one in self.containers().values():
                await asked(self, one)
            await asyncio.sleep(1)

    def remove(self) -> None:
        self.run("podman", "rm", "--all", "--force", "--time", "0", check=False)
        self.run("podman", "network", "prune", "--force", check=False)
        self.run("podman", "volume", "prune", "--force", check=False)


async def asked(engine: Engine, container: str) -> None:
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec("podman", "healthcheck", "run", container, env=engine.env, stdout=quiet, stderr=quiet)
    with suppress(asyncio.CancelledError):
        await process.wait()
        return
    process.kill()
    raise asyncio.CancelledError


def made(folder: Path) -> Engine:
    """Skips where this machine has no engine, or may not run one."""
    if os.geteuid() != 0:
        pytest.skip("only root can run these containers here")
    for name in ("podman", "buildah", "runc", "mmdebstrap"):
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not on this machine: {INSTALL}")
    (folder / "containers.conf").write_text(CONTAINERS)
    (folder / "storage.conf").write_text(STORAGE.format(closed(cache_folder() / "images"), folder))
    (folder / "pip.conf").write_text(
        "[global]\n" + "".join(f"{name[4:].lower().replace('_', '-')} = {os.environ[name]}\n" for name in PASSED_ON if name in os.environ)
    )
    engine = Engine(folder)
    if not engine.run("podman", "images", "--quiet", BASE):
        engine.run("podman", "import", "--quiet", str(base()), BASE)
    engine.remove()  # what a killed run left
    return engine


def base() -> Path:
    """A Debian of its own packages, since no image can be pulled everywhere: what python:3.11-slim-bookworm is made of."""
    file = closed(cache_folder() / "images") / "base.tar"
    if not file.exists():
        draft = file.with_suffix(".draft.tar")
        packages = "--include=ca-certificates,python3,python3-venv"
        done = subprocess.run(
            [needed("mmdebstrap"), "--variant=minbase", packages, "bookworm", str(draft)], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            pytest.skip("mmdebstrap: Debian's packages cannot be fetched here")
        draft.rename(file)
    return file


@asynccontextmanager
async def serving(engine: Engine) -> AsyncIterator[None]:
    """The API that Compose speaks."""
    process = await asyncio.create_subprocess_exec("podman", "system", "service", "--time=0", engine.socket, env=engine.env)
    tending = asyncio.create_task(engine.tend())
    try:
        yield
    finally:
        tending.cancel()
        await asyncio.gather(tending, return_exceptions=True)
        engine.remove()
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def composing(engine: Engine, compose: Path, env: Mapping[str, str], *arguments: str, files: Sequence[Path]) -> str:
    pipe, joined = asyncio.subprocess.PIPE, asyncio.subprocess.STDOUT
    named = [part for file in files for part in ("--file", str(file))]
    argv = (str(compose), "--progress=plain", *named, *arguments)
    process = await asyncio.create_subprocess_exec(
        *argv, cwd=ROOT, env={**engine.env, **env, "DOCKER_HOST": engine.socket}, stdout=pipe, stderr=joined
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()[-4000:]
    return said.decode()
