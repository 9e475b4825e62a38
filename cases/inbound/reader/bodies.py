"""Choose what of a tree of parts is the text of the mail, and what its files are."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, MutableSet
from dataclasses import dataclass, field

from cases.inbound.parsed import ParsedAttachment
from cases.inbound.reader.charsets import clean_text, decode_as, decode_body, decode_header_bytes, one_line
from cases.inbound.reader.fields import read_fields, unfold
from cases.inbound.reader.headers import header_text
from cases.inbound.reader.limits import Limits, Tnef, TnefFound
from cases.inbound.reader.parts import Part
from cases.inbound.reader.tnef import unpack_tnef
from cases.inbound.reader.transfer import take_embedded_files

__all__ = ["Contents", "join_bodies", "read_contents", "unwrap_flowed"]


@dataclass(frozen=True, slots=True)
class _Body:
    """The text of one part or of several that say the same: either form may be "" ."""

    text: str = ""
    html: str = ""

    def __bool__(self) -> bool:
        return bool(self.text or self.html)


@dataclass(slots=True)
class Contents:
    """What a mail holds: its text in both forms and its files."""

    text: str = ""
    html: str = ""
    attachments: list[ParsedAttachment] = field(default_factory=list)


def read_contents(root: Part, limits: Limits, defects: MutableSet[str], *, tnef: Tnef, charset: str = "") -> Contents:
    """Read every part: one body of each form, the rest as files in order. Raises TnefFound if asked to."""
    collector = _Collector(limits, defects, tnef, charset)
    body = collector.read(root, parent_type="")
    if not body:
        body = collector.last_resort(root)
    contents = Contents(_cut(body.text, limits, defects), _cut(body.html, limits, defects), collector.attachments)
    if collector.tnef_body and not contents.text.strip() and not contents.html.strip():
        contents.text, contents.html = (_cut(each, limits, defects) for each in collector.tnef_body)
    elif collector.tnef_body:
        collector.keep_tnef_body()
    return contents


def _cut(text: str, limits: Limits, defects: MutableSet[str]) -> str:
    if len(text) <= limits.text:
        return text
    defects.add("text_cut")
    return text[: limits.text]


class _Collector:
    def __init__(self, limits: Limits, defects: MutableSet[str], tnef: Tnef, charset: str) -> None:
        self.limits = limits
        self.defects = defects
        self.tnef = tnef
        self.charset = charset  # a person's word; "" for each part's own
        self.attachments: list[ParsedAttachment] = []
        self.tnef_body: tuple[str, str] | None = None
        self._stored = 0
        self._shown = 0
        # The first text that is a file, but not by "attachment": also the body of a mail that has no other.
        self._spare: Part | None = None

    def read(self, part: Part, *, parent_type: str) -> _Body:
        """The body that this part gives; files are collected on the way. Recursion is as deep as Limits.depth."""
        if part.children:
            bodies = [self.read(child, parent_type=part.content_type) for child in part.children]
            if part.content_type == "multipart/alternative":
                return _best_of(bodies)
            if part.content_type == "multipart/related" and _is_mislabelled_alternative(part):
                return _best_of(bodies)
            return join_bodies(bodies)
        if self._is_body(part, parent_type):
            return self._read_body(part)
        if part.main_type == "text" and part.disposition != "attachment":
            if self._spare is None and part.content_type != "text/calendar":
                self._spare = part
            if parent_type == "multipart/alternative" and not part.file_name and part.content_type != "text/calendar":
                return _Body()  # another form of the same text, such as text/enriched or text/x-amp-html
        self._add_file(part)
        return _Body()

    def _is_body(self, part: Part, parent_type: str) -> bool:
        if part.content_type not in ("text/plain", "text/html", "application/xhtml+xml"):
            return False
        if part.disposition == "attachment" or part.is_encoding_unknown:
            return False
        # A name makes a file of a text, but not where only a body can stand.
        return not part.file_name or parent_type in ("", "multipart/alternative")

    def _read_body(self, part: Part) -> _Body:
        content = part.content(self.defects)
        if self._shown > 2 * self.limits.text:
            self.defects.add("text_cut")
            return _Body()
        is_html = part.content_type != "text/plain"
        if not is_html and b"begin" in content:
            content, files = take_embedded_files(content)
            for file in files:
                name = one_line(decode_header_bytes(file.name, part.charset))
                self._store(ParsedAttachment(name, "application/octet-stream", file.content))
        text = self._decode(content, part, is_html=is_html)
        self._shown += len(text)
        if is_html:
            return _Body(html=text)
        if part.type_parameters.get("format", "").lower() == "flowed":
            text = unwrap_flowed(text, delete_space=part.type_parameters.get("delsp", "").lower() == "yes")
        return _Body(text=text)

    def _decode(self, content: bytes, part: Part, *, is_html: bool) -> str:
        if self.charset:
            return decode_as(content, self.charset)
        return decode_body(content, part.charset, is_html=is_html, defects=self.defects)

    def last_resort(self, root: Part) -> _Body:
        """The body of a mail that has none by the rules: a text that is a file, or what stands before it."""
        part = self._spare
        if part is not None and not part.is_encoding_unknown:
            is_html = part.content_type == "text/html"
            text = self._decode(part.content(set()), part, is_html=is_html)
            return _Body(html=text) if is_html else _Body(text=text)
        if root.children and not self.attachments and root.preamble_end > root.body_start:
            text = self._decode(root.raw[root.body_start : root.preamble_end], root, is_html=False)
            return _Body(text=text)
        return _Body()

    def keep_tnef_body(self) -> None:
        """Outlook's text beside one that a gateway put into the mail is kept as a file."""
        text, page = self.tnef_body or ("", "")
        if page:
            self._store(ParsedAttachment("body.html", "text/html", page.encode()))
        elif text:
            self._store(ParsedAttachment("body.txt", "text/plain", text.encode()))

    def _add_file(self, part: Part) -> None:
        content_type, name = part.content_type, part.file_name
        # A multipart is kept with its headers: they name the boundary.
        content = part.entity() if part.main_type == "multipart" else part.content(self.defects)
        if content_type == "message/rfc822" and not name:
            name = self._name_of_mail(content)
        if content_type in ("application/ms-tnef", "application/vnd.ms-tnef") or name.lower() == "winmail.dat":
            if self.tnef is Tnef.REFUSE:
                raise TnefFound
            unpacked = unpack_tnef(content, self.defects) if self.tnef is Tnef.UNPACK else None
            if unpacked is not None:
                self.tnef_body = self.tnef_body or (unpacked.text, unpacked.html)
                for file in unpacked.attachments:
                    self._store(file)
                return
        may_be_inline = part.disposition != "attachment" and part.main_type in ("image", "audio", "video")
        is_inline = may_be_inline and bool(part.content_id)
        self._store(ParsedAttachment(name, content_type, content, inline=is_inline, content_id=part.content_id[:998]))

    def _name_of_mail(self, content: bytes) -> str:
        fields, _ = read_fields(content, 0, min(len(content), 64_000), self.limits, set(), is_root=True)
        subject = next((each.value for each in fields if each.name.lower() == "subject"), b"")
        name = header_text(decode_header_bytes(unfold(subject)))
        return f"{name[:200]}.eml" if name else "message.eml"

    def _store(self, attachment: ParsedAttachment) -> None:
        if len(self.attachments) >= self.limits.attachments:
            self.defects.add("attachments_cut")
            return
        self._stored += len(attachment.content)
        if self._stored > self.limits.unpacked:
            self.defects.add("attachments_cut")
            return
        self.attachments.append(attachment)


def _best_of(bodies: Iterable[_Body]) -> _Body:
    """Of a multipart/alternative: the last of each form, for later ones are richer (RFC 2046 section 5.1.4)."""
    text = page = ""
    for body in bodies:
        text = body.text if body.text.strip() else text
        page = body.html if body.html.strip() else page
    return _Body(text, page)


def _is_mislabelled_alternative(part: Part) -> bool:
    types = [child.content_type for child in part.children if child.main_type == "text" and not child.content_id]
    return sorted(types) == ["text/html", "text/plain"]


def join_bodies(bodies: Iterable[_Body]) -> _Body:
    """One body of several that follow each other: nothing that one form lacks is lost from the other."""
    filled = [body for body in bodies if body.text.strip() or body.html.strip()]
    if len(filled) < 2:
        return filled[0] if filled else _Body()
    pages = [body for body in filled if body.html]
    if not pages:
        return _Body("\n".join(body.text.removesuffix("\n") for body in filled[:-1]) + "\n" + filled[-1].text)
    if len(filled) == 2 and _say_the_same(filled[0], filled[1]):
        return _Body(filled[0].text or filled[1].text, filled[0].html or filled[1].html)
    has_text = any(body.text for body in filled)
    text = "\n\n".join((body.text or rough_text(body.html)).strip("\n") for body in filled) if has_text else ""
    return _Body(text, "\n".join(body.html or _as_html(body.text) for body in filled))


_WORDS = re.compile(r"\w+")


def _say_the_same(first: _Body, second: _Body) -> bool:
    """Whether a text and an HTML part beside each other are two forms of one text, wrongly declared as two texts."""
    if bool(first.text) == bool(second.text) or bool(first.html) == bool(second.html):
        return False
    text = "".join(_WORDS.findall((first.text or second.text)[:2000]))[:200]
    page = "".join(_WORDS.findall(rough_text((first.html or second.html)[:50_000])))[:200]
    length = min(len(text), len(page))
    return length > 0 and text[:length] == page[:length] and length * 2 > max(len(text), len(page))


def _as_html(text: str) -> str:
    return f'<div style="white-space: pre-wrap">{html.escape(text)}</div>'


_BREAK = re.compile(r"<(?:br|/p|/div|/tr|/h[1-6]|/li)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[a-zA-Z/!][^<>]*>")
_ROUGH_LIMIT = 200_000


def rough_text(page: str) -> str:
    """Words of an HTML text for the plain form of a mixed mail. Not for showing: that is made from the HTML itself."""
    page = page[:_ROUGH_LIMIT]
    for name in ("script", "style", "head"):
        page = _without_element(page, name)
    return clean_text(html.unescape(_TAG.sub("", _BREAK.sub("\n", page)))).strip()


def _without_element(page: str, name: str) -> str:
    """The page without the elements of that name; one that is never closed hides nothing. Linear."""
    lowered, kept, position = page.lower(), [], 0
    while (start := lowered.find(f"<{name}", position)) >= 0:
        end = lowered.find(f"</{name}", start)
        if end < 0:
            break
        kept.append(page[position:start])
        close = lowered.find(">", end)
        position = close + 1 if close >= 0 else len(page)
    return "".join(kept) + page[position:] if len(lowered) == len(page) else page


def unwrap_flowed(text: str, *, delete_space: bool) -> str:
    """Join the soft line breaks of format=flowed text (RFC 3676). Quotes keep their marks; signatures stay apart."""
    lines: list[str] = []
    paragraph: list[str] = []
    paragraph_depth = 0
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        content = line[depth:]
        content = content[1:] if content.startswith(" ") else content  # section 4.4: space-stuffing
        if paragraph and depth != paragraph_depth:
            lines.append(_quoted("".join(paragraph), paragraph_depth))
            paragraph = []
        paragraph_depth = depth
        is_signature_mark = content == "-- "
        if is_signature_mark and paragraph:
            lines.append(_quoted("".join(paragraph), depth))
            paragraph = []
        if content.endswith(" ") and not is_signature_mark:
            paragraph.append(content[:-1] if delete_space else content)
            continue
        paragraph.append(content)
        lines.append(_quoted("".join(paragraph), depth))
        paragraph = []
    if paragraph:
        lines.append(_quoted("".join(paragraph), paragraph_depth))
    return "\n".join(lines)


def _quoted(text: str, depth: int) -> str:
    return f"{'>' * depth} {text}" if depth else text
