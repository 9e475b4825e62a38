"""Celery: a doorbell. Tasks carry no mail and no ids; the rows in the database are the queue."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "e2c_project.settings")

app = Celery("e2c_project")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["cases.inbound", "cases.outbound"])
