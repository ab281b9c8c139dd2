"""Template tags of the design system: `{% load stellwerk %}`."""

from functools import cache
from pathlib import Path

from django import template
from django.contrib.staticfiles import finders
from django.forms import BaseForm, BoundField, CheckboxSelectMultiple, RadioSelect
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from stellwerk.web import components
from stellwerk.web.idempotency import MARK, new_mark

register = template.Library()

register.simple_tag(components.icon, name="icon")
register.simple_tag(components.status, name="status")
register.simple_tag(components.rank, name="rank")
register.simple_tag(components.person, name="person")
register.simple_tag(components.avatar, name="avatar")
register.simple_tag(components.reference, name="reference")
register.simple_tag(components.moment, name="moment")
register.simple_tag(components.due, name="due")
register.simple_tag(components.nothing, name="nothing")
register.simple_tag(components.record_rows, name="record_rows")
register.filter("filesize", components.size)
register.filter("browser", components.browser)

CHOICE_LIST = "choices"


@register.simple_tag
@cache
def inline_script(name: str) -> SafeString:
    """Return a script that cannot wait for a request of its own; "" before the assets are built."""
    path = finders.find(name)
    return mark_safe(Path(path).read_text(encoding="utf-8").strip() if path else "")


@register.simple_tag(takes_context=True)
def form_marks(context: template.Context) -> SafeString:
    """Draw what every form that writes carries: against forgery, and so that it counts once."""
    hidden = '<input type="hidden" name="csrfmiddlewaretoken" value="{}"><input type="hidden" name="{}" value="{}">'
    return format_html(hidden, context.get("csrf_token", ""), MARK, new_mark())


@register.inclusion_tag("stellwerk/parts/field.html")
def field(
    bound: BoundField, placeholder: str = "", autofocus: bool = False, label: object = None
) -> dict[str, object]:
    """Draw a form field: label, control, help and errors, tied together for screen readers."""
    kind = _kind(bound)
    extra: dict[str, str | bool] = {"class": _css(kind, bound)}
    if placeholder:
        extra["placeholder"] = placeholder
    elif bound.field.widget.attrs.get("placeholder") == bound.label:
        extra["placeholder"] = False  # it only repeats the label
    if autofocus:
        extra["autofocus"] = True
    return {
        "field": bound,
        "kind": kind,
        "control": bound.as_widget(attrs=extra),
        "label": label or bound.label,
    }


@register.inclusion_tag("stellwerk/parts/errors.html")
def form_errors(form: BaseForm) -> dict[str, object]:
    """List what is wrong with a form, each problem linked to its field."""
    return {"form": form, "fields": [bound for bound in form if bound.errors] if form.errors else []}


def _kind(bound: BoundField) -> str:
    """Name what the control is: "choices", "checkbox", "select", "textarea", or the type of the input."""
    widget = bound.field.widget
    if isinstance(widget, RadioSelect | CheckboxSelectMultiple):
        return CHOICE_LIST
    return str(getattr(widget, "input_type", "") or type(widget).__name__.lower())


def _css(kind: str, bound: BoundField) -> str:
    own = bound.field.widget.attrs.get("class", "")
    return f"{_base_css(kind)} {own}".strip()


def _base_css(kind: str) -> str:
    if kind == CHOICE_LIST:
        return "choices"
    if kind == "checkbox":
        return "form-check-input"
    return "form-select" if kind.startswith("select") else "form-control"


@register.simple_tag
def control(bound: BoundField) -> SafeString:
    """Draw only the control of a form field, for places that label it themselves."""
    return bound.as_widget(attrs={"class": _css(_kind(bound), bound)})
