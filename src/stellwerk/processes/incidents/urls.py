"""The addresses of the service desk's own pages."""

from django.urls import URLPattern, URLResolver, path

from stellwerk.processes.incidents import dashboard, pages

urlpatterns: list[URLPattern | URLResolver] = [
    path("desk/", dashboard.dashboard_page, name="dashboard"),
    path("tickets/<str:reference>/merge/", pages.merge_page, name="ticket_merge"),
    path("tickets/<str:reference>/unmerge/", pages.unmerge_page, name="ticket_unmerge"),
]
