
import django.db.models.functions.comparison
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('cases', '0009_search_index'),
        ('routing', '0006_template_languages'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='case',
            name='case_by_opening',
        ),
        migrations.AddIndex(
            model_name='approval',
            index=models.Index(condition=models.Q(('state', 'waiting')), fields=['case'], name='approval_waiting'),
        ),
        migrations.AddIndex(
            model_name='case',
            index=models.Index(fields=['-created_at', '-id'], name='case_by_opening'),
        ),
        migrations.AddIndex(
            model_name='case',
            index=models.Index(models.Case(models.When(priority='High', then=models.Value(0)), models.When(priority='Medium', then=models.Value(1)), default=models.Value(2), output_field=models.SmallIntegerField()), models.OrderBy(models.F('last_activity_at'), descending=True), models.OrderBy(models.F('id'), descending=True), condition=models.Q(('closed_at__isnull', True)), name='case_open_by_priority'),
        ),
        migrations.AddIndex(
            model_name='case',
            index=models.Index(models.OrderBy(models.F('awaiting'), descending=True), django.db.models.functions.comparison.Coalesce('last_inbound_at', 'created_at'), models.F('id'), condition=models.Q(('closed_at__isnull', True)), name='case_open_by_waiting'),
        ),
    ]
