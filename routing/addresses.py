"""Read mail addresses as tolerantly as the world writes them, and compare them as mail servers do. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import idna

__all__ = [
    "MAX_ADDRESSES",
    "MailAddress",
    "ascii_domain",
    "display_address",
    "domain_of",
    "normalise_address",
    "read_address_list",
    "read_sender",
    "strip_plus_tag",
]

# One header names at most this many addresses to us; the rest of such a header is not read.
MAX_ADDRESSES = 2000
# RFC 5321 section 4.5.3.1.3: a path has 256 characters, its brackets among them (RFC 3696, erratum 1690). No mail can
# be sent to a longer one, and cut to what a column holds it would be another address.
MAX_ADDRESS_LENGTH = 254


@dataclass(frozen=True, slots=True)
class MailAddress:
    """One address with its display name. `address` is normalised: lower case, IDN domain in A-label form."""

    name: str
    address: str


# --- one address -----------------------------------------------------------------------------------------------------

_PLAIN_ADDRESS = re.compile(
    r"[^\s@\"<>(),;:\\\[\]\x00-\x1f\x7f-\x9f\ufffd\ud800-\udfff]+@[a-z0-9_-]+(?:\.[a-z0-9_-]+)*"
)
_QUOTED_LOCAL = re.compile(r'"(?:[^"\\\x00-\x1f\x7f\ufffd\ud800-\udfff]|\\[ -~])+"')
_LOCAL = re.compile(r"[^\s@\"<>(),;:\\\[\]\x00-\x1f\x7f-\x9f\ufffd\ud800-\udfff]+")
_DOMAIN = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
_DOMAIN_LITERAL = re.compile(r"\[[0-9a-z.:-]+\]")
_JUNK_BEFORE = " \t\r\n<>,;\u200b\ufeff"
_JUNK_AFTER = " \t\r\n<>,;.\u200b\ufeff"


def normalise_address(text: str) -> str | None:
    """The one spelling under which an address is stored and compared; None if the text is not one address.

    The whole address is lower-cased: RFC 5321 lets a server tell upper from lower case in the local part, none does.
    An internationalised domain becomes A-labels (RFC 5891). Blanks, brackets, quotes around it and "mailto:" go.
    """
    if len(text) > 2 * MAX_ADDRESS_LENGTH:
        return None
    address = text.strip(_JUNK_BEFORE).rstrip(_JUNK_AFTER).lower()
    if address.startswith("mailto:"):
        address = address[len("mailto:") :].partition("?")[0]
    if len(address) > 2 and address[0] == address[-1] and address[0] in "'\"`":
        address = address[1:-1].strip()
    if len(address) > MAX_ADDRESS_LENGTH:
        return None
    if address.isascii() and _PLAIN_ADDRESS.fullmatch(address):
        return address
    local, at, domain = address.rpartition("@")
    if not at or not (_LOCAL.fullmatch(local) or _QUOTED_LOCAL.fullmatch(local)):
        return None
    encoded = ascii_domain(domain)
    return f"{unicodedata.normalize('NFC', local)}@{encoded}" if encoded else None


def ascii_domain(domain: str) -> str | None:
    """The domain lower-cased and in A-labels; None if no mail server could be named so."""
    domain = domain.strip().rstrip(".").lower()
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii").lower()
        except (idna.IDNAError, UnicodeError):
            try:
                # Domains that IDNA 2008 forbids (emoji and others) are registered and send mail: IDNA 2003 reads them.
                domain = domain.encode("idna").decode("ascii").lower()
            except (UnicodeError, ValueError):
                return None
    if _DOMAIN.fullmatch(domain) or _DOMAIN_LITERAL.fullmatch(domain):
        return domain
    return None


def display_address(address: str) -> str:
    """The address as a person reads it: A-labels of the domain in their own script. Never raises."""
    local, at, domain = address.rpartition("@")
    if "xn--" not in domain:
        return address
    try:
        return f"{local}{at}{idna.decode(domain)}"
    except (idna.IDNAError, UnicodeError):
        return address


def domain_of(address: str) -> str:
    """The domain of a normalised address; "" when there is none."""
    return address.rpartition("@")[2] if "@" in address else ""


def strip_plus_tag(address: str) -> tuple[str, str]:
    """`("support@x.example", "tag")` for `support+tag@x.example`; the tag is "" when there is none."""
    local, at, domain = address.rpartition("@")
    base, plus, tag = local.partition("+")
    if not at or not plus or not base or local.startswith('"'):
        return address, ""
    return f"{base}@{domain}", tag


# --- lists of addresses ----------------------------------------------------------------------------------------------

# An encoded word (RFC 2047) is one piece whatever it holds: senders put raw commas, quotes and brackets into them, and
# what it decodes to must never be taken for a separator or an address.
_TOKEN = re.compile(r"=\?[^?\s]{1,80}\?[bq]\?[^?\r\n]{0,2000}\?=|[^\s\"<>(),;:]+|\s+|.", re.IGNORECASE | re.DOTALL)
_QUOTED_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_COMMENT_EDGE = re.compile(r"\\.|[()]", re.DOTALL)
_AROUND_AT = re.compile(r"\s*([@.])\s*")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


@dataclass(slots=True)
class _Mailbox:
    """What stands between two separators of an address list."""

    # (text, is_quoted, has_blank_before)
    words: list[tuple[str, bool, bool]] = field(default_factory=list)
    angles: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)

    def bare_text(self, *, with_quotes: bool) -> str:
        parts: list[str] = []
        for text, is_quoted, has_blank in self.words:
            parts.append(" " if has_blank and parts else "")
            parts.append(f'"{text}"' if is_quoted and with_quotes else text)
        return "".join(parts)


@dataclass(frozen=True, slots=True)
class _Found:
    address: MailAddress
    # Other programs would read another address out of the same text.
    is_doubtful: bool = False


def read_address_list(header_text: str, *, decode: Callable[[str], str] | None = None) -> list[MailAddress]:
    """Every address of a To, Cc, Reply-To ... header in order (RFC 5322 section 3.4), at most MAX_ADDRESSES of them.

    `header_text` is the raw text of the header; `decode` reads the encoded words of a display name after the list was
    split. Never raises; what holds no address is left out; time is linear in the length.
    """
    return [found.address for found in _find_addresses(header_text, decode or _keep)]


def read_sender(
    from_headers: Sequence[str], *, decode: Callable[[str], str] | None = None
) -> tuple[MailAddress | None, tuple[MailAddress, ...], bool]:
    """(the sender, every address found, whether programs could disagree who sent it), from all From headers of a mail.

    Two headers, two addresses, and an address unquoted beside another one in angle brackets are ambiguous. A quoted
    display name that looks like an address is not: RFC 5322 leaves no doubt which of the two is the address.
    """
    found: list[_Found] = []
    for text in from_headers[:10]:
        found.extend(_find_addresses(text, decode or _keep))
    senders = tuple(each.address for each in found[:MAX_ADDRESSES])
    is_ambiguous = len(from_headers) > 1 or len(found) > 1 or any(each.is_doubtful for each in found)
    return (senders[0] if senders else None), senders, is_ambiguous


def _keep(text: str) -> str:
    return text


def _find_addresses(text: str, decode: Callable[[str], str]) -> list[_Found]:
    found: list[_Found] = []
    for mailbox in _split(text):
        found.extend(_read_mailbox(mailbox, decode))
        if len(found) >= MAX_ADDRESSES:
            break
    if not found and "=?" in text:
        # Some programs encode the whole header, address included. Readable, but not what the standard says it is.
        decoded = decode(text)
        if decoded != text and "=?" not in decoded:
            found = [_Found(each.address, is_doubtful=True) for each in _find_addresses(decoded, _keep)]
    return found[:MAX_ADDRESSES]


def _split(text: str) -> Iterator[_Mailbox]:
    """Cut a list at its commas and semicolons. The end of an opener is searched in vain once at most: linear time."""
    mailbox, position, has_blank = _Mailbox(), 0, False
    quotes_close = comments_close = True
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            break
        piece, position = match.group(), match.end()
        if piece.isspace():
            has_blank = True
            continue
        if piece == '"' and quotes_close:
            quoted = _QUOTED_STRING.match(text, position - 1)
            quotes_close = quoted is not None
            if quoted:
                mailbox.words.append((_QUOTED_PAIR.sub(r"\1", quoted.group(1)), True, has_blank))
                position = quoted.end()
        elif piece == "(" and comments_close:
            end = _comment_end(text, position)
            comments_close = end > 0
            if end > 0:
                mailbox.comments.append(_QUOTED_PAIR.sub(r"\1", text[position : end - 1]))
                position, has_blank = end, True
                continue
        elif piece == "<":
            position, content = _angle_content(text, position)
            mailbox.angles.append(content)
        elif piece in ",;":
            yield mailbox
            mailbox = _Mailbox()
        elif piece == ":" and not mailbox.angles:
            mailbox.words.clear()  # what stood before was the name of a group
        elif piece not in '"()<>:':
            mailbox.words.append((piece, False, has_blank))
        has_blank = False
    yield mailbox


def _comment_end(text: str, position: int) -> int:
    """Index behind the bracket that closes the comment opened before `position`; -1 if nothing does."""
    depth = 1
    for edge in _COMMENT_EDGE.finditer(text, position):
        if edge.group() == "(":
            depth += 1
        elif edge.group() == ")":
            depth -= 1
            if depth == 0:
                return edge.end()
    return -1


_ANGLE_EDGE = re.compile(r"[<>]")
_SEPARATOR = re.compile(r"[,;]")


def _angle_content(text: str, position: int) -> tuple[int, str]:
    """(index behind it, content) of the angle brackets opened before `position`, closed or not."""
    edge = _ANGLE_EDGE.search(text, position)
    end = edge.start() if edge else len(text)
    if edge is None or edge.group() == "<":
        separator = _SEPARATOR.search(text, position, end)
        end = separator.start() if separator else end
        return end, text[position:end]
    content = text[position:end]
    if content.lstrip().startswith("@"):
        content = content.rpartition(":")[2]  # RFC 5322 section 4.4: an old source route
    return end + 1, content


def _read_mailbox(mailbox: _Mailbox, decode: Callable[[str], str]) -> list[_Found]:
    bracketed = [address for angle in mailbox.angles if (address := _bare_address(angle))]
    if not bracketed:
        return _read_unbracketed(mailbox, decode)
    name = mailbox.bare_text(with_quotes=False) or " ".join(mailbox.comments)
    others = {other for other in _addresses_among(mailbox.words) if other != bracketed[0]}
    found = [_Found(MailAddress(_clean_name(decode(name)), bracketed[0]), bool(others))]
    found.extend(
        _Found(MailAddress("", other), True) for other in dict.fromkeys(bracketed[1:]) if other != bracketed[0]
    )
    if bracketed[0].startswith('"') and "@" in bracketed[0].rpartition("@")[0]:
        # "casey@a.example"@b.example: legal, and read differently everywhere.
        found[0] = _Found(found[0].address, True)
    return found


_INNER_COMMENT = re.compile(r"\((?:[^()\\]|\\.)*\)", re.DOTALL)


def _bare_address(text: str) -> str | None:
    if "(" in text and len(text) < 1000:
        text = _INNER_COMMENT.sub("", text)
    return normalise_address(text) or (normalise_address(_AROUND_AT.sub(r"\1", text)) if len(text) < 1000 else None)


def _addresses_among(words: Sequence[tuple[str, bool, bool]]) -> list[str]:
    """Addresses that stand in a display name without quotes around them."""
    chunks: list[str] = []
    for text, is_quoted, has_blank in words:
        if is_quoted:
            chunks.append("")
        elif has_blank or not chunks:
            chunks.append(text)
        else:
            chunks[-1] += text
    return [address for chunk in chunks if "@" in chunk and (address := normalise_address(chunk))]


def _read_unbracketed(mailbox: _Mailbox, decode: Callable[[str], str]) -> list[_Found]:
    """`casey@example.net`, `casey@example.net (Casey)`, and the many ways of getting that wrong."""
    if not mailbox.words:
        return []
    whole = mailbox.bare_text(with_quotes=True)
    if address := _bare_address(whole):
        is_doubtful = address.startswith('"') and "@" in address.rpartition("@")[0]
        return [_Found(MailAddress(_clean_name(decode(" ".join(mailbox.comments))), address), is_doubtful)]
    plain = [word for word in mailbox.words if not word[1]]
    if addresses := _addresses_among(mailbox.words):
        if len(addresses) > 1:
            return [_Found(MailAddress("", address), True) for address in addresses]
        kept = [text for text, _, _ in mailbox.words if normalise_address(text) != addresses[0]]
        return [_Found(MailAddress(_clean_name(decode(" ".join(kept))), addresses[0]))]
    if not plain and "@" in whole:
        # The whole mailbox in quotes, brackets and all: no standard allows it, several programs write it.
        inner = mailbox.bare_text(with_quotes=False).replace('"', " ")
        return [
            _Found(each.address, True)
            for part in _split(inner)
            if part.angles or any("@" in text for text, _, _ in part.words)
            for each in _read_mailbox(_without_quoted(part), decode)
        ]
    return []


def _without_quoted(mailbox: _Mailbox) -> _Mailbox:
    return _Mailbox([word for word in mailbox.words if not word[1]], mailbox.angles, mailbox.comments)


def _clean_name(name: str) -> str:
    name = " ".join(_UNPRINTABLE.sub(" ", name).split())
    if len(name) > 1 and name[0] == name[-1] and name[0] in "'\"":
        name = name[1:-1].strip()
    return name[:1000] if name.strip("()<>'\" ") else ""
