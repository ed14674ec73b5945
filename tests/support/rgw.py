"""Ceph's object gateway, running: an STS, an IAM and an S3 in one that nobody of ours wrote, over a store that lives in memory."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import botocore.session  # type: ignore[import-untyped]
import httpx
import pytest
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from services.dev.children import Children
from services.dev.ports import HOST, free_port
from services.dev.spawn import Command
from tests.containers.programs import needed

PROGRAMS = ("ceph", "ceph-authtool", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin")
OWNER, BROKER = ("OWNERSKEY1", "owners-secret"), ("BROKERSKEY1", "brokers-secret")
ROLE = "arn:aws:iam:::role/lent"
S3: Mapping[str, Any] = {"s3": {"addressing_style": "path"}, "retries": {"max_attempts": 1}}
TRUST = {"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam:::user/broker"]}, "Action": ["sts:AssumeRole"]}
MAY = {"Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::acme", "arn:aws:s3:::acme/*"]}
CONF = """[global]
fsid = {fsid}
mon_host = [v2:{host}:{mon}/0]
mon_data = {folder}/mon
osd_data = {folder}/osd
rgw_data = {folder}/rgw
run_dir = {folder}
crash_dir = {folder}
admin_socket =
pid_file =
log_file =
log_to_stderr = true
keyring = {folder}/keyring
osd_objectstore = memstore
memstore_device_bytes = 268435456
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_data_avail_crit = 1
rgw_frontends = beast endpoint={host}:{port}
rgw_sts_key = sixteen-letters-
rgw_s3_auth_use_sts = true
rgw_enable_apis = s3,s3website,admin,sts,iam
"""


@dataclass(frozen=True)
class Rgw:
    url: str

    def client(self, service: str, key: str, secret: str, token: str | None = None) -> Any:
        """botocore's own."""
        return botocore.session.get_session().create_client(
            service, region_name="us-east-1", endpoint_url=self.url, config=Config(**S3),
            aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token,
        )  # fmt: skip

    async def lets(self, session: Mapping[str, str], what: str, bucket: str, key: str, **more: Any) -> bool:
        """Whoever has the parts of a session, asking the store itself."""
        s3 = self.client("s3", session["access_key_id"], session["secret_access_key"], session["session_token"])
        try:
            await asyncio.to_thread(getattr(s3, what), Bucket=bucket, Key=key, **more)
        except ClientError as error:
            if error.response["Error"]["Code"] != "AccessDenied":
                raise
            return False
        return True

    def policies(self) -> list[str]:
        return list(self.client("iam", *OWNER).list_role_policies(RoleName="lent")["PolicyNames"])

    def prepare(self) -> None:
        s3, iam = self.client("s3", *OWNER), self.client("iam", *OWNER)
        for bucket in ("acme", "globex"):
            s3.create_bucket(Bucket=bucket)
            for key in ("reports/1", "salaries/1"):
                s3.put_object(Bucket=bucket, Key=key, Body=b"something")
        iam.create_role(RoleName="lent", Path="/", AssumeRolePolicyDocument=policy(TRUST))
        iam.put_role_policy(RoleName="lent", PolicyName="own", PolicyDocument=policy(MAY))


def policy(statement: Mapping[str, Any]) -> str:
    """Compact: RGW takes a plus for a plus and not for a blank."""
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))


class Ceph:
    def __init__(self, children: Children, programs: Mapping[str, str]) -> None:
        self._children, self._programs = children, programs
        self._folder, self._fsid, self._osd, self._mon, self._port = children.folder, uuid4(), uuid4(), free_port(), free_port()
        self._env = {"CEPH_CONF": str(self._folder / "ceph.conf"), "HOME": str(self._folder)}

    async def start(self) -> str:
        for part in ("mon", "osd", "rgw"):
            (self._folder / part).mkdir()
        made = CONF.format(fsid=self._fsid, host=HOST, mon=self._mon, port=self._port, folder=self._folder)
        (self._folder / "ceph.conf").write_text(made)
        await self._keys()
        monmap, keyring = str(self._folder / "monmap"), str(self._folder / "keyring")
        await self._do("monmaptool", "--create", "--addv", "a", f"[v2:{HOST}:{self._mon}]", "--fsid", str(self._fsid), monmap)
        await self._do("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap, "--keyring", keyring)
        await self._run("ceph-mon", "-i", "a", "-f")
        await self._do("ceph", "osd", "new", str(self._osd), "0")
        await self._do("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", str(self._osd))
        await self._run("ceph-osd", "-i", "0", "-f")
        url = f"http://{HOST}:{self._port}"
        await self._run("radosgw", "-n", "client.rgw.x", "-f", url=url)
        for name, (key, secret), caps in (("owner", OWNER, "roles=*;user-policy=*"), ("broker", BROKER, "roles=*")):
            user = ("user", "create", f"--uid={name}", f"--display-name={name}", f"--access-key={key}", f"--secret-key={secret}", f"--caps={caps}")
            await self._do("radosgw-admin", "-n", "client.rgw.x", *user)
        return url

    async def _keys(self) -> None:
        keyring = str(self._folder / "keyring")
        await self._do("ceph-authtool", "--create-keyring", keyring, "--gen-key", "-n", "mon.", "--cap", "mon", "allow *")
        for name in ("client.admin", "client.rgw.x", "osd.0"):
            caps = (word for part in ("mon", "osd", "mgr") for word in ("--cap", part, "allow *"))
            await self._do("ceph-authtool", keyring, "--gen-key", "-n", name, *caps)

    async def _do(self, program: str, *arguments: str) -> None:
        await self._children.finish(Command(program, (self._programs[program], *arguments), self._env))

    async def _run(self, program: str, *arguments: str, url: str = "") -> None:
        async def ready() -> bool:
            try:
                async with httpx.AsyncClient(trust_env=False) as http:
                    return not url or (await http.get(url)).is_success
            except httpx.HTTPError:
                return False

        await self._children.start(Command(program, (self._programs[program], *arguments), self._env, patience=120), ready)


@pytest.fixture(scope="session", name="rgw")
async def storing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rgw]:
    programs = {name: needed(name) for name in PROGRAMS}
    async with Children(Path(tmp_path_factory.mktemp("ceph"))) as children:
        made = Rgw(await Ceph(children, programs).start())
        await asyncio.to_thread(made.prepare)
        yield made
