"""A real MCP server (FastMCP) for the tests of mcp: `python notes.py <port>`, in the environment of requirements/mcp.txt."""

import sys

from fastmcp import FastMCP
from fastmcp.server.auth.providers.in_memory import InMemoryOAuthProvider
from mcp.server.auth.settings import ClientRegistrationOptions, RevocationOptions

SCOPES = ["notes.read", "notes.write"]


def note() -> str:
    return "a note"


port = int(sys.argv[1])
registration = ClientRegistrationOptions(enabled=True, valid_scopes=SCOPES, default_scopes=SCOPES[:1])
auth = InMemoryOAuthProvider(
    base_url=f"http://127.0.0.1:{port}",
    client_registration_options=registration,
    revocation_options=RevocationOptions(enabled=True),
    required_scopes=SCOPES[:1],
)
server = FastMCP("notes", auth=auth)
server.tool(note)
server.run(transport="http", host="127.0.0.1", port=port, show_banner=False)
