from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0005_send_decisions")]

    operations = [
        migrations.AddField(
            model_name="emailmessage", name="special_parts", field=models.JSONField(blank=True, default=dict)
        ),
        migrations.AlterField(
            model_name="caseevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("case_opened", "Case opened"),
                    ("email_added", "Email added"),
                    ("bounce_added", "Delivery failed"),
                    ("owner_assigned", "Owner assigned"),
                    ("status_changed", "Status changed"),
                    ("case_reopened", "Case reopened"),
                    ("merged", "Merged"),
                    ("joined", "Mail joined"),
                    ("notice_failed", "Notice failed"),
                    ("reply_queued", "Reply written"),
                    ("reply_sent", "Reply sent"),
                    ("reply_taken_back", "Reply taken back"),
                    ("reply_failed", "Reply not sent"),
                    ("reply_uncertain", "Reply uncertain"),
                    ("customer_changed", "Customer changed"),
                    ("invitation_answered", "Invitation answered"),
                    ("mail_reread", "Mail read anew"),
                ],
                max_length=30,
            ),
        ),
    ]
