"""What each mail service asks a domain to publish, so that mail which leaves through it is believed. Pure.

`source` is the service's own page, which a person is sent to; a comment says where else a value was seen in use when
it was checked last, in November 2026. What could not be found in use is not here: "unknown" is better than a wrong
"to do".
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
    # Both as in https://mxio.io/providers/google-workspace; another prefix than "google" can be chosen there.
    "gmail": MailService(
        "Google Workspace", "_spf.google.com", ("google",), "https://support.google.com/a/answer/33786"
    ),
    # The two CNAMEs as in https://learn.microsoft.com/en-us/defender-office-365/email-authentication-dkim-configure.
    "microsoft365": MailService(
        "Microsoft 365",
        "spf.protection.outlook.com",
        ("selector1", "selector2"),
        "https://learn.microsoft.com/en-us/defender-office-365/email-authentication-spf-configure",
    ),
    # Its return path is a subdomain of amazonses.com, whose SPF record is Amazon's; a custom MAIL FROM is a subdomain
    # of ours with a record of its own: https://docs.aws.amazon.com/ses/latest/dg/send-email-authentication-spf.html.
    # The three DKIM names are tokens of each identity.
    "amazon_ses": MailService("Amazon SES", source="https://docs.aws.amazon.com/ses/latest/dg/mail-from.html"),
    # TXT at "mail": https://developers.brevo.com/docs/domain-authentication-and-verification; for domains added later
    # CNAMEs brevo1 and brevo2 to b1 and b2.<domain>.dkim.brevo.com. The return path is Brevo's own.
    "brevo": MailService(
        "Brevo",
        selectors=("brevo1", "brevo2", "mail"),
        source="https://help.brevo.com/hc/en-us/articles/12163873383186",
    ),
    # New domains: CNAMEs ms1 and ms2 to the same names at mailersend.net; before them mlsend2, first a TXT at mlsend,
    # which stay valid. The return path is mta.<domain>, a CNAME to mailersend.net.
    "mailersend": MailService(
        "MailerSend",
        selectors=("ms1", "ms2", "mlsend2", "mlsend"),
        source="https://www.mailersend.com/help/domain-verification",
    ),
    # Include: https://documentation.mailgun.com/docs/mailgun/user-manual/domains/domains-verify.
    # Each domain has a DKIM name of its own.
    "mailgun": MailService(
        "Mailgun", "mailgun.org", source="https://documentation.mailgun.com/docs/mailgun/user-manual/domains/"
    ),
    # Include: https://documentation.mailjet.com/hc/en-us/articles/360049641733. The key is a TXT at "mailjet".
    "mailjet": MailService(
        "Mailjet",
        "spf.mailjet.com",
        ("mailjet",),
        "https://documentation.mailjet.com/hc/en-us/articles/360042412734",
    ),
    # Two CNAMEs to rwmt1 and rwmt2.dkim.smtp.mailtrap.live; SPF is no more among the records that it asks for.
    "mailtrap": MailService(
        "Mailtrap",
        selectors=("rwmt1", "rwmt2"),
        source="https://docs.mailtrap.io/email-api-smtp/setup/sending-domain",
    ),
    # Two CNAMEs to dkim1 and dkim2.mandrillapp.com; include as in https://mxio.io/providers/mandrill.
    "mandrill": MailService(
        "Mandrill",
        "spf.mandrillapp.com",
        ("mte1", "mte2"),
        "https://mailchimp.com/developer/transactional/docs/authentication-delivery/",
    ),
    # A server of one's own: its SPF include and the name of its key ("postal-" and six letters) are its own.
    "postal": MailService("Postal", source="https://docs.postalserver.io/getting-started/dns-configuration"),
    # The name of the key is its date; the return path pm-bounces.<domain> is a CNAME to pm.mtasv.net.
    "postmark": MailService("Postmark", source="https://postmarkapp.com/support/article/1092"),
    # TXT at "resend"; SPF and MX stand at the subdomain "send", which is the return path.
    "resend": MailService(
        "Resend", selectors=("resend",), source="https://resend.com/docs/dashboard/domains/introduction"
    ),
    # With automated security, the default, two CNAMEs and a return path of its own; a custom selector is possible.
    "sendgrid": MailService(
        "SendGrid",
        selectors=("s1", "s2"),
        source="https://www.twilio.com/docs/sendgrid/ui/account-and-settings/how-to-set-up-domain-authentication",
    ),
    # The selector is made for each domain; the return path is a bounce domain, a CNAME to sparkpostmail.com.
    "sparkpost": MailService("SparkPost", source="https://developers.sparkpost.com/api/sending-domains"),
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
