"""The mail lab: what would become of a mail if a provider posted it now, and posting it for real.

samples        mails to begin with: everyday ones, and those that go wrong elsewhere
shapes         the request that a provider would make of a mail, signed with this instance's own credentials
  mail_in_fields, whole_mail, mail_by_link   the providers by what they post
  request_parts                              what such requests are made of
foretelling    the real door, reader, decision and writing, inside a transaction that is rolled back
pace           how often one person may look
posting        the same request handed to the real webhook
"""
