"""The addresses of the generic pages. Those of record types come last: `<type:...>` takes any first segment."""

from django.urls import URLPattern, path

from stellwerk.kernel.model import converters  # noqa: F401 -- makes <type:...> known
from stellwerk.web import (
    design_system,
    home,
    navigation,
    notifications,
    options,
    palette,
    search,
    unsent,
    why,
)
from stellwerk.web.lists import bulk, page, saved_views
from stellwerk.web.record import addresses, editing

urlpatterns: list[URLPattern] = [
    path("", home.home_page, name="home"),
    path("search/", search.search_page, name="search"),
    path("navigation/<int:number>/", navigation.group_page, name="navigation"),
    path("palette/", palette.palette_part, name="palette"),
    path("unsent/", unsent.unsent_page, name="unsent"),
    path("signed-in/", unsent.signed_in_page, name="signed_in"),
    path("access/", why.why_page, name="why"),
    path("design-system/", design_system.design_system, name="design_system"),
    path("notifications/", notifications.notifications_page, name="notifications"),
    path("notifications/read/", notifications.read_page, name="notifications_read"),
    path("notifications/<int:pk>/", notifications.notification_page, name="notification"),
    *addresses.urlpatterns,
    path("options/<type:record_type>/", options.options_page, name="options"),
    path("<type:record_type>/", page.list_page, name="list"),
    path("<type:record_type>/new/", editing.create_page, name="create"),
    path("<type:record_type>/tabs/", page.tabs_part, name="list-tabs"),
    path("<type:record_type>/filters/", page.filter_page, name="list-filters"),
    path("<type:record_type>/bulk/", bulk.bulk_page, name="list-bulk"),
    path("<type:record_type>/bulk/undo/", bulk.bulk_undo_page, name="list-bulk-undo"),
    path("<type:record_type>/views/", saved_views.views_page, name="list-views"),
    path("<type:record_type>/views/<int:pk>/", saved_views.view_page, name="list-view"),
]
