"""Categories: the classification scheme of tickets, as a tree."""

from stellwerk.kernel.declare import (
    Access,
    InUse,
    Retirable,
    Role,
    Section,
    TypedRecord,
    ValidationError,
    _,
    models,
    register,
)


class Category(TypedRecord):
    """A group that tickets are placed in; its team is the one that takes them by default."""

    Status = InUse

    parent = models.ForeignKey(
        "self", models.PROTECT, verbose_name=_("part of"), null=True, blank=True, related_name="children"
    )
    team = models.ForeignKey(
        "kernel.Team",
        models.PROTECT,
        verbose_name=_("team by default"),
        null=True,
        blank=True,
        related_name="+",
    )
    description = models.TextField(_("what belongs here"), blank=True)
    path = models.CharField(_("path"), max_length=600, blank=True, editable=False)

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")

    def __str__(self) -> str:
        return self.path or self.title


@register
class CategoryType(Retirable[Category]):
    model = Category
    prefix = "CAT"
    seldom_changes = True
    process = "incidents"
    icon = "folder-tree"
    access = {Role.MANAGER: Access.EDIT, Role.AGENT: Access.VIEW, Role.VIEWER: Access.VIEW}
    columns = ["path", "team", "status"]
    filters = ["status", "parent", "team"]
    search = ["reference", "title", "description"]
    ordering = "path"
    in_charge = ["team"]
    sections = [Section(_("Category"), ["title", "parent", "team", "description"])]
    shown_to_requesters = ["title", "status", "parent", "description", "path"]

    def derive(self, record: Category, before: Category | None) -> None:
        record.path = f"{record.parent.path} › {record.title}" if record.parent else record.title

    def validate(self, record: Category, before: Category | None) -> None:
        above = record.parent
        while above is not None:
            if above.pk == record.pk:
                raise ValidationError(
                    {"parent": _("A category can't be part of itself. Choose another parent.")}
                )
            above = above.parent

    def open_to_all(self, record: Category) -> bool:
        return True  # once retired too: tickets that bear it go on naming it, and are found by it
