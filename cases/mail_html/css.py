"""Keep the harmless part of an inline style: listed properties, plain values, no function that fetches or moves."""

from __future__ import annotations

from collections.abc import Iterable

import tinycss2
from tinycss2.ast import Node

PROPERTIES = frozenset(
    {
        "background",
        "background-color",
        "border-collapse",
        "border-spacing",
        "caption-side",
        "clear",
        "color",
        "direction",
    }
    | {
        "display",
        "empty-cells",
        "float",
        "font",
        "font-family",
        "font-size",
        "font-style",
        "font-variant",
        "font-weight",
    }
    | {
        "height",
        "letter-spacing",
        "line-height",
        "list-style",
        "list-style-type",
        "max-height",
        "max-width",
        "min-width",
    }
    | {"overflow-wrap", "padding", "table-layout", "text-align", "text-decoration", "text-decoration-color"}
    | {"text-decoration-line", "text-indent", "text-transform", "vertical-align", "white-space", "width", "word-break"}
    | {
        "word-spacing",
        "word-wrap",
        "margin",
        "border",
        "border-color",
        "border-radius",
        "border-style",
        "border-width",
    }
    | {f"{kind}-{side}" for kind in ("margin", "padding", "border") for side in ("top", "right", "bottom", "left")}
    | {f"border-{side}-{part}" for side in ("top", "right", "bottom", "left") for part in ("color", "style", "width")}
)
FUNCTIONS = frozenset({"rgb", "rgba", "hsl", "hsla"})
PLAIN_TOKENS = frozenset({"ident", "number", "percentage", "dimension", "hash", "string", "whitespace", "comment"})
DISPLAYS = frozenset(
    {"block", "inline", "inline-block", "inline-table", "list-item", "none", "table", "table-caption", "table-cell"}
    | {"table-row", "table-row-group"}
)
MAX_STYLE = 4_000  # characters of one attribute
MAX_STYLES = 100_000  # characters of different styles in one mail: parsing costs about 5 us each


class StyleFilter:
    """The styles of one mail. Mails repeat their styles, so each different one is read once."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._budget = MAX_STYLES

    def keep(self, style: str) -> str:
        """The declarations that may stay, "" for none."""
        if style not in self._known:
            # A backslash hides a name from readers (`u\\72l`); honest mail has none.
            if len(style) > MAX_STYLE or len(style) > self._budget or "\\" in style:
                return ""
            self._budget -= len(style)
            self._known[style] = safe_declarations(style)
        return self._known[style]


def safe_declarations(style: str) -> str:
    kept = []
    for node in tinycss2.parse_blocks_contents(style, skip_comments=True, skip_whitespace=True):
        if node.type != "declaration" or node.lower_name not in PROPERTIES:
            continue
        if not _is_plain(node.value):
            continue
        value = tinycss2.serialize(node.value).strip()
        if node.lower_name == "display" and value.lower() not in DISPLAYS:
            continue
        if node.lower_name.startswith("margin") and "-" in value:
            continue  # a negative margin lays one thing over another
        kept.append(f"{node.lower_name}:{value}{' !important' if node.important else ''}")
    return ";".join(kept)


def _is_plain(value: Iterable[Node]) -> bool:
    for token in value:
        if token.type == "literal" and token.value in (",", "/"):
            continue
        if token.type == "function" and token.lower_name in FUNCTIONS and _is_plain(token.arguments):
            continue
        if token.type not in PLAIN_TOKENS or (token.type == "string" and not token.value.isprintable()):
            return False
    return True
