"""What AWS is told of a session: whose it is, as tags and as source identity, where the connector's config says so."""

from typing import Any
from uuid import UUID

import pytest

from services.providers.seam import Borrower, Minted, Refused
from tests.providers.desk import BORROWER
from tests.providers.liar import Liar
from tests.providers.test_aws import desk_of, gives
from tests.support.aws import Cloud

ONE = UUID("8f14e45f-ceea-467f-a1e6-5c5d1a4c2b10")
ALL = "all={project} {environment} {subject} {connector} {credential}"


async def form_of(cloud: Cloud, **config: Any) -> dict[str, str]:
    """What STS was sent."""
    minted = await desk_of(cloud.url, **config).mint(credential_id=ONE)
    assert minted.amiss == ""
    return {name: value for name, value in cloud.asked[-1].items() if name.startswith(("Tags", "Transitive", "Source"))}


async def test_nothing_is_told_unasked(cloud: Cloud):
    assert await form_of(cloud) == {}


async def test_tags_hold_what_stands_there_and_who_asked(cloud: Cloud):
    told = await form_of(cloud, tags=["Project={project}", "cost-centre=42", ALL], transitive_tags=["Project"])

    assert told == {
        "Tags.member.1.Key": "Project",
        "Tags.member.1.Value": "web",
        "Tags.member.2.Key": "cost-centre",
        "Tags.member.2.Value": "42",
        "Tags.member.3.Key": "all",
        "Tags.member.3.Value": f"web production {BORROWER.subject} aws/desk {ONE}",
        "TransitiveTagKeys.member.1": "Project",
    }


async def test_a_value_may_hold_an_equals_sign_and_be_empty(cloud: Cloud):
    told = await form_of(cloud, tags=["a=b=c", "d="])

    assert (told["Tags.member.1.Value"], told["Tags.member.2.Value"]) == ("b=c", "")


@pytest.mark.parametrize(("which", "told"), [("credential", str(ONE)), ("subject", BORROWER.subject)])
async def test_the_source_identity_is_the_credentials_id_or_the_subjects_hash(cloud: Cloud, which: str, told: str):
    assert await form_of(cloud, source_identity=which) == {"SourceIdentity": told}


@pytest.mark.parametrize(
    "config",
    [
        {"tags": ["Project={project}", "project=x"]},
        {"tags": ["aws:x=1"]},
        {"tags": ["AWS:x=1"]},
        {"tags": ["no-value"]},
        {"tags": ["a={secret}"]},
        {"tags": ["a={0.__class__}"]},
        {"tags": ["a=b&c"]},
        {"tags": [f"k{n}=v" for n in range(51)]},
        {"tags": ["a=b"], "transitive_tags": ["b"]},
        {"tags": ["a=b"], "transitive_tags": ["a", "a"]},
        {"source_identity": "project"},
        {"source_identity": True},
    ],
)
async def test_a_config_that_aws_would_not_understand_is_refused_before_it_is_asked(cloud: Cloud, config: dict[str, Any]):
    with pytest.raises(Refused) as refused:
        await desk_of(cloud.url, **config).mint()

    assert refused.value.code == "config"
    assert cloud.asked == []


@pytest.mark.parametrize("project", ["web&Tags.member.1.Key=admin", "a\nb", "x" * 257, "*"])
async def test_what_a_tag_cannot_carry_is_no_tag_and_no_session(cloud: Cloud, project: str):
    with pytest.raises(Refused) as refused:
        await desk_of(cloud.url, tags=["project={project}"]).mint(borrower=Borrower("5b" * 32, project, "production"))

    assert refused.value.code == "bad_tag"
    assert project not in f"{refused.value}"
    assert cloud.asked == []


@pytest.mark.parametrize("said", [None, "somebody-else", str(ONE)])
async def test_a_source_identity_that_aws_did_not_set_is_seen(liar: Liar, said: str | None):
    liar.set("/", gives(identity=said))

    minted: Minted = await desk_of(f"{liar.url}/", source_identity="subject").mint(credential_id=ONE)

    assert "source identity" in minted.amiss


async def test_the_one_that_was_asked_is_handed_over(liar: Liar):
    liar.set("/", gives(identity=BORROWER.subject))

    assert (await desk_of(f"{liar.url}/", source_identity="subject").mint(credential_id=ONE)).amiss == ""
