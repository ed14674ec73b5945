"""The platforms that `issuer add --kind` knows."""

from collections.abc import Mapping

from counterfoil.cli.presets.preset import HOUR, MINUTE, Preset

PRESETS: Mapping[str, Preset] = {
    one.kind: one
    for one in (
        Preset(
            "github", "GitHub Actions", "https://docs.github.com/en/actions/reference/security/oidc",
            project="repository_id", project_is="the repository's number, which stays when it is renamed (gh api repos/OWNER/NAME --jq .id)",
            issuer="https://token.actions.githubusercontent.com", environment="environment",
            pins={"repository_owner_id": "everybody's workflows on GitHub have this issuer; the owner's number says whose are yours, and a name "
                                         "that is given up can be taken by somebody else (gh api orgs/OWNER --jq .id)"},
            max_age=10 * MINUTE, max_lifetime=6 * HOUR,
            ages="a job asks for a token when it needs one, so it is minutes old; GitHub writes an end six hours ahead into each",
            notes=("a job without `environment:` has no such claim and is rejected: give it one, protected by reviewers where that matters",),
        ),
        Preset(
            "gitlab", "GitLab CI", "https://docs.gitlab.com/ci/secrets/id_token_authentication/",
            project="project_id", project_is="the project's number, which stays when it is renamed",
            issuer="https://gitlab.com", issuer_is="your own GitLab's URL, where it is not gitlab.com", environment="environment",
            pins={"namespace_id": "everybody's jobs on gitlab.com have this issuer; the group's number says whose are yours"},
            max_age=2 * HOUR, max_lifetime=2 * HOUR,
            ages="a job gets its token when it starts, and it lives as long as the job may run (an hour, where nobody said otherwise)",
            notes=("`environment` is what the job says of itself: where that matters pin ref_protected=true too",),
        ),
        Preset(
            "kubernetes", "Kubernetes", "https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/",
            project="/kubernetes.io/namespace", project_is="the pod's namespace", listed=True,
            issuer_is="kubectl get --raw /.well-known/openid-configuration | jq -r .issuer",
            max_age=24 * HOUR, max_lifetime=24 * HOUR,
            ages="a pod has one token for hours: the kubelet renews it at 80 % of its life, or after 24 hours; what a pod's manifest asks for in "
                 "expirationSeconds (an hour, usually) is what a stolen one is good for",
            notes=(("narrower: --project-claim sub, and system:serviceaccount:NAMESPACE:NAME=WORD; for one account and no successor of its name, "
                   "--pin /kubernetes.io/serviceaccount/uid=UID"),
                   "the issuer's keys have to be reachable from the verifier; where they are elsewhere, say --jwks-uri"),
        ),
        Preset(
            "vercel", "Vercel", "https://vercel.com/docs/oidc/reference",
            project="project_id", project_is="prj_..., which stays when the project is renamed",
            issuer_is="https://oidc.vercel.com/TEAM (team mode, in the project's settings)", environment="environment",
            pins={"owner_id": "the team's id (team_...): its slug, which stands in the issuer, can be given up and taken by somebody else"},
            max_age=12 * HOUR, max_lifetime=12 * HOUR,
            ages="a function may hold a token for an hour and more, and what a developer pulls lives for twelve",
            notes=("environment is production, preview or development: leave out those that shall get nothing by listing the others",),
        ),
        Preset(
            "aws", "AWS", "https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html",
            project="sub", project_is="the ARN of the role", listed=True, workload=True,
            issuer_is="https://....tokens.sts.global.api.aws, one for each account (aws iam get-outbound-web-identity-federation-info)",
            max_age=10 * MINUTE, max_lifetime=HOUR, algorithms=frozenset({"RS256", "ES384"}),
            ages="STS makes one when it is asked, for five minutes as we ask it, and for an hour at most",
            notes=("any principal of the account with sts:GetWebIdentityToken may have a token for us, so roles are listed",),
        ),
        Preset(
            "google", "Google Cloud", "https://cloud.google.com/compute/docs/instances/verifying-instance-identity",
            project="sub", project_is="the service account's unique number (gcloud iam service-accounts describe EMAIL --format='value(uniqueId)')",
            listed=True, workload=True, issuer="https://accounts.google.com", jwks_uri="https://www.googleapis.com/oauth2/v3/certs",
            max_age=HOUR, max_lifetime=HOUR,
            ages="the metadata server makes tokens for an hour and hands the same one out again for most of it",
            notes=("everybody's service accounts have this issuer, so yours are listed; their e-mails can be taken by others, their numbers cannot",),
        ),
        Preset(
            "azure", "Azure", "https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference",
            project="oid", project_is="the object id of the managed identity (az identity show --query principalId)", listed=True,
            issuer_is="https://sts.windows.net/TENANT/, or https://login.microsoftonline.com/TENANT/v2.0 for tokens of version 2.0",
            jwks_uri="https://login.microsoftonline.com/{issuer_path}/discovery/v2.0/keys", ignore_x5t=True, algorithms=frozenset({"RS256"}),
            max_age=25 * HOUR, max_lifetime=25 * HOUR,
            ages="a managed identity's token lives for a day and is handed out again until shortly before its end",
            notes=(("register an application whose Application ID URI is the audience; where that has to be api://..., say --audience here, and "
                   "COUNTERFOIL_AUDIENCE to the clients"),
                   "Entra's header has x5t, a hash of a certificate: it is ignored for this entry, and only for it"),
        ),
        Preset(
            "spiffe", "SPIFFE", "https://github.com/spiffe/spiffe/blob/main/standards/JWT-SVID.md",
            project="sub", project_is="the SPIFFE ID", listed=True, workload=True,
            issuer_is="jwt_issuer of the SPIRE server: without it, JWT-SVIDs have no `iss` and cannot be accepted",
            max_age=30 * MINUTE, max_lifetime=HOUR, algorithms=frozenset({"RS256", "ES256", "ES384"}),
            ages="an agent keeps a JWT-SVID for half of its life, which is five minutes where nobody said otherwise",
            notes=("keys are found where SPIRE's OIDC discovery provider publishes them: at the issuer, or say --jwks-uri",),
        ),
        Preset(
            "generic", "any OIDC issuer", "https://openid.net/specs/openid-connect-core-1_0.html#IDToken",
            project=None, project_is="the claim of --project-claim", issuer_is="as it stands in `iss`, to the letter",
            max_age=10 * MINUTE, max_lifetime=2 * HOUR,
            ages="made when it is asked for, and for two hours at most: say --max-age and --max-lifetime where yours differ",
            notes=(("for `counterfoil login`: an ID token's audience is the client's id, so say --audience CLIENT_ID, and --max-age as long as the "
                   "token lives"),),
        ),
    )
}  # fmt: skip
