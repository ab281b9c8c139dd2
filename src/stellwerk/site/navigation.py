"""The navigation: what people do, in groups. A record type that is not named here comes last."""

from django.utils.translation import gettext_lazy as _

from stellwerk.web.shell import Group, Page

NAVIGATION = [
    Group(
        "",
        [
            Page("home", _("My work"), "house"),
            Page("dashboard", _("Service desk"), "chart-column", needs="incident"),
        ],
    ),
    Group(_("Tickets"), ["incident", "service_request"], new=True),
    Group(_("Services"), ["service"], new=True),
    Group(_("Organisation"), ["party", "person", "team"], new=True),
    Group(
        _("Set-up"),
        [
            "category",
            "priority_scheme",
            "closure_scheme",
            "reply_template",
            "custom_field",
            "role_assignment",
            "team_membership",
            Page("why", _("Who sees what"), "scan-eye", administrators=True),
        ],
    ),
]

PORTAL = [
    Page("portal", _("Home"), "house"),
    Page("portal_services", _("Services"), "layers"),
    Page("portal_tickets", _("My tickets"), "ticket", own=True),
]
