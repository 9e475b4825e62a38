"""What each mail service asks a domain to publish, so that mail which leaves through it is believed. Pure.

`source` is the service's own page, which a person is sent to; a comment says where a value stands, as checked last in
November 2026: on another page of the service, or in the template that it publishes for Domain Connect
(github.com/Domain-Connect/Templates). Names that stand in guides of others alone are marked so; where no key is found
under them, people are sent to the service's page. What could not be found at all is not here: "unknown" is better than
a wrong "to do".
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
    # Include: google.com.gsuite-shared of Domain Connect. Selector, where another prefix than "google" can be chosen:
    # https://support.google.com/a/answer/11611356.
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
    # which stay valid. The names stand in guides of others; its own page shows them to each account. The return path
    # is mta.<domain>, a CNAME to mailersend.net.
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
    # Both as in mailjet.com.domain-auth of Domain Connect; the key is a TXT.
    "mailjet": MailService(
        "Mailjet",
        "spf.mailjet.com",
        ("mailjet",),
        "https://documentation.mailjet.com/hc/en-us/articles/360042412734",
    ),
    # It asks for two CNAMEs for DKIM, and no more for SPF: its page. That they are rwmt1 and rwmt2, to the same at
    # dkim.smtp.mailtrap.live, stands in guides of others.
    "mailtrap": MailService(
        "Mailtrap",
        selectors=("rwmt1", "rwmt2"),
        source="https://docs.mailtrap.io/email-api-smtp/setup/sending-domain",
    ),
    # It asks for DKIM and DMARC, and no more for SPF (its page, and mailchimp.com.email-signing of Domain Connect):
    # the return path is at mandrillapp.com, or a CNAME of one's own. That the two CNAMEs are mte1 and mte2, to dkim1
    # and dkim2.mandrillapp.com, stands in guides of others.
    "mandrill": MailService(
        "Mandrill",
        selectors=("mte1", "mte2"),
        source="https://mailchimp.com/developer/transactional/docs/authentication-delivery/",
    ),
    # A server of one's own: its SPF include and the name of its key ("postal-" and six letters) are its own.
    "postal": MailService("Postal", source="https://docs.postalserver.io/getting-started/dns-configuration"),
    # The name of the key is its date; the return path pm-bounces.<domain> is a CNAME to pm.mtasv.net.
    "postmark": MailService("Postmark", source="https://postmarkapp.com/support/article/1092"),
    # TXT at "resend"; SPF and MX stand at the subdomain "send", which is the return path: resend.com.mail of Domain
    # Connect.
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
