"""Addresses of the portal."""

from django.urls import path

from stellwerk.processes.incidents.portal import views

urlpatterns = [
    path("", views.home, name="portal"),
    path("services/", views.services, name="portal_services"),
    path("services/<str:reference>/", views.service, name="portal_service"),
    path("tickets/", views.my_tickets, name="portal_tickets"),
    path("words/", views.former_words, name="portal_words"),
    path("tickets/<str:reference>/", views.ticket, name="portal_ticket"),
    path("tickets/<str:reference>/reply/", views.reply, name="portal_reply"),
    path("tickets/<str:reference>/withdraw/", views.withdraw, name="portal_withdraw"),
    path("tickets/<str:reference>/<slug:name>/", views.step, name="portal_step"),
    path("new/<slug:kind>/", views.new, name="portal_new"),
]
