"""Mail as people see it: HTML that runs nothing and fetches nothing, text with links, and one-line snippets.

Pure: no Django, no database. The order for HTML is tidy (bounded, well nested) -> nh3 (the judge of what is allowed)
-> a page of its own in a sandboxed frame with FRAME_POLICY; each of the three would hold alone.
"""

from cases.mail_html.clean import SafeHtml, safe_html
from cases.mail_html.folding import Fold, split_text
from cases.mail_html.text import hide_bidi_controls, html_as_text, snippet_of, text_to_html

# Content-Security-Policy of the page in the frame. `sandbox` repeats the attribute of the frame, for people who
# open its URL alone.
FRAME_SANDBOX = "allow-same-origin allow-popups allow-popups-to-escape-sandbox"
FRAME_POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    f"frame-ancestors 'self'; sandbox {FRAME_SANDBOX}"
)
# After a person asked for the pictures of this mail: still nothing but pictures, and none of them over plain HTTP.
FRAME_POLICY_WITH_IMAGES = FRAME_POLICY.replace("img-src 'self'", "img-src 'self' https:")

__all__ = [
    "FRAME_POLICY",
    "FRAME_POLICY_WITH_IMAGES",
    "FRAME_SANDBOX",
    "Fold",
    "SafeHtml",
    "hide_bidi_controls",
    "html_as_text",
    "safe_html",
    "snippet_of",
    "split_text",
    "text_to_html",
]
