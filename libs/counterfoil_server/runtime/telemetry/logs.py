"""Logs: one JSON object a line on stdout, with an allow-list of fields. An error shows its type and where, never its text."""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Final

FIELDS: Final = frozenset(
    {
        "topic",
        "code",
        "reason",
        "group",
        "error",
        "offset",
        "partition",
        "count",
        "request_id",
        "credential_id",
        "connector",
        "revision",
        "issuer",
        "kid",
        "role",
        "instance",
        "seconds",
        "channel",
        "loop",
        "state",
        "port",
        "url",
        "cause",
        "outcome",
        "attempt",
        "size",
        "order_id",
    }
)
"""What may stand beside the message. Each is an id, a code or a number; none is taken from a token, a wish or a provider's answer."""


class Line(logging.Formatter):
    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: str(value) for name, value in vars(record).items() if name in FIELDS and name not in line and value is not None}
        if record.exc_info and record.exc_info[0]:
            frames = traceback.extract_tb(record.exc_info[2])[-4:]
            line["error"] = record.exc_info[0].__name__
            line["where"] = " < ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}:{frame.name}" for frame in reversed(frames))
        return json.dumps(line, ensure_ascii=False)


def install(service: str, level: str = "INFO") -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(Line(service))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # these print request lines, statements or record contents where they are let to
    for name in ("httpx", "httpcore", "asyncpg", "aiokafka", "faststream", "uvicorn.access", "urllib3", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
