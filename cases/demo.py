"""Users of the demonstration. They exist in demo mode only: start-up and check_setup look for them elsewhere."""

from __future__ import annotations

from django.contrib.auth.hashers import identify_hasher
from django.contrib.auth.models import User

# Known to everybody who reads this file; that is why production refuses to start on them.
DEMO_PASSWORDS = {"admin": "admin-demo", "rep": "rep-demo", "lead": "lead-demo"}
DEMO_USERS = tuple(DEMO_PASSWORDS)


def active_demo_users() -> list[str]:
    """Names of active users who can sign in with a password that this file tells. One slow hash for each name."""
    users = User.objects.filter(username__in=DEMO_USERS, is_active=True).order_by("username")
    return [user.username for user in users if _has_demo_password(user)]


def _has_demo_password(user: User) -> bool:
    try:
        identify_hasher(user.password)
    except ValueError:
        return False  # no password, or one of a hasher that is gone: nobody signs in with it
    return user.check_password(DEMO_PASSWORDS[user.username])
