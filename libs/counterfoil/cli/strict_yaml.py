"""YAML as an operator means it: a member that is given twice is an error, not the last one's word."""

from collections.abc import Iterator
from typing import Any

import typer
import yaml


class Strict(yaml.SafeLoader):
    pass


def mapping(loader: Strict, node: yaml.MappingNode) -> dict[Any, Any]:
    loader.flatten_mapping(node)
    pairs = [(loader.construct_object(key, deep=True), loader.construct_object(value, deep=True)) for key, value in node.value]
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise yaml.constructor.ConstructorError(None, None, f"a member is given twice: {max(names, key=names.count)}", node.start_mark)
    return dict(pairs)


Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)


def load_all(text: str, name: str) -> Iterator[Any]:
    try:
        yield from yaml.load_all(text, Strict)
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        where = f"{name}, line {mark.line + 1}" if mark else name
        raise typer.BadParameter(f"{where}: {problem or 'this is no YAML'}") from None


class Written(yaml.SafeDumper):
    pass


def text(dumper: Written, value: str) -> yaml.ScalarNode:
    """Several lines as several lines: Cedar is read by people."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


Written.add_representer(str, text)


def dump(found: Any) -> str:
    return yaml.dump(found, Dumper=Written, sort_keys=False, allow_unicode=True, width=120, default_flow_style=False)
