"""Priority from impact and urgency, by a matrix that is data."""

from stellwerk.foundation.matrix import Level, MatrixField, Priority, cell_of
from stellwerk.foundation.scheme import Scheme, SchemeType
from stellwerk.kernel.declare import Access, Role, Section, ValidationError, _, models, register
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.write.services import create, transition

__all__ = ["Level", "Priority", "PriorityScheme"]


DEFAULT_MATRIX = {
    "high": {"high": 1, "medium": 2, "low": 3},
    "medium": {"high": 2, "medium": 3, "low": 4},
    "low": {"high": 3, "medium": 4, "low": 5},
}
"""Impact, then urgency; the symmetric three by three in use at most service desks."""


def default_matrix() -> dict[str, object]:
    return {impact: dict(row) for impact, row in DEFAULT_MATRIX.items()}


class PriorityScheme(Scheme):
    """A version of the priority matrix: `matrix[impact][urgency]` is a priority from 1 to 5."""

    description = models.TextField(_("how to assess impact and urgency"), blank=True)
    matrix = MatrixField(_("matrix"), default=default_matrix)

    class Meta:
        verbose_name = _("priority scheme")
        verbose_name_plural = _("priority schemes")

    def priority(self, impact: str, urgency: str) -> int:
        """Look up the priority of an impact and an urgency."""
        return int(self.matrix[impact][urgency])


@register
class PrioritySchemeType(SchemeType[PriorityScheme]):
    model = PriorityScheme
    prefix = "PRS"
    process = "incidents"
    access = {Role.MANAGER: Access.EDIT, Role.AGENT: Access.VIEW, Role.VIEWER: Access.VIEW}
    search = ["reference", "title", "description"]
    sections = [Section(_("Priority scheme"), ["title", "description", "matrix"])]

    def validate_scheme(self, record: PriorityScheme) -> None:
        for impact in Level.values:
            for urgency in Level.values:
                if not _is_priority(record.matrix, impact, urgency):
                    raise ValidationError(
                        {
                            "matrix": _(
                                "Fill every cell with a priority from 1 to 5. Missing: %(impact)s impact, %(urgency)s urgency."
                            )
                            % {"impact": Level(impact).label, "urgency": Level(urgency).label}
                        }
                    )


def _is_priority(matrix: object, impact: str, urgency: str) -> bool:
    value = cell_of(matrix, impact, urgency)
    return value in Priority.values and not isinstance(value, bool)


def ensure_default() -> None:
    """Put the default matrix into force where no scheme is."""
    if PriorityScheme.objects.exists():
        return
    scheme = create(PriorityScheme, {"title": "Priority by impact and urgency"}, by=SYSTEM)
    transition(scheme, "enact", by=SYSTEM)
