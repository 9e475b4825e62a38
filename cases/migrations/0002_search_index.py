"""The full-text index of mails (cases.search_index). Each database has its own way; Django has a model for neither."""

from django.db import migrations

CREATE = {
    "postgresql": [
        "CREATE TABLE cases_messagesearch (message_id bigint PRIMARY KEY, words tsvector NOT NULL)",
        # Mail waits in a list until it is merged into the index; every search reads that list, so it stays short.
        "CREATE INDEX message_search_words ON cases_messagesearch USING gin (words)"
        " WITH (fastupdate = on, gin_pending_list_limit = 512)",
    ],
    "sqlite": [
        # "ascii" takes every character beyond ASCII as part of a word: the words stay as they were made.
        "CREATE VIRTUAL TABLE cases_messagesearch USING fts5"
        "(subject, sender, recipients, body, tokenize = 'ascii')",
    ],
}


def create(apps, schema_editor):
    for statement in CREATE[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def drop(apps, schema_editor):
    schema_editor.execute("DROP TABLE cases_messagesearch")


class Migration(migrations.Migration):

    dependencies = [("cases", "0001_initial")]

    operations = [migrations.RunPython(create, drop)]
