from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.conf import settings
from django.db import migrations, models

LONGEST = 80


def make_labels_unique(apps: Any, schema_editor: Any) -> None:
    """The first of several rows of one name keeps it; the others are numbered: "Invoices (2)"."""
    for model_name, parent in (("RuleEntry", "rule_id"), ("FlowStep", "flow_id")):
        model = apps.get_model("routing", model_name)
        taken: dict[int, set[str]] = defaultdict(set)
        rows = list(model.objects.order_by("position", "pk"))
        for row in rows:
            taken[getattr(row, parent)].add(row.label)
        seen: set[tuple[int, str]] = set()
        for row in rows:
            owner = getattr(row, parent)
            if (owner, row.label) not in seen:
                seen.add((owner, row.label))
                continue
            number, label = 2, row.label
            while label in taken[owner]:
                ending = f" ({number})"
                label, number = row.label[: LONGEST - len(ending)] + ending, number + 1
            taken[owner].add(label)
            seen.add((owner, label))
            model.objects.filter(pk=row.pk).update(label=label)


class Migration(migrations.Migration):

    dependencies = [
        ('routing', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(make_labels_unique, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name='flowstep',
            constraint=models.UniqueConstraint(fields=('flow', 'label'), name='flow_step_label_unique', violation_error_message='Another step of this flow has this name already.'),
        ),
        migrations.AddConstraint(
            model_name='ruleentry',
            constraint=models.UniqueConstraint(fields=('rule', 'label'), name='rule_entry_label_unique', violation_error_message='Another entry of this rule has this name already.'),
        ),
    ]
