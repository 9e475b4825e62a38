"""What a browser remembers of how its reader likes the console: cookies of its scripts (console/remember.js)."""

from __future__ import annotations

from typing import Any

from django import template

register = template.Library()


@register.simple_tag(takes_context=True)
def panel_choice(context: dict[str, Any]) -> str:
    """ "open" or "closed" as chosen; "": open where there is room."""
    chosen = context["request"].COOKIES.get("console_panel", "")
    return chosen if chosen in ("open", "closed") else ""
