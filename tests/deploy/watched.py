"""A real collector and a real Prometheus, with our files but for ports and patience: what is sent to one is asked of the other."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from services.dev.ports import HOST, free_port
from tests.containers import programs
from tests.containers.prometheus import program
from tests.deploy.composed import ROOT

SCRAPED = "1s"


@dataclass(frozen=True)
class Stand:
    otlp: str
    prometheus: str

    def asked(self, path: str, **parameters: str) -> Any:
        answer = httpx.get(f"{self.prometheus}/api/v1/{path}", params=parameters, trust_env=False).json()
        assert answer["status"] == "success", answer.get("error")
        return answer["data"]

    def ready(self) -> bool:
        try:
            up = self.asked("query", query='up{job="counterfoil"} == 1')["result"]
        except (httpx.HTTPError, ValueError):
            return False
        return bool(up)

    def names(self) -> set[str]:
        return set(self.asked("label/__name__/values"))

    def values(self, query: str) -> list[Any]:
        return list(self.asked("query", query=query)["result"])


def collecting(folder: Path, otlp: int, scraped: int) -> Path:
    text = (ROOT / "deploy/otel/collector.yaml").read_text()
    for old, new in ((f"0.0.0.0:{port}", f"{HOST}:{ours}") for port, ours in ((4318, otlp), (9464, scraped))):
        assert old in text
        text = text.replace(old, new)
    text = text.replace("metrics_flush_interval: 10s", f"metrics_flush_interval: {SCRAPED}").replace("decision_wait: 10s", "decision_wait: 1s")
    text = text.replace("endpoint: ${env:OTLP_ENDPOINT}", "endpoint: ${env:OTLP_ENDPOINT}\n    compression: none")  # as the tests' receiver reads it
    (folder / "collector.yaml").write_text(text.replace("    logs: {level: warn}", "    logs: {level: warn}\n    metrics: {level: none}"))
    return folder / "collector.yaml"


def scraping(folder: Path, scraped: int) -> Path:
    text = (ROOT / "deploy/prometheus/prometheus.yaml").read_text().replace("10s", SCRAPED).replace("collector:9464", f"{HOST}:{scraped}")
    (folder / "prometheus.yaml").write_text(text)
    (folder / "rules.yaml").write_text((ROOT / "deploy/prometheus/rules.yaml").read_text())
    return folder / "prometheus.yaml"


@contextmanager
def running(log: Path, *argv: str, env: Mapping[str, str]) -> Iterator[None]:
    with log.open("w") as file, subprocess.Popen(argv, stdout=file, stderr=file, env={"PATH": os.environ["PATH"], **env}) as process:
        try:
            yield
        finally:
            process.kill()  # asked to end, the collector would first hand on what it has, to a test that no longer listens
            process.wait()


@contextmanager
def watching(folder: Path, onward: str) -> Iterator[Stand]:
    """Skips where one of the two cannot be had."""
    collector, prometheus = programs.collector(), program("prometheus")
    otlp, scraped, asked = free_port(), free_port(), free_port()
    options = (f"--config.file={scraping(folder, scraped)}", f"--web.listen-address={HOST}:{asked}", f"--storage.tsdb.path={folder}/data",
               "--enable-feature=exemplar-storage")  # fmt: skip
    config = f"--config={collecting(folder, otlp, scraped)}"
    with (
        running(folder / "collector.log", str(collector), config, env={"OTLP_ENDPOINT": onward}),
        running(folder / "prometheus.log", str(prometheus), *options, env={}),
    ):
        yield Stand(f"http://{HOST}:{otlp}", f"http://{HOST}:{asked}")
