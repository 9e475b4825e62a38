"""The web server's entry. Refuses to start on missing or unsafe secrets, naming the variable."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "e2c_project.settings")
application = get_wsgi_application()

from e2c_project.startup import refuse_unsafe_start  # noqa: E402 - needs configured settings

refuse_unsafe_start()
