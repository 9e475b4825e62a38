"""The web server's entry. Refuses to start on missing or unsafe secrets, naming the variable."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver
from gunicorn.errors import AppImportError

from cases.inbound.provider_views import load_provider_modules
from e2c_project.startup import refuse_unsafe_start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "e2c_project.settings")

try:
    refuse_unsafe_start()
except SystemExit as stop:
    # gunicorn replaces a worker that exits, again and again, but stops for one that cannot load its application.
    raise AppImportError("The application was not started; the lines above say why.") from stop

application = get_wsgi_application()
# Django loads the URLs with the first request; a provider's first mail must not wait a second for it.
get_resolver().url_patterns  # noqa: B018 - reading it loads them
load_provider_modules(settings.E2C_PROVIDERS)
