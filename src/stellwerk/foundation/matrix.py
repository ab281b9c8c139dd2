"""A priority for every impact and urgency: the model field, its form field, and the table that shows it."""

from collections.abc import Mapping
from itertools import product
from typing import Any

from django import forms
from django.db import models
from django.forms.renderers import BaseRenderer
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from stellwerk.exchange.readers import StructuredCells, reads
from stellwerk.kernel.fields.field import Field, kind
from stellwerk.kernel.fields.structured import Structured
from stellwerk.web import components
from stellwerk.web.fields.renderer import Names, Renderer, renders


class Level(models.TextChoices):
    """How much, for impact and urgency."""

    HIGH = "high", _("High")
    MEDIUM = "medium", _("Medium")
    LOW = "low", _("Low")


class Priority(models.IntegerChoices):
    """How soon, 1 before all others."""

    CRITICAL = 1, _("Critical")
    HIGH = 2, _("High")
    MODERATE = 3, _("Moderate")
    LOW = 4, _("Low")
    PLANNING = 5, _("Planning")


CELLS = list(product(Level.values, Level.values))
"""Impact and urgency of every cell, row by row."""


@kind
class Matrix(Structured):
    """A priority for every impact and urgency."""

    kind = "matrix"


class MatrixField(models.JSONField):
    """Holds `{impact: {urgency: priority}}`."""

    kind = Matrix

    def formfield(self, **kwargs: object) -> forms.Field:
        return MatrixFormField(label=capfirst(str(self.verbose_name)), help_text=self.help_text)


class MatrixWidget(forms.MultiWidget):
    """Nine choices in a table."""

    def __init__(self) -> None:
        super().__init__([forms.Select(choices=Priority.choices) for _cell in CELLS])

    def decompress(self, value: object) -> list[object]:
        return [cell_of(value, *cell) for cell in CELLS]

    def render(
        self,
        name: str,
        value: object,
        attrs: Mapping[str, str] | None = None,
        renderer: BaseRenderer | None = None,
    ) -> SafeString:
        values = value if isinstance(value, list) else self.decompress(value)
        drawn = {}
        for number, (cell, widget) in enumerate(zip(CELLS, self.widgets, strict=True)):
            impact, urgency = (Level(level).label for level in cell)
            label = _("%(impact)s impact, %(urgency)s urgency") % {"impact": impact, "urgency": urgency}
            own = {"class": "form-select", "aria-label": label, "id": f"id_{name}_{number}"}
            drawn[cell] = widget.render(f"{name}_{number}", values[number], own, renderer)
        return format_html("<div{}>{}</div>", flatatt({"id": (attrs or {}).get("id", "")}), table(drawn))


class MatrixFormField(forms.MultiValueField):
    """Reads nine priorities into a matrix."""

    widget = MatrixWidget

    def __init__(self, **kwargs: Any) -> None:
        fields = [forms.TypedChoiceField(choices=Priority.choices, coerce=int) for _cell in CELLS]
        super().__init__(fields, **kwargs)

    def compress(self, data_list: list[int]) -> dict[str, dict[str, int]]:
        matrix: dict[str, dict[str, int]] = {impact: {} for impact in Level.values}
        for (impact, urgency), value in zip(CELLS, data_list, strict=True):
            matrix[impact][urgency] = value
        return matrix


@renders(Matrix)
class MatrixRenderer(Renderer):
    def shown(self, field: Field, value: object, names: Names) -> SafeString:
        """Draw the matrix as a table of priorities."""
        return table({cell: _shown(value, *cell) for cell in CELLS})


@reads(Matrix)
class MatrixCells(StructuredCells):
    """The matrix stands in a cell as JSON."""


def table(cells: Mapping[tuple[str, str], object]) -> SafeString:
    """Draw cells with impact down the side and urgency along the top."""
    head = format_html_join("", '<th scope="col">{}</th>', ((Level(u).label,) for u in Level.values))
    rows = format_html_join(
        "",
        '<tr><th scope="row">{}</th>{}</tr>',
        (
            (Level(i).label, format_html_join("", "<td>{}</td>", ((cells[i, u],) for u in Level.values)))
            for i in Level.values
        ),
    )
    return format_html(
        '<table class="table table-sm matrix"><caption class="text-muted text-sm">{}</caption>'
        "<thead><tr><td></td>{}</tr></thead><tbody>{}</tbody></table>",
        _("Impact (rows) by urgency (columns)"),
        head,
        rows,
    )


def cell_of(matrix: object, impact: str, urgency: str) -> object:
    """Return what a stored matrix says; None where it says nothing, or is none."""
    row = matrix.get(impact) if isinstance(matrix, dict) else None
    return row.get(urgency) if isinstance(row, dict) else None


def _shown(matrix: object, impact: str, urgency: str) -> SafeString:
    value = cell_of(matrix, impact, urgency)
    rank = value if isinstance(value, int | str) else None
    return components.rank(rank, Priority(rank).label if rank in Priority.values else "")
