"""Reply templates: text that agents insert and adapt."""

from stellwerk.kernel.declare import (
    Access,
    InUse,
    Retirable,
    Role,
    Section,
    TypedRecord,
    _,
    models,
    register,
)


class ReplyTemplate(TypedRecord):
    """A text to answer with; `{requester}`, `{reference}`, `{service}` and `{agent}` are filled in."""

    Status = InUse

    body = models.TextField(_("text"))
    internal = models.BooleanField(_("for internal notes"), default=False)

    class Meta:
        verbose_name = _("reply template")
        verbose_name_plural = _("reply templates")


@register
class ReplyTemplateType(Retirable[ReplyTemplate]):
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
