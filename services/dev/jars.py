"""Kafka's jars: fetched once, and compared with our own list before every start."""

import asyncio
import hashlib
import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from services.dev.children import Children
from services.dev.folders import closed
from services.dev.spawn import Command
from services.dev.trouble import Say, Trouble

ROOT = Path(__file__).parents[2]
LIST = ROOT / "deploy" / "kafka" / "jars.txt"
KAFKA = "kafka-4.3.1"


def cache_folder() -> Path:
    """Where downloads are kept. COUNTERFOIL_CACHE lets several checkouts share one."""
    return Path(os.environ.get("COUNTERFOIL_CACHE") or ROOT / ".counterfoil" / "cache").absolute()


def listed(file: Path = LIST) -> dict[str, str]:
    """Name and sha256 of each jar that belongs to this Kafka."""
    lines = (line.split() for line in file.read_text().splitlines() if line and not line.startswith("#"))
    return {name: digest for digest, name in lines}


def check(folder: Path, wanted: dict[str, str]) -> None:
    """Java loads whatever lies in the folder, so it holds exactly the listed files, byte for byte."""
    found = {jar.name: jar for jar in folder.iterdir()}
    wrong = [f"{name} is missing" for name in wanted.keys() - found]
    wrong += [f"{name} does not belong there" for name in found.keys() - wanted]
    wrong += [f"{name} has another sha256 than listed" for name in wanted.keys() & found if _sha256(found[name]) != wanted[name]]
    if wrong:
        raise Trouble(f"Kafka's jars are not the ones in {LIST.name}: {'; '.join(sorted(wrong))}", f"delete {folder}, then run the command again.")


async def ready(children: Children, say: Say, cache: Path | None = None, wanted: dict[str, str] | None = None) -> Path:
    """The folder with the checked jars; fetched if it is not there yet."""
    wanted = wanted or listed()
    folder = (cache or cache_folder()) / "jars" / KAFKA
    if not folder.exists():
        await _fetch(children, say, folder, wanted)
    await asyncio.to_thread(check, folder, wanted)
    return folder


async def _fetch(children: Children, say: Say, folder: Path, wanted: dict[str, str]) -> None:
    """Into a draft, checked, then renamed: a run that is killed here leaves no half of it where the next one looks."""
    with tempfile.TemporaryDirectory(prefix="draft-", dir=closed(folder.parent)) as name:
        draft = Path(name)
        say(f"Fetching Kafka 4.3.1: {len(wanted)} jars, about 42 MB (once)")
        counting = asyncio.create_task(_count(draft / "maven", len(wanted), say))
        try:
            await children.finish(_command(draft))
        except Trouble as trouble:
            fix = f"check the network (HTTPS_PROXY is honoured) and run again, or set COUNTERFOIL_CACHE to a folder that has jars/{KAFKA}."
            raise Trouble(f"Kafka's jars could not be fetched: {trouble.what}", fix) from trouble
        finally:
            counting.cancel()
        check(draft / "jars", wanted)
        with suppress(OSError):  # another run was faster: its jars are checked as ours were
            (draft / "jars").rename(folder)


def _command(draft: Path) -> Command:
    env = {**os.environ, "HOME": str(draft), "XDG_CACHE_HOME": str(draft), "XDG_CONFIG_HOME": str(draft)}
    return Command("fetch-jars", (sys.executable, "-m", "services.dev.fetch_jars", str(draft)), env=env, cwd=ROOT, patience=900)


async def _count(folder: Path, total: int, say: Say) -> None:
    """Tell how far it is, every few seconds."""
    while True:
        await asyncio.sleep(3)
        say(f"  {len(list(folder.rglob('*.jar')))} of {total} jars, {shutil.disk_usage(folder.parent).free // 2**20} MB of disk left")


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
