"""What each mail service asks a domain to publish, so that mail which leaves through it is believed. Pure.

Values are those of the services' own pages (`source`), where also the keys of a single account stand.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SERVICES", "MailService", "service_of_host"]


@dataclass(frozen=True, slots=True)
class MailService:
    """`include`: what the SPF record of the From's domain names; "" where the service sends with a return path of its
    own, whose record it tells each customer. `selectors`: of its DKIM keys, () where each account has others.
    """

    name: str
    include: str = ""
    selectors: tuple[str, ...] = ()
    source: str = ""


SERVICES: dict[str, MailService] = {
    "gmail": MailService(
        "Google Workspace", "_spf.google.com", ("google",), "https://support.google.com/a/answer/33786"
    ),
    "microsoft365": MailService(
        "Microsoft 365",
        "spf.protection.outlook.com",
        ("selector1", "selector2"),
        "https://learn.microsoft.com/en-us/defender-office-365/email-authentication-spf-configure",
    ),
    "amazon_ses": MailService(
        "Amazon SES", "amazonses.com", source="https://docs.aws.amazon.com/ses/latest/dg/mail-from.html"
    ),
    "brevo": MailService(
        "Brevo",
        selectors=("brevo1", "brevo2", "mail"),
        source="https://help.brevo.com/hc/en-us/articles/12163873383186",
    ),
    "mailersend": MailService(
        "MailerSend", selectors=("mlsend", "mlsend2"), source="https://www.mailersend.com/help/domain-verification"
    ),
    "mailgun": MailService(
        "Mailgun", "mailgun.org", source="https://documentation.mailgun.com/docs/mailgun/user-manual/domains/"
    ),
    "mailjet": MailService(
        "Mailjet",
        "spf.mailjet.com",
        ("mailjet",),
        "https://documentation.mailjet.com/hc/en-us/articles/360042412734",
    ),
    "mailtrap": MailService(
        "Mailtrap",
        selectors=("rwmt1", "rwmt2"),
        source="https://docs.mailtrap.io/email-api-smtp/setup/sending-domain",
    ),
    "mandrill": MailService(
        "Mandrill",
        "spf.mandrillapp.com",
        ("mte1", "mte2"),
        "https://mailchimp.com/developer/transactional/docs/authentication-delivery/",
    ),
    "postal": MailService("Postal", source="https://docs.postalserver.io/getting-started/dns-configuration"),
    "postmark": MailService("Postmark", source="https://postmarkapp.com/support/article/1092"),
    "resend": MailService(
        "Resend", selectors=("resend",), source="https://resend.com/docs/dashboard/domains/introduction"
    ),
    "sendgrid": MailService(
        "SendGrid",
        selectors=("s1", "s2"),
        source="https://www.twilio.com/docs/sendgrid/ui/account-and-settings/how-to-set-up-domain-authentication",
    ),
    "sparkpost": MailService("SparkPost", source="https://support.sparkpost.com/docs/getting-started/"),
}
# Mail servers by the ends of their names.
HOSTS = {
    "gmail.com": "gmail",
    "google.com": "gmail",
    "office365.com": "microsoft365",
    "outlook.com": "microsoft365",
    "amazonaws.com": "amazon_ses",
    "brevo.com": "brevo",
    "sendinblue.com": "brevo",
    "mailersend.net": "mailersend",
    "mailgun.org": "mailgun",
    "mailjet.com": "mailjet",
    "mailtrap.io": "mailtrap",
    "mandrillapp.com": "mandrill",
    "postmarkapp.com": "postmark",
    "resend.com": "resend",
    "sendgrid.net": "sendgrid",
    "sparkpostmail.com": "sparkpost",
}


def service_of_host(host: str) -> MailService:
    """The service whose mail server this is; one of that name of which nothing is known otherwise."""
    name = host.lower().rstrip(".")
    for end, key in HOSTS.items():
        if name == end or name.endswith(f".{end}"):
            return SERVICES[key]
    return MailService(name)
