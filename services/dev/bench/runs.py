"""Several runs of one load as figures: rate, latency, failures, and whose CPU it was."""

from collections.abc import Sequence
from statistics import median

from services.dev.bench.figures import Figure
from services.dev.bench.loading import BESIDE, PARTS, Measured

IDLE = ("revoke", "revoker")
"""Not on an exchange's way: what they use is what time costs, shared out."""


def beside(runs: Sequence[Measured], batches: dict[str, float] | None = None) -> str:
    found = [f"p50 {median(run.p50 for run in runs):.1f} ms, p99 {median(run.p99 for run in runs):.1f} ms"]
    if batches:
        found.append("batches " + ", ".join(f"{stage} {size:.0f}" for stage, size in batches.items()))
    failed = {code: sum(run.failed.get(code, 0) for run in runs) for run in runs for code in run.failed}
    if failed:
        found.append("failed " + ", ".join(f"{code} {count}" for code, count in failed.items()))
    return "; ".join(found)


def rate(name: str, runs: Sequence[Measured], least: float | None = None, batches: dict[str, float] | None = None) -> Figure:
    rates = [run.rate for run in runs]
    more = {
        "p50_ms": median(run.p50 for run in runs), "p99_ms": median(run.p99 for run in runs), "batches": batches or {},
        "done": sum(run.done for run in runs), "failed": sum(sum(run.failed.values()) for run in runs),
    }  # fmt: skip
    return Figure(name, median(rates), "/s", least=least, runs=rates, beside=beside(runs, batches), more=more)


def cpu(name: str, runs: Sequence[Measured], most: float | None) -> Figure:
    """Milliseconds of our processes for each exchange; the client's, Kafka's and PostgreSQL's beside it."""
    ours = [run.ours / 1000 for run in runs]
    each = {part: median(run.cpu[part] for run in runs) for part in runs[0].cpu if part not in BESIDE}
    said = ", ".join(f"{part} {micros:.0f}" for part, micros in sorted(each.items(), key=lambda one: -one[1]) if part not in (*PARTS, "client"))
    said = f"us: {said}; beside: Kafka {each['kafka']:.0f}, PostgreSQL {each['postgres']:.0f}, client {each['client']:.0f}"
    return Figure(name, median(ours), "ms", most=most, runs=ours, beside=said, more={"micros": each})
