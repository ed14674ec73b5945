"""One child process: its log, its last words, its end."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from services.dev import pids
from services.dev.spawn import Command
from services.dev.trouble import Trouble


@dataclass(frozen=True, slots=True)
class Child:
    """One process that we started."""

    command: Command
    process: asyncio.subprocess.Process
    log: Path
    log_from: int

    def last_lines(self, most: int = 15) -> str:
        with self.log.open("rb") as log:
            log.seek(self.log_from)
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join(f"  | {line}" for line in lines[-most:]) or "  | (nothing)"

    def trouble(self, what: str) -> Trouble:
        return Trouble(f"{self.command.name} {what}. Its last lines:\n{self.last_lines()}", f"read {self.log}, then run the command again.")

    async def end(self) -> None:
        """Ask, wait, then kill."""
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.send_signal(self.command.stop)
            try:
                await asyncio.wait_for(self.process.wait(), pids.PATIENCE)
            except TimeoutError:
                self.kill()
                await self.process.wait()

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            self.process.kill()
