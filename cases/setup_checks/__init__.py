"""What `manage.py check_setup` looks at: is everything there that a mail needs on its way from a provider to a rep?

finding        what a check answers
surroundings   settings, database, broker, storage, the sweeper
organisation   the rows that administrators write: settings, default owner, addresses, permission sets
sending        who may send, the Email action, automatic answers and their templates
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cases.setup_checks import organisation, sending, surroundings
from cases.setup_checks.finding import Finding

__all__ = ["Finding", "check_setup"]

Check = Callable[[], Iterable[Finding]]

FROM_SETTINGS: tuple[Check, ...] = (
    surroundings.check_secrets,
    surroundings.check_provider_credentials,
    surroundings.check_inbound_domain,
    surroundings.check_public_url,
    surroundings.check_system_from,
    surroundings.check_outgoing_mail,
    surroundings.check_storage,
    surroundings.check_broker,
)
FROM_DATABASE: tuple[Check, ...] = (
    organisation.check_settings_row,
    organisation.check_default_owner,
    organisation.check_defaults,
    organisation.check_addresses,
    organisation.check_each_address,
    organisation.check_case_owners,
    organisation.check_connections,
    organisation.check_controlled_addresses,
    sending.check_senders,
    sending.check_email_action,
    sending.check_templates,
    sending.check_auto_responses,
    sending.check_questions,
    sending.check_canaries,
    surroundings.check_sweeper,
    surroundings.check_waiting_mail,
    surroundings.check_demo_users,
)


def check_setup() -> list[Finding]:
    """Every finding, good and bad, in an order that can be worked through. Changes nothing that stays."""
    database = list(surroundings.check_database())
    findings = database + [finding for check in FROM_SETTINGS for finding in check()]
    if all(finding.is_ok for finding in database):
        findings += [finding for check in FROM_DATABASE for finding in check()]
    return findings
