"""Why a mail did not simply become a case. The slugs are a contract (docs/inbound.md); the words are for people."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Reason(models.TextChoices):
    # duplicate
    SAME_MAIL = "same_mail", _("This mail was received before; this is another delivery of it.")
    # held: waits, and goes on by itself or by a click
    OVER_LIMIT = "over_limit", _("The daily limit is reached; the mail is tried again when it resets.")
    LOOP_SUSPECTED = "loop_suspected", _("So many mails from one sender look like a loop.")
    SPAM_REVIEW = "spam_review", _("The provider calls it spam.")
    BULK_REVIEW = "bulk_review", _("Newsletters and notifications are held by the settings.")
    AUTHENTICATION_REVIEW = "authentication_review", _("The sender's domain says that the mail is not from there.")
    COMPLAINT_REVIEW = "complaint_review", _("A spam complaint about a mail that we do not know.")
    ADDRESS_INACTIVE = "address_inactive", _("The routing address is switched off.")
    DISABLED = "disabled", _("Email-to-Case is switched off.")
    # quarantined: needs a person
    NO_ROUTING_ADDRESS = "no_routing_address", _("None of its recipients is a routing address.")
    ADDRESS_DELETED = "address_deleted", _("The routing address was deleted.")
    PARSE_FAILED = "parse_failed", _("It could not be read as mail.")
    TOO_COMPLEX = "too_complex", _("Reading it would cost more than any honest mail does.")
    FAILED = "failed", _("It failed again and again; the last error is shown.")
    # rejected
    UNAUTHORIZED_SENDER = "unauthorized_sender", _("The routing address does not accept this sender.")
    BLOCKED_SENDER = "blocked_sender", _("The routing address blocks this sender.")
    OWN_LOOP = "own_loop", _("It comes from ourselves.")
    BOUNCE_UNMATCHED = "bounce_unmatched", _("A bounce of a mail that we did not send.")
    AUTOMATIC_UNMATCHED = "automatic_unmatched", _("An automatic answer to a mail that we did not send.")
    NOT_A_MAIL = "not_a_mail", _("The request holds no mail.")
    DISCARDED = "discarded", _("A person discarded it.")
