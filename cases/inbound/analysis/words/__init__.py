"""What mail programs, mail servers and people write, in their languages. Only data, and `folding` that compares it.

Written down from what Gmail, Outlook, Exchange, Apple Mail, Thunderbird, Yahoo, Notes, Proton, Zoho and mail servers
are known to write; only the part that real mails in tests/corpus hold is proven. A phrase that is missing is added
here; no rule knows a language.
"""
