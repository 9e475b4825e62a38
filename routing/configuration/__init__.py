"""The whole configuration as one file, in and out.

fields     one key of a row: how it is read from a file, shown in a file, written to its row
sections   what routing contributes: groups, users, queues, record types, settings, routing addresses, permission sets
importing  merge a document into the database, in one transaction, and say what changed
yaml_text  the file itself: strict reading, stable writing

Other apps add sections of their own (cases: statuses and contacts). Source of the format: docs/config-yaml.md.
"""
