"""What kind of mail this is, which part of it is new, and who vouches for it. Pure; computed before any verdict.

    automatic       bounce, report, receipt, absence, automatic reply, challenge, bulk, our own loop, or a person
      bounces       delivery failures: RFC 3464, then     known_forms   flufl.bounce, then words
      evidence      what beside words says "a server"     reports       the machine-readable parts
      lists         what mailing lists' headers say
    html_text       HTML -> lines that know their depth   lines         the same for plain text
    boundaries      where an earlier mail begins          replies       the new text
    forwards        the forwarded original                thanks        nothing but thanks
    language        in which language it is written, for who asks
    authentication  provider's verdict, a trusted server's, or computed
    words           what programs write, in their languages

Every rule reads a bounded part of the mail a fixed number of times.
"""

from __future__ import annotations

from cases.inbound.analysis.authentication import authenticate
from cases.inbound.analysis.automatic import find_origin
from cases.inbound.analysis.boundaries import find_boundaries
from cases.inbound.analysis.context import AnalysisContext
from cases.inbound.analysis.forwards import find_forward
from cases.inbound.analysis.html_text import html_to_text
from cases.inbound.analysis.lines import join_lines
from cases.inbound.analysis.replies import body_lines, new_lines
from cases.inbound.analysis.thanks import is_thanks
from cases.inbound.parsed import Analysis, ParsedEmail, ProviderFacts

__all__ = ["AnalysisContext", "analyse", "html_to_text"]


def analyse(email: ParsedEmail, facts: ProviderFacts, context: AnalysisContext, raw: bytes | None = None) -> Analysis:
    """Everything about a mail that can be told from the mail itself and from what its provider said.

    `raw` is the mail as received; without it (or without `context.resolver`) no signature is computed. Never raises
    for what a mail holds.
    """
    origin = find_origin(email, facts, context)
    lines = body_lines(email)
    boundaries = find_boundaries(lines)
    forwarded = None if origin.kind in _NEVER_FORWARDS else find_forward(email, lines, boundaries)
    if forwarded is not None:
        new_text = forwarded.comment
    elif origin.kind in _NEVER_FORWARDS:
        # A machine's words are shown whole: the mail it returns is part of what it says.
        new_text = join_lines(lines)
    else:
        # A mail that is all quote to our rules is shown as it is rather than as nothing.
        new_text = join_lines(new_lines(lines, boundaries)) or join_lines(lines)
    return Analysis(
        automatic_kind=origin.kind,
        automatic_because=origin.because,
        is_list_mail=origin.is_list_mail,
        bounce=origin.bounce,
        reply_text=new_text,
        forwarded=forwarded,
        authentication=authenticate(email, facts, context, raw),
        is_thanks=not origin.kind and forwarded is None and is_thanks(new_text, has_attachments=_has_files(email)),
    )


# Their attached mail is one they return, not one they forward.
_NEVER_FORWARDS = frozenset(("bounce", "feedback_report", "read_receipt", "challenge"))


def _has_files(email: ParsedEmail) -> bool:
    """Whether a file came along that a person attached; pictures of a signature and S/MIME signatures are none."""
    return any(
        not part.inline and not part.content_type.endswith(("pkcs7-signature", "pgp-signature", "x-pkcs7-signature"))
        for part in email.attachments
    )
