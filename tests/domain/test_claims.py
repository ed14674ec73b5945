"""Claims by name and by pointer, and what is taken out of a token for a rule to read."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.contracts.claims import claim
from counterfoil.contracts.registry import Issuer, Mapped
from counterfoil_server.domain import identity

POD: dict[str, Any] = {
    "sub": "system:serviceaccount:web:app",
    "kubernetes.io": {"namespace": "web", "serviceaccount": {"name": "app", "uid": "3f5a"}},
    "https://sts.amazonaws.com/": {"aws_account": "1234"},
    "a~b": {"": "empty"},
}
UID = "/kubernetes.io/serviceaccount/uid"
ISSUER = Issuer(
    name="cluster", issuer="https://cluster.example", pins={UID: "3f5a"}, project=Mapped(claim="/kubernetes.io/namespace"),
    environment=Mapped(value="production"), record=frozenset({"sub", "absent"}),
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sub", POD["sub"]), ("kubernetes.io", POD["kubernetes.io"]), ("/kubernetes.io/namespace", "web"), (UID, "3f5a"),
        ("/https:~1~1sts.amazonaws.com~1/aws_account", "1234"), ("/a~0b/", "empty"), ("absent", None), ("/absent/x", None),
        ("/sub/x", None), ("/kubernetes.io/namespace/x", None),
    ],
)  # fmt: skip
def test_a_claim_is_found_by_its_name_or_where_it_lies(name: str, value: Any):
    assert claim(POD, name) == value


def test_what_the_rule_reads_is_recorded_by_the_entrys_own_names():
    read = identity.chosen(ISSUER, POD)

    assert read == {UID: "3f5a", "/kubernetes.io/namespace": "web", "sub": POD["sub"]}
    assert identity.place(ISSUER, read) == ("web", "production")


def test_a_claim_that_bears_a_pointers_name_is_not_taken_for_what_it_points_to():
    """Or whoever may add claims to a token could say what another part of it says."""
    forged = {**POD, UID: "3f5a", "kubernetes.io": {"namespace": "web", "serviceaccount": {"uid": "other"}}}

    with pytest.raises(identity.Unmapped, match="uid"):
        identity.place(ISSUER, identity.chosen(ISSUER, forged))


@given(st.recursive(st.none() | st.text(max_size=3), lambda inner: st.dictionaries(st.text("/~a", max_size=2), inner, max_size=3)), st.data())
def test_every_place_has_a_pointer_that_leads_there(tree: Any, data: st.DataObject):
    claims, pointer, here = {"root": tree}, "/root", tree
    while isinstance(here, dict) and here:
        step = data.draw(st.sampled_from(sorted(here)))
        pointer, here = f"{pointer}/{step.replace('~', '~0').replace('/', '~1')}", here[step]

    assert claim(claims, pointer) == here
