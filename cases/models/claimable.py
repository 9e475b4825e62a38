from django.db import models


class Claimable(models.Model):
    """A row that is work: claimed with a token and a lease, so that a dead worker's rows are taken over. See
    cases.claims.
    """

    attempts = models.PositiveIntegerField(default=0)
    claim_token = models.CharField(max_length=32, blank=True, default="")
    # While claimed: until when. While waiting: not before (back-off). null: at once.
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
