"""Routing's part of a configuration file, in the order of an import: what is named comes before what names it."""

from __future__ import annotations

from routing.configuration.email_action import EmailAction
from routing.configuration.importing import Section
from routing.configuration.organisation import OrganisationHours, RecordTypes, ServiceLevels, Settings
from routing.configuration.people import Groups, Queues, RepCapacity, Skills, Users
from routing.configuration.sending import Connections, PermissionSets, RoutingAddresses
from routing.configuration.strategies import AssignmentRules, Flows


def routing_sections() -> list[Section]:
    return [
        Groups(),
        Users(),
        Queues(),
        Skills(),
        RepCapacity(),
        RecordTypes(),
        OrganisationHours(),
        ServiceLevels(),
        Settings(),
        Connections(),
        AssignmentRules(),
        Flows(),
        RoutingAddresses(),
        EmailAction(),
        PermissionSets(),
    ]
