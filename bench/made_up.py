"""Writes a package of made-up record types, so that what grows with the number of types can be measured before they exist."""

from pathlib import Path

SHAPES = (
    # What a type of the shape adds to the plain one: model fields, attributes of the declaration, further editable fields.
    (
        "sheet",
        """    service = models.ForeignKey("services.Service", models.PROTECT, null=True, blank=True, related_name="+")
    due_on = models.DateField(_("due"), null=True, blank=True)
""",
        """    filters = ["keeper", "service", "party"]
""",
        ["service", "due_on"],
    ),
    (
        "steps",
        """    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        DONE = "done", _("Done")
        DROPPED = "dropped", _("Dropped")

    team = models.ForeignKey("kernel.Team", models.PROTECT, null=True, blank=True, related_name="+")
    weight = models.PositiveSmallIntegerField(_("weight"), default=1)
""",
        """    filters = ["status", "keeper", "team", "party"]
    workflow = Workflow(
        {model}.Status,
        {model}.Status.OPEN,
        [
            Transition("finish", _("Finish"), [{model}.Status.OPEN], {model}.Status.DONE),
            Transition("drop", _("Drop"), [{model}.Status.OPEN], {model}.Status.DROPPED),
            Transition("reopen", _("Reopen"), [{model}.Status.DONE], {model}.Status.OPEN),
        ],
        ended=[{model}.Status.DONE, {model}.Status.DROPPED],
    )
""",
        ["team", "weight"],
    ),
    (
        "set-up",
        """    category = models.ForeignKey("foundation.Category", models.PROTECT, null=True, blank=True, related_name="+")
    in_use = models.BooleanField(_("in use"), default=True)
""",
        """    filters = ["keeper", "category"]
    scope = ""
""",
        ["category", "in_use"],
    ),
    (
        "asked",
        """    requester = models.ForeignKey("kernel.Person", models.PROTECT, null=True, related_name="+")
    size = models.CharField(
        _("size"), max_length=5, choices=[("small", _("Small")), ("large", _("Large"))], default="small"
    )
""",
        """    filters = ["keeper", "requester", "size", "party"]
    participants = ["requester"]
    asked_of_requesters = ["title", "description"]
    shown_to_requesters = ["title", "description", "size"]
""",
        ["requester", "size"],
    ),
    (
        "open",
        """    about = models.ForeignKey("kernel.Party", models.PROTECT, null=True, blank=True, related_name="+")
    address = models.URLField(_("address"), blank=True)
""",
        """    filters = ["keeper", "about", "party"]

    def open_to_all(self, record):
        return True
""",
        ["about", "address"],
    ),
)
"""One per shape that types have: how they are owned, whether they have states, whose requests they are, who sees them."""

HEAD = '''"""Made up by bench/made_up.py."""

from stellwerk.kernel.declare import Access, RecordType, Requestable, Role, Section, Transition, TypedRecord, Workflow
from stellwerk.kernel.declare import _, models, register

'''
TYPE = '''
class {model}(TypedRecord):
    """A made-up type of the shape "{shape}"."""

    description = models.TextField(_("description"), blank=True)
    keeper = models.ForeignKey("kernel.Person", models.PROTECT, null=True, blank=True, related_name="+")
{fields}
    class Meta:
        verbose_name = _("dummy {number}")
        verbose_name_plural = _("dummies {number}")


@register
class {model}Type({base}[{model}]):
    model = {model}
    prefix = "{prefix}"
    process = "dummies{process}"
    access = {{Role.MANAGER: Access.FULL, Role.AGENT: Access.EDIT, Role.VIEWER: Access.VIEW, Role.REQUESTER: Access.CONTRIBUTE}}
    columns = ["reference", "title", "status", "keeper", "updated_at"]
    search = ["reference", "title", "description"]
    sections = [Section(_("Dummy"), {edited})]
{attributes}
'''


def write_dummies(folder: Path, count: int) -> None:
    """Write the package `dummies` with so many types into `folder`; its migration is made by the caller."""
    package = folder / "dummies"
    (package / "migrations").mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text("")
    (package / "migrations" / "__init__.py").write_text("")
    text = HEAD + "".join(_type(number) for number in range(count))
    (package / "models.py").write_text(text, encoding="utf-8")


def _type(number: int) -> str:
    shape, fields, attributes, more = SHAPES[number % len(SHAPES)]
    edited = ["title", "description", "keeper", *more]
    if shape != "set-up":
        edited.append("party")
    model = f"Dummy{number:02}"
    return TYPE.format(
        model=model,
        shape=shape,
        base="Requestable" if shape == "asked" else "RecordType",
        number=f"{number:02}",
        prefix="X" + chr(65 + number // 26) + chr(65 + number % 26),
        process=number // 6,  # as many processes as six types each make
        fields=fields,
        attributes=attributes.replace("{model}", model),
        edited=edited,
    )
