"""AWS: where keys come from, and STS, whose requests are checked by AWS's own model and signer."""

from pathlib import Path
from urllib.parse import parse_qsl

import botocore.session  # type: ignore[import-untyped]
import pytest
from botocore.validate import ParamValidator  # type: ignore[import-untyped]
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from counterfoil import NoIdentity
from counterfoil.client.ambient.aws import ENDPOINT
from counterfoil.client.ambient.sigv4 import Keys
from counterfoil.wire.secret import Secret
from tests.client.ambient.platform import AUDIENCE, JWT, Platform, found, offering
from tests.client.ambient.test_sigv4 import botocores

KEYS = Keys("AKIDEXAMPLE", Secret("canary-secret"), Secret("canary-session"))
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "canary-secret", "AWS_SESSION_TOKEN": "canary-session"}
REGION = "eu-central-1"
OPERATION = botocore.session.get_session().get_service_model("sts").operation_model("GetWebIdentityToken")
GOOD = f"""<GetWebIdentityTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetWebIdentityTokenResult><WebIdentityToken>{JWT}</WebIdentityToken><Expiration>2026-06-01T12:05:00Z</Expiration></GetWebIdentityTokenResult>
  <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>
</GetWebIdentityTokenResponse>"""
SESSION = {"x-aws-ec2-metadata-token": "imds-session"}


def xml_no(code: str, status: int = 403) -> Response:
    text = f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>canary</Message></Error></ErrorResponse>"
    return PlainTextResponse(text, status, media_type="text/xml")


def sts(request: Request, body: bytes) -> Response:
    """Signature by botocore's signer, parameters by botocore's model."""
    url = f"http://{request.headers['host']}/"
    if request.headers.get("authorization") != botocores(url, body, KEYS, REGION, "sts", request.headers["x-amz-date"]):
        return xml_no("SignatureDoesNotMatch")
    if request.headers.get("x-amz-security-token") != "canary-session":
        return xml_no("InvalidClientTokenId")
    form = dict(parse_qsl(body.decode()))
    if (form.pop("Action"), form.pop("Version")) != ("GetWebIdentityToken", "2011-06-15"):
        return xml_no("InvalidAction", 400)
    given = {"Audience": [form.pop("Audience.member.1")], "DurationSeconds": int(form.pop("DurationSeconds"))} | form
    wrong = ParamValidator().validate(given, OPERATION.input_shape).has_errors() or set(given) - set(OPERATION.input_shape.members)
    if wrong or given["Audience"] != [AUDIENCE] or given["SigningAlgorithm"] not in ("RS256", "ES384"):
        return xml_no("ValidationError", 400)
    return PlainTextResponse(GOOD, media_type="text/xml")


def where(server: Platform) -> dict[str, str]:
    return {"AWS_REGION": REGION, ENDPOINT: server.url}


async def test_a_function_asks_sts_with_the_keys_of_its_environment():
    async with offering({"POST /": sts}) as server:
        got = await found({"AWS_EXECUTION_ENV": "AWS_Lambda_python3.13"} | ENVIRONMENT | where(server))

    assert (got.source, got.token.text()) == ("AWS", JWT)


def credentials(request: Request, bearer: str | None = None) -> Response:
    if request.headers.get("authorization") != bearer:
        return JSONResponse({"message": "canary"}, 401)
    found_ = {"AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": "canary-secret", "Token": "canary-session", "Expiration": "2030-01-01T00:00:00Z"}
    return JSONResponse({"Code": "Success"} | found_)


@pytest.mark.parametrize("by_file", [True, False])
async def test_a_pod_asks_its_agent_with_the_token_it_was_given(tmp_path: Path, by_file: bool):
    (tmp_path / "eks-token").write_text("canary-eks\n")
    answers = {"POST /": sts, "GET /v1/credentials": lambda request, _: credentials(request, "canary-eks")}
    async with offering(answers) as server:
        full = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{server.url}/v1/credentials"}
        end, text = ("_FILE", "/eks-token") if by_file else ("", "canary-eks")
        got = await found(full | {f"AWS_CONTAINER_AUTHORIZATION_TOKEN{end}": text} | where(server), tmp_path)
        with pytest.raises(NoIdentity, match="credential endpoint answered HTTP 401"):
            await found(full | where(server), tmp_path)

    assert got.token.text() == JWT


async def test_keys_are_not_asked_of_another_machine_in_clear():
    with pytest.raises(NoIdentity, match="plain http to another machine"):
        await found({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://10.1.2.3/keys", "AWS_REGION": REGION})


def imds() -> dict[str, object]:
    def put(request: Request, _: bytes) -> Response:
        ttl = request.headers.get("x-aws-ec2-metadata-token-ttl-seconds", "")
        return PlainTextResponse("imds-session") if ttl.isdecimal() and 1 <= int(ttl) <= 21600 else PlainTextResponse("canary", 400)

    def with_session(answer: Response):
        def answering(request: Request, _: bytes) -> Response:
            good = all(request.headers.get(name) == value for name, value in SESSION.items())
            return answer if good else PlainTextResponse("canary", 401)

        return answering

    role = "/latest/meta-data/iam/security-credentials/"
    keys = {"Code": "Success", "AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": "canary-secret", "Token": "canary-session"}
    return {
        "PUT /latest/api/token": put, f"GET {role}": with_session(PlainTextResponse("lender")),
        f"GET {role}lender": with_session(JSONResponse(keys)), "GET /latest/meta-data/placement/region": with_session(PlainTextResponse(REGION)),
    }  # fmt: skip


def ec2(root: Path, file: str = "sys/class/dmi/id/sys_vendor", text: str = "Amazon EC2") -> Path:
    (root / file).parent.mkdir(parents=True)
    (root / file).write_text(f"{text}\n")
    return root


@pytest.mark.parametrize("known_by", [("sys/class/dmi/id/sys_vendor", "Amazon EC2"), ("sys/hypervisor/uuid", "ec2e1916-9099")])
async def test_a_machine_asks_its_metadata_service_in_a_session(tmp_path: Path, known_by: tuple[str, str]):
    async with offering(imds() | {"POST /": sts}) as server:  # type: ignore[arg-type]
        env = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url, ENDPOINT: server.url}
        got = await found(env, ec2(tmp_path, *known_by))

    assert got.token.text() == JWT
    assert server.asked[0] == "PUT /latest/api/token"


async def test_a_machine_whose_metadata_is_switched_off_is_not_asked(tmp_path: Path):
    with pytest.raises(NoIdentity, match="AWS_EC2_METADATA_DISABLED"):
        await found({"AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": REGION}, ec2(tmp_path))


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("OutboundWebIdentityFederationDisabledException", "enable-outbound-web-identity-federation"),
        ("AccessDenied", "sts:GetWebIdentityToken"),
        ("ExpiredTokenException", "renew"),
    ],
)
async def test_stss_no_is_told_by_its_code_with_what_to_do(code: str, says: str):
    async with offering({"POST /": lambda *_: xml_no(code)}) as server:
        with pytest.raises(NoIdentity, match=f"AWS STS answered HTTP 403 {code}") as raised:
            await found({"AWS_EXECUTION_ENV": "x"} | ENVIRONMENT | where(server))

    assert says in raised.value.fix
    assert "canary" not in str(raised.value)


async def test_other_keys_are_refused():
    """The counterpart can say no."""
    async with offering({"POST /": sts}) as server:
        with pytest.raises(NoIdentity, match="SignatureDoesNotMatch"):
            await found({"AWS_EXECUTION_ENV": "x"} | ENVIRONMENT | {"AWS_SECRET_ACCESS_KEY": "another"} | where(server))


@pytest.mark.parametrize(("region", "host"), [(REGION, f"sts.{REGION}.amazonaws.com"), ("cn-north-1", "sts.cn-north-1.amazonaws.com.cn")])
async def test_the_regions_own_endpoint_is_asked(region: str, host: str):
    def answering(request: Request, _: bytes) -> Response:
        return PlainTextResponse(GOOD) if request.headers["host"] == host else xml_no("WrongHost")

    async with offering({"POST /": answering}) as server:
        got = await found({"AWS_EXECUTION_ENV": "x", "AWS_REGION": region} | ENVIRONMENT, open_=server.detour(host))

    assert got.token.text() == JWT


async def test_a_region_that_is_none_leads_nowhere():
    with pytest.raises(NoIdentity, match="AWS_REGION is no region"):
        await found({"AWS_EXECUTION_ENV": "x", "AWS_REGION": "evil.example/"} | ENVIRONMENT)


async def test_keys_alone_do_not_make_it_aws():
    with pytest.raises(NoIdentity, match="AWS: not a machine of Amazon's"):
        await found(ENVIRONMENT | {"AWS_REGION": REGION})
