"""What is wrong with a configuration, and where."""

from __future__ import annotations

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError


class ConfigurationError(ValueError):
    """A value that cannot be used. `where` names it as in the file: `queues[2] (Billing).members[0]`.

    `line` is its line there, when the file is known.
    """

    line: int | None = None

    def __init__(self, where: str, problem: str) -> None:
        self.where = where
        self.problem = problem
        super().__init__(f"{where}: {problem}" if where else problem)


def configuration_error(where: str, error: ValidationError) -> ConfigurationError:
    """The first problem of a model's validation, at the field it names."""
    if not hasattr(error, "error_dict"):
        return ConfigurationError(where, " ".join(error.messages))
    field, messages = next(iter(error.message_dict.items()))
    place = where if field == NON_FIELD_ERRORS else f"{where}.{field}" if where else field
    return ConfigurationError(place, " ".join(messages))
