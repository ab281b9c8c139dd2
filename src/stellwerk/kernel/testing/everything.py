"""A record type with one field of every kind, for as long as a test lasts: what the promises over kinds are tested on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.db import connection
from django.utils.translation import gettext_lazy as _

from stellwerk.kernel.declare import Access, RecordType, Role, Section, TypedRecord, models, register
from stellwerk.kernel.fields.columns import (
    DurationField,
    Many,
    NumberField,
    PercentageField,
    RankField,
    SeveralChoices,
)
from stellwerk.kernel.model import numbering, registry

OPTIONAL: dict[str, Any] = {"null": True, "blank": True}
COLOURS = [("red", _("Red")), ("green", _("Green")), ("blue", _("Blue"))]
FIELDS = [
    "line",
    "text",
    "mail",
    "site",
    "number",
    "share",
    "span",
    "whole",
    "exact",
    "answer",
    "day",
    "instant",
    "choice",
    "rank",
    "several",
    "one",
    "many",
    "data",
]
"""The names of its fields: one for each kind, in the order of `declare`."""


@contextmanager
def everything() -> Iterator[RecordType]:
    """Declare the type and make its table; call inside of a test's transaction, which takes the table away again."""
    record_type = _declare()
    try:
        with connection.cursor() as cursor:
            editor: Any = connection.schema_editor()
            editor.deferred_sql = []
            sql, params = editor.table_sql(record_type.model)
            cursor.execute(sql, params or None)
        numbering.prepare([record_type.prefix])
        yield record_type
    finally:
        registry.forget(record_type)
        del apps.all_models["kernel"]["everything"]
        apps.clear_cache()


def _declare() -> RecordType:
    class Everything(TypedRecord):
        line = models.CharField(_("line"), max_length=80, blank=True)
        text = models.TextField(_("text"), blank=True)
        mail = models.EmailField(_("mail"), blank=True)
        site = models.URLField(_("site"), blank=True)
        number = NumberField(_("capacity"), unit="TB", **OPTIONAL)
        share = PercentageField(_("share"), **OPTIONAL)
        span = DurationField(_("answer within"), **OPTIONAL)
        whole = models.IntegerField(_("pieces"), **OPTIONAL)
        exact = models.DecimalField(_("rate"), max_digits=8, decimal_places=2, **OPTIONAL)
        answer = models.BooleanField(_("checked"), default=False)
        day = models.DateField(_("day"), **OPTIONAL)
        instant = models.DateTimeField(_("moment"), **OPTIONAL)
        choice = models.CharField(_("colour"), max_length=5, choices=COLOURS, blank=True)
        rank = RankField(_("rank"), choices=[(1, _("High")), (2, _("Low"))], **OPTIONAL)
        several = SeveralChoices(_("colours"), offered=COLOURS)
        one = models.ForeignKey(
            "kernel.Team", models.PROTECT, verbose_name=_("team"), related_name="+", **OPTIONAL
        )
        many = Many("kernel.Team", _("teams"))
        data = models.JSONField(_("data"), **OPTIONAL)

        class Meta:
            app_label = "kernel"
            verbose_name = _("everything")
            verbose_name_plural = _("everythings")

    @register
    class EverythingType(RecordType[Everything]):
        model = Everything
        prefix = "EVY"
        access = {Role.MANAGER: Access.FULL, Role.VIEWER: Access.VIEW}
        columns = ["reference", "title", *[name for name in FIELDS if name not in ("text", "data")]]
        filters = [name for name in FIELDS if name not in ("text", "data")]
        sections = [Section(_("Everything"), ["title", "party", *FIELDS])]
        shown_to_requesters = ["title", "line", "many"]

    return registry.get("everything")
