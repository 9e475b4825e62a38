"""Mail out: from an intent in the database to the provider, and what becomes of it. The map:

allowed_senders  who may send from what, and why; everybody asks here
replies      the use case: permission, mail and intent in one transaction; undo
recipients   whom a reply goes to: what was typed, checked, and what is offered
reply_rows   the rows of a reply: message, addresses, files, participants
quoting      pure: subject, references, text with signature, token and quote
notices      queue fixed texts: to a sender whose mail was refused, to the owner of a case
budgets      how much automatic mail may leave; every notice and automatic answer asks first
merge_values what the merge fields of a template stand for on one case
composing    pure: headers and subjects that cannot be broken out of
messages     an Outbox row becomes a Django EmailMessage
recheck      may it still leave? asked at the moment of sending
ways_out     which service a mail leaves through; one that is down holds up its own mail alone
delivery     claim -> re-check -> commit `sending` -> hand over once -> store the answer; resend and cancel by people
outcomes     what the end of a mail means for its case: history, and whose turn it is
handing_over the one call to the provider, and what its answer or its silence means
tracking     what providers report later (delivered, bounced, ...), onto Delivery rows
bounces      the same from a delivery report that came as a mail
tasks        the Celery doorbell; `manage.py sweep` does the same work without it

The Outbox row is the truth. A use case inserts it in its own transaction; nobody sends mail in any other way.
"""
