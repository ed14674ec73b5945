"""What `make up` reads from its environment: ports, and servers to use instead of our own."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from counterfoil.wire.kafka import Connection
from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.settings import connection
from services.dev.ports import taken
from services.dev.town import MODULES
from services.dev.trouble import Trouble

PORTS = {
    "gateway-http": 8484,
    "issuer": 8485,
    "console-http": 8486,
    "console-otlp": 8487,
    "kafka": 8492,
    "kafka-controller": 8493,
    "postgres": 8432,
} | {role: 8500 + place for place, role in enumerate(MODULES)}
KAFKA_ACCESS = ("COUNTERFOIL_KAFKA_USERNAME", "COUNTERFOIL_KAFKA_PASSWORD", "COUNTERFOIL_KAFKA_TLS", "COUNTERFOIL_KAFKA_CA")


def variable(name: str) -> str:
    """The gateway's is the one that people set; each service has a port for its health page."""
    if name == "gateway-http":
        return "COUNTERFOIL_PORT"
    return f"COUNTERFOIL_{name.removesuffix('-http').upper().replace('-', '_')}_{'HEALTH_PORT' if name in MODULES else 'PORT'}"


def named(name: str) -> str:
    return f"the health page of {name}" if name in MODULES else name.removesuffix("-http").replace("-", "'s ")


@dataclass(frozen=True)
class Settings:
    ports: Mapping[str, int]
    prefix: str
    kafka: str | None
    postgres: Secret | None
    kafka_access: Mapping[str, str] = field(repr=False)

    @classmethod
    def read(cls, env: Mapping[str, str]) -> "Settings":
        dsn = env.get("COUNTERFOIL_POSTGRES")
        return cls(
            ports=ports(env),
            prefix=env.get("COUNTERFOIL_PREFIX", "counterfoil"),
            kafka=env.get("COUNTERFOIL_KAFKA") or None,
            postgres=Secret(dsn) if dsn else None,
            kafka_access={name: env[name] for name in KAFKA_ACCESS if name in env},
        )

    def connection(self) -> Connection:
        """To the Kafka that the settings name."""
        return connection({**self.kafka_access, "COUNTERFOIL_KAFKA": self.kafka or "", "COUNTERFOIL_PREFIX": self.prefix})

    def used(self) -> dict[str, int]:
        """The ports that this run itself listens on."""
        others = ({"kafka", "kafka-controller"} if self.kafka else set()) | ({"postgres"} if self.postgres else set())
        return {name: port for name, port in self.ports.items() if name not in others}

    def need_free(self) -> None:
        """All at once, before anything starts: whoever has to choose another port chooses once."""
        wrong = [
            f"port {port} is taken; {named(name)} needs it, or another: {variable(name)}=<port>" for name, port in self.used().items() if taken(port)
        ]
        if wrong:
            raise Trouble("\n  ".join(wrong), "end what listens there, or set what is named.")


def ports(env: Mapping[str, str]) -> dict[str, int]:
    found = {name: port(env, variable(name), usual) for name, usual in PORTS.items()}
    by_port: dict[int, str] = {}
    for name, number in found.items():
        if number in by_port:
            raise Trouble(f"{variable(name)} and {variable(by_port[number])} are both {number}", "give each its own.")
        by_port[number] = name
    return found


def port(env: Mapping[str, str], name: str, usual: int) -> int:
    text = env.get(name) or str(usual)
    if not text.isdecimal() or not 0 < int(text) < 2**16:
        raise Trouble(f"{name} is no port", f"set it to a number from 1 to 65535, such as {usual}.")
    return int(text)
