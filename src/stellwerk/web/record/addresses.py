"""The addresses of a record and of what stands beside it."""

from django.urls import URLPattern, path

from stellwerk.web.record import (
    commenting,
    drafts,
    editing,
    history,
    mentions,
    page,
    referring,
    related,
    steps,
)

RECORD = "records/<str:reference>"

urlpatterns: list[URLPattern] = [
    path("draft/<str:place>/", drafts.draft_page, name="draft"),
    path("lookup/", related.lookup_page, name="lookup"),
    path(f"{RECORD}/", page.record_page, name="record"),
    path(f"{RECORD}/order/", page.order_page, name="record_order"),
    path(f"{RECORD}/edit/", editing.edit_page, name="record_edit"),
    path(f"{RECORD}/fields/<str:name>/", editing.field_page, name="record_field"),
    path(f"{RECORD}/fields/<str:name>/value/", editing.value_part, name="record_value"),
    path(f"{RECORD}/fields/<str:name>/text/", editing.text_page, name="record_text"),
    path(f"{RECORD}/steps/<str:name>/", steps.step_page, name="record_step"),
    path(f"{RECORD}/entries/<int:number>/undo/", steps.undo_page, name="record_undo"),
    path(f"{RECORD}/say/", commenting.reply_page, name="record_say"),
    path(f"{RECORD}/mentions/", mentions.mentions_page, name="record_mentions"),
    path(f"{RECORD}/templates/", commenting.templates_page, name="record_templates"),
    path(f"{RECORD}/comments/<int:pk>/", commenting.comment_page, name="record_comment"),
    path(f"{RECORD}/links/", related.links_page, name="record_links"),
    path(f"{RECORD}/links/again/", related.relink_page, name="record_relink"),
    path(f"{RECORD}/links/<int:pk>/remove/", related.unlink_page, name="record_unlink"),
    path(f"{RECORD}/watch/", related.watch_page, name="record_watch"),
    path(f"{RECORD}/watchers/", related.watchers_page, name="record_watchers"),
    path(f"{RECORD}/shares/", related.shares_page, name="record_shares"),
    path(f"{RECORD}/shares/again/", related.reshare_page, name="record_reshare"),
    path(f"{RECORD}/shares/<int:pk>/remove/", related.unshare_page, name="record_unshare"),
    path(f"{RECORD}/files/", related.files_page, name="record_files"),
    path(f"{RECORD}/files/<int:pk>/", related.file_page, name="record_file"),
    path(f"{RECORD}/files/<int:pk>/remove/", related.remove_file_page, name="record_file_remove"),
    path(f"{RECORD}/referring/", referring.referring_page, name="record_referring"),
    path(f"{RECORD}/history/", history.history_page, name="record_history"),
]
