"""The witness process: of a log that others run, it cosigns each head that continues the one before. No Kafka, no database, no server of ours."""

import contextlib
import logging
import os
import signal
import time
from collections.abc import Iterator

import uvicorn

from services.witness.doors import application
from services.witness.key_file import opened
from services.witness.logs import install
from services.witness.memory import Memory, Unusable
from services.witness.own_settings import BadSetting, OwnSettings
from services.witness.witness import Witness

log = logging.getLogger("counterfoil.witness")
BACKLOG = 128


class Server(uvicorn.Server):
    """Ends well where it is asked to end: uvicorn itself would raise the signal once more."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.handle_exit)
        yield


def server(own: OwnSettings) -> Server:
    memory = Memory(own.state)
    key = opened(own.name, own.key, memory)
    log.info("started", extra={"kid": key.vkey, "port": own.port})  # the vkey is what readers and the log are told to know it by
    app = application(Witness(key, own.logs, memory, time.time), memory, own.logs)
    return Server(
        uvicorn.Config(
            app, host=own.host, port=own.port, log_config=None, access_log=False, http="httptools", ws="none", lifespan="off", server_header=False,
            timeout_graceful_shutdown=3, limit_concurrency=200, timeout_keep_alive=30, backlog=BACKLOG, h11_max_incomplete_event_size=16384,
        )
    )  # fmt: skip


def main() -> None:
    install("INFO")
    try:
        own = OwnSettings.read(os.environ)
        install(own.log_level)
        server(own).run()
    except (BadSetting, Unusable) as error:
        log.critical("ended", extra={"reason": str(error)})
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
