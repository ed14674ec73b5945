"""GET /v1/audit/tlog/...: the log as C2SP tlog-tiles has it, for monitors and witnesses that were not written for us.

https://c2sp.org/tlog-tiles
"""

from starlette.requests import Request
from starlette.responses import Response

from counterfoil.wire.tiles import BadTile, Tile
from counterfoil_server.runtime.store.database import Pool
from counterfoil_server.runtime.store.tiles import Tiles
from services.gateway.answering import NO_STORE
from services.gateway.operators import Operators
from services.gateway.problems import Problem
from services.gateway.query import parameters
from services.gateway.v1_audit_head import made, published

OCTETS = "application/octet-stream"
FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
"""A tile of a width, once it is there, never becomes another."""
LONGEST = 2**16 - 1
SPELLING = "a tile's address is <level>/<N>[.p/<W>], and N three digits to a part: 67 is 067, 1234067 is x001/x234/067"


class TlogDoor:
    def __init__(self, operators: Operators, db: Pool) -> None:
        self._operators, self._db, self._tiles = operators, db, Tiles(db)

    async def tile(self, request: Request) -> Response:
        wanted = await self._asked(request, request.path_params["level"])
        found = await made(self._tiles.tile(wanted.level, wanted.index, wanted.width))
        return Response(found, media_type=OCTETS, headers=FOR_EVER)

    async def entries(self, request: Request) -> Response:
        """What was recorded is for who may read it, and for no cache."""
        await self._operators.demand(request, "read_audit")
        wanted = await self._asked(request, "0")
        leaves = await made(self._tiles.entries(wanted.index, wanted.width))
        if (longest := max(map(len, leaves))) > LONGEST:
            raise Problem("no_bundle", f"one of these leaves has {longest} bytes, and an entry bundle has room for {LONGEST}")
        return Response(b"".join(len(leaf).to_bytes(2) + leaf for leaf in leaves), media_type=OCTETS, headers=NO_STORE)

    async def _asked(self, request: Request, level: str) -> Tile:
        parameters(request, ())
        try:
            wanted = Tile.parse(level, request.path_params["tile"])
        except BadTile:
            raise Problem("malformed_request", SPELLING) from None
        head = await published(self._db)
        if not wanted.within(head.signed):
            raise Problem("beyond_log", f"the newest checkpoint has {head.signed} leaves, and that tile is not full, or not as wide, in it")
        return wanted
