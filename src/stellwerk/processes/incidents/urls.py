"""The addresses of the service desk's own pages."""

from django.urls import URLPattern, URLResolver, path

from stellwerk.processes.incidents import dashboard

urlpatterns: list[URLPattern | URLResolver] = [
    path("desk/", dashboard.dashboard_page, name="dashboard"),
]
