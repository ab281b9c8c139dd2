"""The addresses of export and import."""

from django.urls import URLPattern, path

from stellwerk.exchange import pages
from stellwerk.kernel.model import converters  # noqa: F401 -- makes <type:...> known

urlpatterns: list[URLPattern] = [
    path("<type:record_type>/export/", pages.export_page, name="export"),
    path("<type:record_type>/import/", pages.import_page, name="import"),
    path("<type:record_type>/import/<int:pk>/", pages.draft_page, name="import-draft"),
]
