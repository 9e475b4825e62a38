"""Who is told of what happened on a case, in the console and by mail.

    CaseEvent --making--> Notification --mailing--> Outbox
                  |                        |
       who is concerned (concerned), who may see the case (selectors.visible), who wants it how (choices)

Nobody calls this when something happens: whatever writes an event has told of it. The sweeper makes the notifications
of events that are not marked yet and marks them in the same transaction, so that a process that dies loses none and
doubles none. Mails are Outbox rows written in the transaction that notes them as mailed.
"""
