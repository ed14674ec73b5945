"""The catalog as it lies in its folder: every provider there, by name. Nobody lists them."""

import importlib
import pkgutil
from collections.abc import Mapping

from services.providers import catalog
from services.providers.seam import Provider


def names() -> tuple[str, ...]:
    return tuple(sorted(module.name for module in pkgutil.iter_modules(catalog.__path__)))


def provider(name: str) -> Provider:
    """A fresh one, with connections of its own; `close` it."""
    made: Provider = importlib.import_module(f"services.providers.catalog.{name}").provider()
    return made


class Shelf:
    """One of each provider that a process needs, made when it is first asked for. `extra`: some that are in no catalog."""

    def __init__(self, extra: Mapping[str, Provider] | None = None) -> None:
        self._made: dict[str, Provider] = dict(extra or {})

    def provider(self, name: str) -> Provider | None:
        """None where the catalog has no such provider."""
        if name not in self._made:
            if name not in names():
                return None
            self._made[name] = provider(name)
        return self._made[name]

    def bare(self, name: str) -> bool:
        """Whether it can do without a root secret."""
        one = self.provider(name)
        return one is not None and not any(field.is_required() for field in one.root.model_fields.values())

    async def close(self) -> None:
        for one in self._made.values():
            await one.close()
