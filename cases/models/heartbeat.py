from django.db import models


class Heartbeat(models.Model):
    """When a background loop last finished a round; /healthz turns red when the sweeper's grows old."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} at {self.at:%Y-%m-%d %H:%M:%S}"
