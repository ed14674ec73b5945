"""GitHub Actions: https://docs.github.com/en/actions/reference/security/oidc."""

from counterfoil.client.ambient.asking import answer, member
from counterfoil.client.ambient.source import Around, Failed, Source, unset
from counterfoil.wire.secret import Secret

URL, BEARER = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
PERMISSION = "add `permissions: id-token: write` to the job (a pull request from a fork never gets one)"


async def token(around: Around, audience: str) -> Secret:
    url, bearer = around.env.get(URL), around.env.get(BEARER)
    if not url or not bearer:
        raise Failed(f"{BEARER if url else URL} is missing", PERMISSION)
    import httpx  # noqa: PLC0415 only what is used is imported

    asked = httpx.URL(url).copy_merge_params({"audience": audience})
    response = await answer(
        around, "GET", str(asked), what="GitHub's token service", fix=PERMISSION, headers={"Authorization": f"Bearer {bearer}"}
    )  # fmt: skip
    return Secret(member(response, "value", "GitHub's token service"))


SOURCES = (Source("GitHub Actions", lambda around: unset(around, "GITHUB_ACTIONS"), token),)
