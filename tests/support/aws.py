"""STS and IAM, written by their documentation; botocore checks signatures. A session may what its role may, its policy allows and nothing denies.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qsl, quote
from xml.sax.saxutils import escape

from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.dev.ports import HOST
from tests.support.issuer import serving

KEY_ID, KEY = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
ROLE = "arn:aws:iam::123456789012:role/app/lent"
ROLE_POLICY = {"Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::acme", "arn:aws:s3:::acme/*"]}


@dataclass
class Cloud:
    url: str = ""
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)
    xml: bool = True
    asked: list[dict[str, str]] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        raw = await request.body()
        form = dict(parse_qsl(raw.decode(), keep_blank_values=True))
        self.asked.append(form)
        if not signed(request, raw):
            return self.no(403, "SignatureDoesNotMatch")
        return getattr(self, f"on_{form['Action']}")(form)  # type: ignore[no-any-return]

    def on_AssumeRole(self, form: dict[str, str]) -> Response:  # noqa: N802 - AWS's own word
        if form["RoleArn"] != ROLE:
            return self.no(403, "AccessDenied")
        if not 900 <= int(form["DurationSeconds"]) <= 3600:
            return self.no(400, "ValidationError")
        token = f"token-{len(self.sessions)}"
        ends = datetime.now(UTC) + timedelta(seconds=int(form["DurationSeconds"]))
        self.sessions[token] = {"userid": f"AROA1:{form['RoleSessionName']}", "policy": json.loads(form["Policy"])["Statement"]}
        stamp: Any = ends.strftime("%Y-%m-%dT%H:%M:%SZ") if self.xml else ends.timestamp()
        given = {"AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "s3cr3t/+", "SessionToken": token, "Expiration": stamp}
        name = form["RoleSessionName"]
        who = {"AssumedRoleId": f"AROA1:{name}", "Arn": f"arn:aws:sts::123456789012:assumed-role/lent/{name}"}
        identity = {"SourceIdentity": form["SourceIdentity"]} if "SourceIdentity" in form else {}
        return self.yes("AssumeRole", {"Credentials": given, "AssumedRoleUser": who, "PackedPolicySize": 6, **identity})

    def on_PutRolePolicy(self, form: dict[str, str]) -> Response:  # noqa: N802
        if sum(len(json.dumps(one)) for one in self.policies.values()) + len(form["PolicyDocument"]) > 10240:
            return self.no(409, "LimitExceeded")
        self.policies[form["PolicyName"]] = json.loads(form["PolicyDocument"])["Statement"]
        return self.yes("PutRolePolicy", {})

    def on_GetRolePolicy(self, form: dict[str, str]) -> Response:  # noqa: N802
        if form["PolicyName"] not in self.policies:
            return self.no(404, "NoSuchEntity")
        document = json.dumps({"Version": "2012-10-17", "Statement": self.policies[form["PolicyName"]]})
        return self.yes("GetRolePolicy", {"RoleName": form["RoleName"], "PolicyName": form["PolicyName"], "PolicyDocument": quote(document)})

    def on_ListRolePolicies(self, _: dict[str, str]) -> Response:  # noqa: N802
        return self.yes("ListRolePolicies", {"PolicyNames": list(self.policies), "IsTruncated": False})

    def on_DeleteRolePolicy(self, form: dict[str, str]) -> Response:  # noqa: N802
        self.policies.pop(form["PolicyName"])
        return self.yes("DeleteRolePolicy", {})

    def yes(self, action: str, result: dict[str, Any]) -> Response:
        whole = {f"{action}Response": {f"{action}Result": result, "ResponseMetadata": {"RequestId": "r"}}}
        return Response(f'<?xml version="1.0"?>{xml(whole)}', media_type="text/xml") if self.xml else JSONResponse(whole)

    def no(self, status: int, code: str) -> Response:
        said = {"Error": {"Type": "Sender", "Code": code, "Message": "never shown"}, "RequestId": "r"}
        return Response(xml({"ErrorResponse": said}), status, media_type="text/xml") if self.xml else JSONResponse(said, status)

    def may(self, token: str, action: str, resource: str) -> bool:
        """As a service would decide for whoever has the session's token."""
        session = self.sessions[token]
        for denied in self.policies.values():
            if fnmatchcase(session["userid"], denied["Condition"]["StringLike"]["aws:userid"]):
                return False
        return allows(ROLE_POLICY, action, resource) and any(allows(one, action, resource) for one in session["policy"])


def allows(statement: dict[str, Any], action: str, resource: str) -> bool:
    return any(fnmatchcase(action, one) for one in statement["Action"]) and any(fnmatchcase(resource, one) for one in statement["Resource"])


def signed(request: Request, raw: bytes) -> bool:
    stated = request.headers["authorization"]
    _, _, region, service, _ = stated.partition("Credential=")[2].partition(",")[0].split("/")
    headers = {"Content-Type": request.headers["content-type"], "X-Amz-Date": request.headers["x-amz-date"]}
    known = AWSRequest("POST", str(request.url), headers, raw.decode())
    known.context["timestamp"] = request.headers["x-amz-date"]
    auth = SigV4Auth(Credentials(KEY_ID, KEY), service, region)
    return str(auth.signature(auth.string_to_sign(known, auth.canonical_request(known)), known)) == stated.rpartition("Signature=")[2]


def xml(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(f"<{name}>{xml(one)}</{name}>" for name, one in value.items())
    return "".join(f"<member>{xml(one)}</member>" for one in value) if isinstance(value, list) else escape(str(value))


@asynccontextmanager
async def reigning() -> AsyncIterator[Cloud]:
    cloud, listening = Cloud(), socket.create_server((HOST, 0))
    cloud.url = f"http://{HOST}:{listening.getsockname()[1]}/"
    async with serving(Starlette(routes=[Route("/", cloud.answer, methods=["POST"])]), listening):
        yield cloud
