from __future__ import annotations

from django.contrib.auth.views import LoginView


class RepLoginView(LoginView):
    """Django's login: `next` stays on this host, django-axes counts wrong passwords."""

    template_name = "registration/login.html"
    redirect_authenticated_user = True
