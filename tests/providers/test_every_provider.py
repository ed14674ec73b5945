"""What every provider promises, asked of every file in the catalog: found by itself, and red until each has a test with a desk."""

import ast
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from counterfoil.wire.secret import Secret
from deploy import providers_page
from services.providers import catalog, shelf
from services.providers.seam import Idempotency, Reach, Refused, Revocation

HERE = Path(__file__).parent
CATALOG = Path(next(iter(catalog.__path__)))
FORBIDDEN = ("counterfoil.contracts", "counterfoil.client", "counterfoil_server", "services.providers.catalog")


every = pytest.mark.parametrize("name", shelf.names())


def test_there_are_providers():
    assert "postgres" in shelf.names()


@every
def test_it_has_a_test_of_its_own(name: str):
    assert (HERE / f"test_{name}.py").exists()


@every
def test_it_names_its_documentation_in_the_first_lines(name: str):
    documentation = shelf.provider(name).documentation

    assert documentation.startswith("https://")
    assert documentation in (CATALOG / f"{name}.py").read_text().split("\n")[:5]


@every
def test_its_page_says_what_it_is_and_what_it_was_proven_against(name: str):
    provider, page = shelf.provider(name), providers_page.page()

    assert len(said := providers_page.proven_against(provider)) > 20
    assert f"| {name} | {said} |" in page
    of_it = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    assert f"<{provider.documentation}>" in of_it
    assert {field for field in (*provider.config.model_fields, *provider.root.model_fields) if f"| `{field}` |" not in of_it} == set()


@every
def test_it_imports_nothing_that_decides_and_no_other_provider(name: str):
    tree = ast.parse((CATALOG / f"{name}.py").read_text())
    imported = [node.module or "." * node.level for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    imported += [one.name for node in ast.walk(tree) if isinstance(node, ast.Import) for one in node.names]

    assert not [one for one in imported if one.startswith(FORBIDDEN) or one.startswith(".")]
    assert not [one for one in imported if one.startswith("services.") and not one.startswith("services.providers")]


@every
def test_it_declares_what_it_can_do(name: str):
    provider = shelf.provider(name)

    assert provider.name == name
    assert isinstance(provider.revocation, Revocation)
    assert isinstance(provider.reach, Reach)
    assert isinstance(provider.idempotency, Idempotency)
    assert isinstance(provider.ends_by_itself, bool)
    assert timedelta() < provider.shortest <= provider.longest
    assert timedelta() < provider.window <= timedelta(minutes=15)


@every
def test_what_does_not_end_by_itself_can_be_ended(name: str):
    provider = shelf.provider(name)

    assert provider.ends_by_itself or provider.revocation is not Revocation.EXPIRY_ONLY


@every
def test_what_nobody_can_end_is_lent_only_where_a_link_says_so(name: str):
    provider = shelf.provider(name)
    if provider.revocation is not Revocation.NONE:
        pytest.skip("it can be ended")

    assert not provider.ends_by_itself
    with pytest.raises(Refused):
        provider.check(frozenset(), (), {})


@every
def test_what_is_made_by_name_is_found_by_name_when_the_answer_is_lost(name: str):
    provider = shelf.provider(name)
    by_name = provider.idempotency is Idempotency.BY_NAME or provider.revocation is Revocation.BY_NAME
    found = provider.handle(uuid4()) is not None

    assert found == by_name or (found and provider.revocation is Revocation.BY_PRINCIPAL)


@every
def test_root_secrets_are_secrets_and_config_holds_none(name: str):
    provider = shelf.provider(name)

    assert provider.root.model_fields
    assert all(field.annotation is Secret for field in provider.root.model_fields.values())
    assert not any(field.annotation is Secret for field in provider.config.model_fields.values())


@every
def test_what_an_operator_declares_is_read_strictly(name: str):
    provider = shelf.provider(name)

    for model in (provider.config, provider.root):
        assert (model.model_config["extra"], model.model_config["strict"]) == ("forbid", True)
        assert model.model_config["hide_input_in_errors"]
