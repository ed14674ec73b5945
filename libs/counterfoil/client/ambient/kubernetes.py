"""Kubernetes: a projected service-account token for our audience. The API server's own token is never sent to anybody else.

https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#serviceaccount-token-volume-projection
"""

from counterfoil.client.ambient.source import Around, Source, from_file

PATH = "/var/run/secrets/counterfoil/token"


def missing(around: Around) -> str | None:
    if around.at(PATH).exists():
        return None
    pod = "KUBERNETES_SERVICE_HOST" in around.env
    return f"there is no {PATH}" + (", though this is a pod: project a serviceAccountToken there, for the exchange's audience" if pod else "")


async def token(around: Around, audience: str) -> str:  # noqa: ARG001 the pod's manifest names it
    return from_file(around.at(PATH), "the projected token", "let the container's user read it: fsGroup in the pod's securityContext")


SOURCES = (Source("Kubernetes", missing, token),)
