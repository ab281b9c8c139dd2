"""When a resolved ticket closes by itself, and how long it may be reopened."""

from django.core.validators import MaxValueValidator

from stellwerk.foundation.scheme import Scheme, SchemeType
from stellwerk.kernel.declare import Access, Role, Section, _, models, register


class ClosureScheme(Scheme):
    """A version of the rules of closure, in days (calendar days, counted from the instant)."""

    confirmation_days = models.PositiveSmallIntegerField(
        _("days to confirm"),
        default=7,
        validators=[MaxValueValidator(365)],
        help_text=_(
            "A resolved ticket that nobody confirms or reopens closes automatically after this many days."
        ),
    )
    reopening_days = models.PositiveSmallIntegerField(
        _("days to reopen"),
        default=14,
        validators=[MaxValueValidator(365)],
        help_text=_("A closed ticket can be reopened for this many days. After that, a new one is opened."),
    )

    class Meta:
        verbose_name = _("closure scheme")
        verbose_name_plural = _("closure schemes")


@register
class ClosureSchemeType(SchemeType[ClosureScheme]):
    model = ClosureScheme
    prefix = "CLS"
    process = "incidents"
    access = {Role.MANAGER: Access.EDIT, Role.AGENT: Access.VIEW, Role.VIEWER: Access.VIEW}
    sections = [Section(_("Closure scheme"), ["title", "confirmation_days", "reopening_days"])]


def closure_rules() -> ClosureScheme:
    """Return the rules in force; the defaults where none were enacted."""
    return ClosureScheme.in_force() or ClosureScheme()
