"""Days and instants."""

from datetime import date, datetime

from django import forms
from django.utils import formats
from django.utils.dateparse import parse_date, parse_datetime

from stellwerk.kernel.fields.field import Field
from stellwerk.kernel.fields.moment import Date, Instant
from stellwerk.web import components
from stellwerk.web.fields.renderer import (
    Asked,
    Cell,
    CellPage,
    FilterGroup,
    Filtering,
    Names,
    Renderer,
    about,
    renders,
)


class Ranged(Renderer):
    def control(self, field: Field, filtering: Filtering) -> FilterGroup:
        if not field.ranged:
            return super().control(field, filtering)
        ends = [" ".join(filtering.given.get(f"{field.name}__{end}", []))[:10] for end in ("gte", "lt")]
        return FilterGroup(field.name, field.title, bounds=(ends[0], ends[1]))


@renders(Date)
class DateRenderer(Ranged):
    def cell(self, field: Field, value: object, page: CellPage) -> Cell:
        day = value if isinstance(value, date) else parse_date(str(value))
        return formats.date_format(day, "j M Y") if day else str(value)

    def form_field(self, field: Field, asked: Asked) -> forms.Field:
        widget = forms.DateInput({"type": "date"}, format="%Y-%m-%d")
        if field.column is None:
            return forms.DateField(widget=widget, **about(field))
        made = super().form_field(field, asked)
        made.widget = widget
        return made


@renders(Instant)
class InstantRenderer(Ranged):
    def cell(self, field: Field, value: object, page: CellPage) -> Cell:
        return components.moment(value if isinstance(value, datetime) else None, page.now)

    def shown(self, field: Field, value: object, names: Names) -> Cell:
        moment = value if isinstance(value, datetime) else parse_datetime(str(value))
        return components.exact(moment) if moment else str(value)

    def form_field(self, field: Field, asked: Asked) -> forms.Field:
        made = super().form_field(field, asked)
        made.widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        return made
