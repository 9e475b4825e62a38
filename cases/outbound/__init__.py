"""Mail out: from an intent in the database to the provider, and what becomes of it. The map:

allowed_senders  who may send from what, and why; everybody asks here
composed     what a person hands over, and what may be answered instead of sending it
replies      reply, forward, write first, by name; all of them call
sending      the use case: permission, mail and intent in one transaction
contents     what the mail holds, to the letter: quote or forwarded mail, signature, files
words        the author's own words, checked and cleaned
forwarding   a mail passed on, without anything that lets strangers into the case
new_cases    the case that a new mail opens
approvals    a mail waits for a second person, who approves or rejects it
closing      send and close: the case closes with the mail, and opens again when it did not leave
changing     an approver changes the words before the mail leaves. rewording: what changed, and formatting that stays
taking_back  what people do with a mail on its way: undo, edit, another time, send again; the customer wrote first
permitting   may this person make a mail leave that somebody else wrote?
drafts       what stands in a composer, saved; mail that came back. draft_files: its files
guard        what to look at again before a mail leaves: rules over facts. guard_facts gathers them
templates    templates and quick texts as a composer shows them
recipients   whom a reply goes to: what was typed, checked, and what is offered
reply_rows   the rows of a mail: message, addresses, files, participants
quoting      pure: subject, references, text with signature, token and quote
pictures     a mail whose HTML shows pictures that it brings along
notices      queue fixed texts: to a sender whose mail was refused, to the owner of a case
budgets      how much automatic mail may leave; every notice and automatic answer asks first
merge_values what the merge fields of a template stand for on one case
composing    pure: headers and subjects that cannot be broken out of
messages     an Outbox row becomes a Django EmailMessage
recheck      may it still leave? asked at the moment of sending
ways_out     which service a mail leaves through; one that is down holds up its own mail alone
delivery     claim -> re-check -> commit `sending` -> hand over once
endings      store what came of it: sent, failed, uncertain, or back in the queue
outcomes     what the end of a mail means for its case: history, and whose turn it is
handing_over the one call to the provider, and what its answer or its silence means
tracking     what providers report later (delivered, bounced, ...), onto Delivery rows
bounces      the same from a delivery report that came as a mail
tasks        the Celery doorbell; `manage.py sweep` does the same work without it

The Outbox row is the truth. A use case inserts it in its own transaction; nobody sends mail in any other way.
"""
