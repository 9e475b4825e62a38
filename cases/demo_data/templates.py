"""Templates and quick texts of the demonstration."""

from __future__ import annotations

from routing.models import EmailTemplate, QuickText, RecordType, RoutingAddress

TEMPLATES = (
    {
        "name": "We got your mail",
        "subject": "We got your mail (case {{ case.number }})",
        "html_body": "<p>Hello {{ customer.first_name|there }},</p><p>thank you for writing. "
        "Somebody reads your mail and answers within a working day. "
        "Just answer to this mail if there is more to say.</p><p>{{ address.name|We }}</p>",
    },
    {
        "name": "Ask for the order number",
        "html_body": "<p>Hello {{ customer.first_name|there }},</p><p>I would like to look into this. "
        "Which order is it? The number stands in the mail that confirmed it.</p><p>Kind regards<br>{{ rep.name }}</p>",
    },
    {
        "name": "How did it go?",
        "subject": "How did it go with case {{ case.number }}?",
        "html_body": "<p>Hello {{ customer.first_name|there }},</p><p>your case is closed. Would you tell us how it "
        "went? Two buttons, no account:</p><p>{{ satisfaction.link }}</p><p>{{ address.name|We }}</p>",
    },
    {
        "name": "Invoice corrected",
        "html_body": "<p>Hello {{ customer.name|there }},</p><p>the invoice of case {{ case.number }} "
        "was corrected on {{ today }}; the new one is attached.</p><p>Kind regards<br>{{ rep.name }}</p>",
    },
    {
        "name": "Wir melden uns",
        "language": "de",
        "html_body": "<p>Guten Tag {{ customer.name|zusammen }},</p><p>wir kümmern uns darum "
        "und melden uns bis morgen.</p><p>Freundliche Grüße<br>{{ rep.name }}</p>",
    },
)
QUICK_TEXTS = (
    ("thanks", "Thanks for writing", "Thank you for writing, {{ customer.first_name|and for your patience }}."),
    ("sorry", "Sorry for the delay", "I am sorry that this took so long."),
    ("hours", "Opening hours", "We answer from Monday to Friday, 9 to 17 o'clock."),
)


def write_demo_templates(*, billing: RoutingAddress) -> None:
    """Once: on an instance that has templates, nothing is touched."""
    if EmailTemplate.objects.exists() or QuickText.objects.exists():
        return
    made = {fields["name"]: EmailTemplate.objects.create(**fields) for fields in TEMPLATES}
    QuickText.objects.bulk_create(QuickText(shortcut=code, name=name, body=body) for code, name, body in QUICK_TEXTS)
    RecordType.objects.filter(name="Billing", default_from__isnull=True).update(
        default_from=billing, default_template=made["Invoice corrected"]
    )
