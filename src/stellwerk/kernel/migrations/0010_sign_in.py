"""Who was sent mail about a forgotten password; and an end for tokens that had none."""

from datetime import timedelta
from typing import Any

from django.db import migrations, models
from django.utils import timezone

TEXT = (
    "API tokens now end by themselves: “{names}” works until {day}. Make a new one in time, or choose there that it "
    "never ends."
)


def end_tokens(apps: Any, schema_editor: Any) -> None:
    """Give tokens without an end 90 days from now, and tell their owners; of service accounts, the administrators."""
    now = timezone.now()
    until = now + timedelta(days=90)
    tokens = apps.get_model("kernel", "ApiToken").objects.filter(expires_at=None, revoked_at=None)
    owners: dict[Any, list[str]] = {}
    for token in tokens.select_related("person").order_by("pk"):
        owners.setdefault(token.person, []).append(token.name)
    for owner, names in owners.items():
        address = f"/account/tokens/?for={owner.reference}" if owner.is_service else "/account/tokens/"
        text = TEXT.format(names="”, “".join(names), day=until.date().isoformat())
        for person in administrators(apps, now) if owner.is_service else [owner]:
            apps.get_model("kernel", "Notification").objects.create(
                person=person, why="outcome", text=text, address=address, created_at=now
            )
    tokens.update(expires_at=until)


def administrators(apps: Any, now: Any) -> list[Any]:
    held = apps.get_model("kernel", "RoleAssignment").objects.filter(
        models.Q(valid_until=None) | models.Q(valid_until__gte=now.date()),
        role="administrator",
        party=None,
        process="",
    )
    ids = set(held.exclude(person=None).values_list("person", flat=True))
    teams = list(held.exclude(team=None).values_list("team", flat=True))
    members = apps.get_model("kernel", "TeamMembership").objects.filter(team__in=teams)
    ids |= set(members.values_list("person", flat=True))
    return list(apps.get_model("kernel", "Person").objects.filter(pk__in=ids, status="active").order_by("pk"))


class Migration(migrations.Migration):
    dependencies = [
        ("kernel", "0009_journal_format"),
    ]

    operations = [
        migrations.CreateModel(
            name="ResetMail",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("since", models.DateTimeField(db_index=True)),
                ("number", models.PositiveSmallIntegerField(default=0)),
            ],
            options={
                "verbose_name": "mail about a forgotten password",
                "verbose_name_plural": "mails about forgotten passwords",
            },
        ),
        migrations.RunPython(end_tokens, migrations.RunPython.noop),
    ]
