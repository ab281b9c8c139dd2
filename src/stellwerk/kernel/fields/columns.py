"""Columns of record types that Django has no class for; each names the kind of its values.

services = Many("services.Service", _("services"))
channels = SeveralChoices(_("channels"), choices=Channel)
availability = PercentageField(_("availability"), null=True, blank=True)
answer_within = DurationField(_("answer within"), null=True, blank=True)
"""

from typing import Any, ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from stellwerk.kernel.fields.choice import Rank
from stellwerk.kernel.fields.choice import SeveralChoices as SeveralChoicesKind
from stellwerk.kernel.fields.field import Field
from stellwerk.kernel.fields.number import MOST_SECONDS, Duration, Number, Percentage
from stellwerk.kernel.fields.reference import SeveralReferences


class _List(models.JSONField):
    """A list in the row; none is null, so that journals do not tell of empty lists."""

    def __init__(self, verbose_name: Any = None, **kwargs: Any) -> None:
        super().__init__(verbose_name, **{"null": True, "blank": True, **kwargs})


class Many(_List):
    """Holds the ids of several records of one type."""

    kind: ClassVar[type[Field]] = SeveralReferences

    def __init__(self, to: Any, verbose_name: Any = None, **kwargs: Any) -> None:
        self.to = to
        super().__init__(verbose_name, **kwargs)

    @property
    def related_model(self) -> Any:  # type: ignore[override]
        from django.apps import apps  # models are loaded by the time that somebody asks

        return apps.get_model(self.to) if isinstance(self.to, str) else self.to

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        to = self.to if isinstance(self.to, str) else self.to._meta.label
        return name, path, [to, *args], kwargs


class SeveralChoices(_List):
    """Holds some of the values that it offers."""

    kind: ClassVar[type[Field]] = SeveralChoicesKind

    def __init__(self, verbose_name: Any = None, *, offered: Any = (), **kwargs: Any) -> None:
        self.offered = list(getattr(offered, "choices", offered))
        super().__init__(verbose_name, **kwargs)


class RankField(models.PositiveSmallIntegerField[Any, Any]):
    """A choice of ranks, 1 before all others."""

    kind: ClassVar[type[Field]] = Rank

    def deconstruct(self) -> Any:
        """Stand in migrations as what it is in the table."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.PositiveSmallIntegerField", args, kwargs


class NumberField(models.FloatField[Any, Any]):
    """A number with its unit."""

    kind: ClassVar[type[Field]] = Number

    def __init__(self, verbose_name: Any = None, *, unit: str = "", **kwargs: Any) -> None:
        self.unit = unit
        super().__init__(verbose_name, **kwargs)


class PercentageField(models.FloatField[Any, Any]):
    kind: ClassVar[type[Field]] = Percentage
    default_validators = (MinValueValidator(0), MaxValueValidator(100))  # type: ignore[assignment]


class DurationField(models.PositiveBigIntegerField[Any, Any]):
    """A span of time in whole seconds."""

    kind: ClassVar[type[Field]] = Duration
    default_validators = (MinValueValidator(0), MaxValueValidator(MOST_SECONDS))  # type: ignore[assignment]
