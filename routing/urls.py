from django.urls import path

from routing import views

app_name = "routing"

urlpatterns = [
    # No trailing slash is demanded of a link that mail programs cut and rewrite: both forms answer.
    path("verify/<str:token>/", views.verify_address, name="verify"),
    path("verify/<str:token>", views.verify_address),
    path("verify/", views.verify_address, {"token": ""}),
]
