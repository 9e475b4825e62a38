"""Mail in: from a stored request to a case. The map, in the order a mail travels:

cases.webhooks, smtp, ingesting   a provider, a mail server or a command hands us bytes
door                              whether a webhook call is a provider's: password, size, signature
accept                            stores them and commits; nothing is parsed before that
wake -> tasks | manage.py sweep   a doorbell, or the loop that needs none
settle                            claim -> read -> decide -> write, one mail at a time
  provider_requests, reader       the stored request becomes mails; a mail becomes a ParsedEmail
  analysis                        what kind of mail, which text is new, who vouches for it
  recipients                      whom it went to, for routing.matching
  dedupe, threading, screening    seen before? part of a case? welcome? - each answers with a value and a reason
  writing                         one transaction: case or append, message, files, events
  failures                        what could not be read or written: recorded, tried again, or put before a person
retry                             a person, or time, gives a held mail another try
"""
