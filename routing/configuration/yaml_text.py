"""Configuration files: strict reading, stable writing."""

from __future__ import annotations

from typing import Any

import yaml

from routing.configuration.errors import ConfigurationError


class _StrictLoader(yaml.SafeLoader):
    """Plain values only, and a key that stands twice is an error: one of the two would be lost in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise ConfigurationError(_place(key_node.start_mark), f"the key {key!r} must be text.")
            if key in seen:
                raise ConfigurationError(_place(key_node.start_mark), f'the key "{key}" stands twice.')
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


class _ReadableDumper(yaml.SafeDumper):
    """Text of several lines as a block, rows of a list indented under their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_ReadableDumper.add_representer(str, _represent_text)


def _place(mark: Any) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}"


def read_yaml(text: str) -> Any:
    """The document of a YAML text; ConfigurationError with line and column if it cannot be read."""
    try:
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        where = _place(error.problem_mark) if error.problem_mark else "file"
        raise ConfigurationError(where, f"this is not YAML ({error.problem}).") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError("file", f"this is not YAML ({error}).") from error


def write_yaml(document: Any) -> str:
    """The same text for the same document: keys keep their order, lists come sorted from whoever made them."""
    return yaml.dump(
        document, Dumper=_ReadableDumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=110
    )
