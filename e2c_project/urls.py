from django.contrib import admin
from django.urls import include, path

from cases.webhooks import webhook_urlpatterns
from e2c_project import health
from e2c_project.metrics import metrics

urlpatterns = [
    path("admin/", admin.site.urls),
    path("anymail/", include((webhook_urlpatterns, "anymail"))),
    path("readyz", health.readyz, name="readyz"),
    path("healthz", health.healthz, name="healthz"),
    path("metrics", metrics, name="metrics"),
    path("", include("routing.urls")),
    path("", include("cases.urls")),
]
