"""Tokens as the platforms make them: claims and headers by their documentation, signed with the keys of a test."""

from typing import Any

from tests.tokens.forge import AT, AUDIENCE

HOUR = 3600
ARN = "arn:aws:iam::123456789012:role/web"
TENANT = "11111111-2222-3333-4444-555555555555"

GITHUB: dict[str, Any] = {
    "iss": "https://token.actions.githubusercontent.com", "aud": AUDIENCE, "sub": "repo:acme/web:environment:production",
    "jti": "4a576b35-ff09-41c5-af2c-ca62dd89b76a", "iat": AT - 20, "nbf": AT - 320, "exp": AT - 20 + 6 * HOUR, "repository": "acme/web",
    "repository_id": "42", "repository_owner": "acme", "repository_owner_id": "7", "environment": "production", "ref": "refs/heads/main",
    "ref_protected": "true", "runner_environment": "github-hosted",
}  # fmt: skip
GITLAB: dict[str, Any] = {
    "iss": "https://gitlab.com", "aud": AUDIENCE, "sub": "project_path:acme/web:ref_type:branch:ref:main", "jti": "j", "iat": AT - HOUR + 60,
    "nbf": AT - HOUR, "exp": AT + 60, "namespace_id": "72", "namespace_path": "acme", "project_id": "20", "project_path": "acme/web",
    "ref_protected": "true", "environment": "production", "environment_protected": "true",
}  # fmt: skip
KUBERNETES: dict[str, Any] = {
    "iss": "https://cluster.example", "aud": [AUDIENCE], "sub": "system:serviceaccount:web:app", "jti": "j", "iat": AT - HOUR, "nbf": AT - HOUR,
    "exp": AT + HOUR,
    "kubernetes.io": {
        "namespace": "web", "node": {"name": "n1", "uid": "n"}, "pod": {"name": "web-1", "uid": "p"},
        "serviceaccount": {"name": "app", "uid": "3f5a"},
    },
}  # fmt: skip
VERCEL: dict[str, Any] = {
    "iss": "https://oidc.vercel.com/acme", "aud": AUDIENCE, "sub": "owner:acme:project:web:environment:production", "owner": "acme",
    "owner_id": "team_1", "project": "web", "project_id": "prj_1", "environment": "production", "plan": "pro", "iat": AT - 11 * HOUR,
    "nbf": AT - 11 * HOUR, "exp": AT + HOUR,
}  # fmt: skip
AWS: dict[str, Any] = {
    "iss": "https://abc123.tokens.sts.global.api.aws", "aud": AUDIENCE, "sub": ARN, "jti": "j", "iat": AT, "exp": AT + 300,
    "https://sts.amazonaws.com/": {"aws_account": "123456789012", "source_region": "eu-central-1", "principal_id": ARN},
}  # fmt: skip
GOOGLE: dict[str, Any] = {
    "iss": "https://accounts.google.com", "aud": AUDIENCE, "azp": "104567", "sub": "104567", "email": "web@acme.iam.gserviceaccount.com",
    "email_verified": True, "iat": AT - 50 * 60, "exp": AT + 10 * 60,
    "google": {"compute_engine": {"instance_id": "1", "project_id": "acme", "project_number": 739419398126, "zone": "europe-west3-a"}},
}  # fmt: skip
AZURE: dict[str, Any] = {
    "iss": f"https://sts.windows.net/{TENANT}/", "aud": AUDIENCE, "sub": "o-1", "oid": "o-1", "tid": TENANT, "appid": "c-1", "idtyp": "app",
    "iat": AT - 23 * HOUR, "nbf": AT - 23 * HOUR, "exp": AT - 23 * HOUR + 86_700, "ver": "1.0",
}  # fmt: skip
SPIFFE: dict[str, Any] = {
    "iss": "https://spire.example", "aud": [AUDIENCE], "sub": "spiffe://acme.example/web", "iat": AT - 150, "exp": AT + 150,
}  # fmt: skip
GENERIC: dict[str, Any] = {
    "iss": "https://keycloak.example/realms/acme", "aud": "counterfoil-cli", "azp": "counterfoil-cli", "sub": "ada", "iat": AT - 60,
    "exp": AT + 240, "team": "web", "typ": "ID",
}  # fmt: skip

ADDED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "github": (GITHUB, ["--pin", "repository_owner_id=7", "--project", "42=web"]),
    "gitlab": (GITLAB, ["--pin", "namespace_id=72", "--project", "20=web"]),
    "kubernetes": (KUBERNETES, ["--issuer", KUBERNETES["iss"], "--project", "web=web", "--environment", "production"]),
    "vercel": (VERCEL, ["--issuer", VERCEL["iss"], "--pin", "owner_id=team_1", "--project", "prj_1=web"]),
    "aws": (AWS, ["--issuer", AWS["iss"], "--project", f"{ARN}=web", "--environment", "production"]),
    "google": (GOOGLE, ["--project", "104567=web", "--environment", "production"]),
    "azure": (AZURE, ["--issuer", AZURE["iss"], "--project", "o-1=web", "--environment", "production"]),
    "spiffe": (SPIFFE, ["--issuer", SPIFFE["iss"], "--project", "spiffe://acme.example/web=web", "--environment", "production"]),
    "generic": (
        GENERIC,
        ["--issuer", GENERIC["iss"], "--audience", "counterfoil-cli", "--project-claim", "team", "--pin", "azp=counterfoil-cli",
         "--environment", "production"],
    ),
}  # fmt: skip
"""By kind: a token, and what an operator says to `issuer add` for it to be web/production."""
HEADERS = {"azure": {"x5t": "abc"}, "aws": {"alg": "ES384"}, "spiffe": {"alg": "ES256"}}
