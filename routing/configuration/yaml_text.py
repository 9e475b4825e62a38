"""Configuration files: strict reading, stable writing.

A file may come from anybody who may configure, so reading is bounded: plain values only, no aliases (a few lines of
them can mean billions of values), no deep nesting, no numbers of thousands of digits.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from routing.configuration.errors import ConfigurationError

MOST_DEPTH = 40
LONGEST_NUMBER = 40  # characters
# The parser in C, where it was built, is ten times as fast; what it reads is the same.
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _StrictLoader(_SafeLoader):
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
        return dict(super().construct_mapping(node, deep=deep))

    def construct_number(self, node: yaml.ScalarNode) -> int | float:
        if len(node.value) > LONGEST_NUMBER:
            raise ConfigurationError(_place(node.start_mark), "this number is too long; put quotes around text.")
        if node.tag.endswith("int"):
            return int(self.construct_yaml_int(node))
        return float(self.construct_yaml_float(node))


for _tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float"):
    _StrictLoader.add_constructor(_tag, _StrictLoader.construct_number)


class _ReadableDumper(yaml.SafeDumper):
    """Text of several lines as a block, rows of a list indented under their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True  # the same value twice is written twice: reading knows no aliases


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_ReadableDumper.add_representer(str, _represent_text)


def _place(mark: Any) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}"


def read_yaml(text: str) -> Any:
    """The document of a YAML text; ConfigurationError with line and column if it cannot be read."""
    try:
        _check_events(text)
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        where = _place(error.problem_mark) if error.problem_mark else "file"
        raise ConfigurationError(where, f"this is not YAML ({error.problem}).") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError("file", f"this is not YAML ({error}).") from error


def _check_events(text: str) -> None:
    """Refuse what would grow while it is built, before it is."""
    depth = 0
    for event in yaml.parse(text, Loader=_SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise ConfigurationError(_place(event.start_mark), "anchors and aliases (& and *) are not read here.")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MOST_DEPTH:
                raise ConfigurationError(_place(event.start_mark), f"nested deeper than {MOST_DEPTH} levels.")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def line_of(text: str, where: str) -> int | None:
    """The line of a path such as `queues[2] (Billing).members[0]`, or of the part of it that is there.

    `text` was read by `read_yaml` before. None: the path begins with nothing that the file holds.
    """
    if found := re.match(r"line (\d+), column", where):
        return int(found[1])
    node = yaml.compose(text, Loader=_SafeLoader)
    mark = None
    while node is not None and where:
        node, taken = _step_into(node, where)
        if node is not None:
            mark, where = node.start_mark, where[taken:]
    return None if mark is None else mark.line + 1


def _step_into(node: yaml.Node, where: str) -> tuple[yaml.Node | None, int]:
    """(the part of `node` that the path begins with, how much of the path that was)."""
    if isinstance(node, yaml.MappingNode):
        word = re.match(r"\.?(\w+)", where)
        for key, value in node.value if word else ():
            if word and key.value == word[1]:
                # An empty value, and a block, begin elsewhere: the key is what people look for.
                value.start_mark = key.start_mark
                return value, word.end()
    if isinstance(node, yaml.SequenceNode):
        index = re.match(r"\[(\d+)\]", where)
        if index and int(index[1]) < len(node.value):
            item = node.value[int(index[1])]
            return item, index.end() + _length_of_name(item, where[index.end() :])
    return None, 0


def _length_of_name(item: yaml.Node, rest: str) -> int:
    """A path names a row after its place, ` (Billing)`; the name is one of its values, or that in lower case."""
    for _key, value in item.value if isinstance(item, yaml.MappingNode) else ():
        if isinstance(value, yaml.ScalarNode) and value.value.strip():
            name = f" ({value.value.strip()})"
            if rest.casefold().startswith(name.casefold()):
                return len(name)
    return 0


def write_yaml(document: Any) -> str:
    """The same text for the same document: keys keep their order, lists come sorted from whoever made them."""
    return yaml.dump(
        document, Dumper=_ReadableDumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=110
    )
