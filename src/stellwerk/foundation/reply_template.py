"""Reply templates: text that agents insert and adapt."""

from stellwerk.kernel.declare import (
    Access,
    RecordType,
    Role,
    Section,
    Transition,
    TypedRecord,
    Workflow,
    _,
    models,
    register,
)


class ReplyTemplate(TypedRecord):
    """A text to answer with; `{requester}`, `{reference}`, `{service}` and `{agent}` are filled in."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("In use")
        RETIRED = "retired", _("No longer used")

    body = models.TextField(_("text"))
    internal = models.BooleanField(_("for internal notes"), default=False)

    class Meta:
        verbose_name = _("reply template")
        verbose_name_plural = _("reply templates")


@register
class ReplyTemplateType(RecordType[ReplyTemplate]):
    model = ReplyTemplate
    prefix = "TPL"
    seldom_changes = True
    process = "incidents"
    icon = "message-square-quote"
    access = {Role.MANAGER: Access.EDIT, Role.AGENT: Access.VIEW, Role.VIEWER: Access.VIEW}
    columns = ["title", "internal", "status", "updated_at"]
    filters = ["status", "internal"]
    search = ["reference", "title", "body"]
    ordering = "title"
    sections = [Section(_("Template"), ["title", "body", "internal"])]
    workflow = Workflow(
        ReplyTemplate.Status,
        ReplyTemplate.Status.ACTIVE,
        [
            Transition(
                "retire",
                _("Retire"),
                [ReplyTemplate.Status.ACTIVE],
                ReplyTemplate.Status.RETIRED,
                done=_("retired the template"),
            ),
            Transition(
                "revive",
                _("Use again"),
                [ReplyTemplate.Status.RETIRED],
                ReplyTemplate.Status.ACTIVE,
                done=_("put the template into use again"),
            ),
        ],
        ended=[ReplyTemplate.Status.RETIRED],
        tones={ReplyTemplate.Status.ACTIVE: "live"},
    )
