"""Durations and shares as the dashboard shows them."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext as _

register = template.Library()


@register.filter("duration")
def duration_in_words(seconds: float | None) -> str:
    """Two units at most: "3 d 4 h"; "–" for nothing."""
    if seconds is None:
        return "–"
    minutes = int(seconds // 60)
    if minutes < 1:
        return _("%(seconds)s s") % {"seconds": int(seconds)}
    if minutes < 60:
        return _("%(minutes)s min") % {"minutes": minutes}
    if minutes < 48 * 60:
        return _("%(hours)s h %(minutes)s min") % {"hours": minutes // 60, "minutes": minutes % 60}
    return _("%(days)s d %(hours)s h") % {"days": minutes // 1440, "hours": minutes % 1440 // 60}


@register.filter("share")
def share_in_words(part: float | None) -> str:
    """Of 0 to 1, in whole per cent; "–" for nothing."""
    return "–" if part is None else _("%(percent)s %%") % {"percent": round(part * 100)}
