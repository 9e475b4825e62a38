"""Demonstration data: an organisation with three routing addresses, and mails that go through the real pipeline.

mails       what a demonstration mail is, and its bytes (pure)
threads     the dozen conversations everybody sees first, and mails that become no case (pure)
variations  as many further conversations as asked for, the same for the same seed (pure)
seeding     write the organisation, send the mails in
bulk        thousands of cases straight into the tables, for benchmarks
"""
