"""Services: the portfolio, and the part of it that customers see as their catalogue (PR1)."""

from stellwerk.kernel.declare import (
    Access,
    RecordType,
    Role,
    Section,
    Transition,
    TypedRecord,
    ValidationError,
    Workflow,
    _,
    models,
    register,
)


class Service(TypedRecord):
    """A service with its specification; the record's party provides it."""

    class Status(models.TextChoices):
        IDEA = "idea", _("Idea")
        PREPARATION = "preparation", _("In preparation")
        LIVE = "live", _("Live")
        RETIRING = "retiring", _("Retiring")
        RETIRED = "retired", _("Retired")

    summary = models.CharField(_("in one sentence"), max_length=250, blank=True)
    description = models.TextField(_("description"), blank=True)
    value = models.TextField(_("value to the customer"), blank=True)
    user_group = models.TextField(_("customers and users"), blank=True)
    features = models.TextField(_("features"), blank=True)
    options = models.TextField(_("options"), blank=True)
    dependencies = models.TextField(_("depends on"), blank=True)
    support_hours = models.CharField(_("support hours"), max_length=250, blank=True)
    contact = models.CharField(_("contact"), max_length=250, blank=True)
    terms = models.TextField(_("terms of use"), blank=True)
    owner = models.ForeignKey(
        "kernel.Person",
        models.PROTECT,
        verbose_name=_("service owner"),
        null=True,
        blank=True,
        related_name="services_owned",
    )
    team = models.ForeignKey(
        "kernel.Team",
        models.PROTECT,
        verbose_name=_("supporting team"),
        null=True,
        blank=True,
        related_name="services",
    )
    in_catalogue = models.BooleanField(
        _("in the catalogue"),
        default=False,
        help_text=_("Shown to customers and users while it is live or retiring."),
    )

    class Meta:
        verbose_name = _("service")
        verbose_name_plural = _("services")


def owner_is_named(service: Service) -> None:
    if service.owner_id is None:
        raise ValidationError(
            {
                "owner": _(
                    "Name the service owner first. A live service needs someone who is accountable for it."
                )
            }
        )


@register
class ServiceType(RecordType[Service]):
    model = Service
    prefix = "SVC"
    seldom_changes = True
    process = "services"
    icon = "layers"
    access = {
        Role.MANAGER: Access.FULL,
        Role.AGENT: Access.VIEW,
        Role.VIEWER: Access.VIEW,
        Role.REQUESTER: Access.VIEW,
    }
    columns = ["reference", "title", "status", "party", "owner", "team", "in_catalogue"]
    filters = ["status", "party", "owner", "team", "in_catalogue"]
    search = ["reference", "title", "summary", "description", "features", "user_group"]
    ordering = "title"
    in_charge = ["owner", "team"]
    sections = [
        Section(_("Service"), ["title", "summary", "description", "value", "user_group"]),
        Section(_("What is in it"), ["features", "options", "dependencies", "terms"]),
        Section(
            _("Who stands behind it"), ["party", "owner", "team", "contact", "support_hours", "in_catalogue"]
        ),
    ]
    shown_to_requesters = [
        "title",
        "status",
        "summary",
        "description",
        "value",
        "user_group",
        "features",
        "options",
        "support_hours",
        "contact",
        "terms",
    ]
    workflow = Workflow(
        Service.Status,
        Service.Status.IDEA,
        [
            Transition(
                "prepare",
                _("Prepare"),
                [Service.Status.IDEA],
                Service.Status.PREPARATION,
                natural=True,
                done=_("started preparing the service"),
            ),
            Transition(
                "go_live",
                _("Go live"),
                [Service.Status.PREPARATION],
                Service.Status.LIVE,
                by=[Role.MANAGER],
                guard=owner_is_named,
                natural=True,
                icon="rocket",
                done=_("took the service live"),
            ),
            Transition(
                "begin_retirement",
                _("Begin retirement"),
                [Service.Status.LIVE],
                Service.Status.RETIRING,
                by=[Role.MANAGER],
                done=_("started retiring the service"),
            ),
            Transition(
                "keep",
                _("Keep it live"),
                [Service.Status.RETIRING],
                Service.Status.LIVE,
                by=[Role.MANAGER],
                done=_("kept the service live"),
            ),
            Transition(
                "retire",
                _("Retire"),
                [Service.Status.RETIRING, Service.Status.IDEA, Service.Status.PREPARATION],
                Service.Status.RETIRED,
                by=[Role.MANAGER],
                done=_("retired the service"),
            ),
        ],
        ended=[Service.Status.RETIRED],
        tones={
            Service.Status.IDEA: "new",
            Service.Status.PREPARATION: "active",
            Service.Status.LIVE: "live",
            Service.Status.RETIRING: "waiting",
        },
    )

    def open_to_all(self, record: Service) -> bool:
        return record.in_catalogue and record.status in (Service.Status.LIVE, Service.Status.RETIRING)
