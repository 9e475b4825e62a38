"""What mail programs, mail servers and people write, in their languages. Only data, and `folding` that compares it.

Collected from the programs' own interface languages: Gmail, Outlook, Exchange, Apple Mail, Thunderbird, Yahoo, Notes,
Proton, Zoho and the mail servers. A phrase that is missing here is added here; no rule knows a language.
"""
