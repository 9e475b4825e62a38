"""What the headers of a mailing list say (RFC 2369, RFC 2919, and older list managers). Pure."""

from __future__ import annotations

from cases.inbound.parsed import ParsedEmail

_LIST_HEADERS = ("List-Id", "List-Post", "Mailing-List", "X-Mailing-List", "X-BeenThere", "X-Mailman-Version")
# Set by list managers that carry discussions, some of them (Yahoo, ezmlm) with Precedence: bulk and no List-Post.
_DISCUSSION_HEADERS = ("Mailing-List", "X-Mailing-List", "X-BeenThere", "X-Google-Group-Id")


def is_list_mail(email: ParsedEmail) -> bool:
    """Whether the mail came through a mailing list (RFC 2919, RFC 2369), whoever wrote it."""
    if any(email.header(name).strip() for name in _LIST_HEADERS):
        return True
    return precedence_of(email) == "list"


def list_takes_posts(email: ParsedEmail) -> bool:
    """Whether the list carries people's mail, whatever its Precedence (older Mailman: "bulk")."""
    # RFC 2369 section 3.4: "NO" says that nobody may post.
    return "@" in email.header("List-Post") or any(email.header(name) for name in _DISCUSSION_HEADERS)


def came_by_list_owner(email: ParsedEmail) -> bool:
    """Majordomo and old list managers set Precedence: bulk on people's posts and name an owner as Sender."""
    for name in ("Sender", "Errors-To", "Return-Path"):
        local = email.header(name).strip().strip("<>").rpartition("<")[2].partition("@")[0].lower()
        if local.startswith("owner-") or local.endswith(("-owner", "-request", "-errors", "-admin", "-bounces")):
            return True
    return False


def precedence_of(email: ParsedEmail) -> str:
    """The Precedence header in lower case, "" without one; no standard defines it (RFC 2076 section 3.9)."""
    return email.header("Precedence").strip().lower()
