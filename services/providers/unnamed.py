"""What is alike at every provider where nothing that is lent has a name of ours."""

from collections.abc import Mapping
from uuid import UUID

from services.providers.seam import Handle, Root


class Unnamed:
    """To build on. Nothing can be found again, nothing can be listed, nothing is left behind, and nothing is kept open."""

    def handle(self, credential_id: UUID) -> None:  # noqa: ARG002
        return None

    async def alive(self, config: Mapping[str, object], root: Root) -> Mapping[UUID, Handle]:  # noqa: ARG002
        return {}

    async def sweep(self, config: Mapping[str, object], root: Root) -> int:  # noqa: ARG002
        return 0

    async def close(self) -> None:
        return None
