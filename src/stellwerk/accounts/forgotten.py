"""A forgotten password: what is mailed to whom, and how often.

All of it happens in a job, so that the page answers alike, and as fast, whether or not an address is known here.
"""

import hashlib
from datetime import datetime, timedelta

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation

from stellwerk.accounts.models import ResetMail
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.jobs.job import job
from stellwerk.kernel.jobs.schedule import scheduled

MOST_TO_STRANGERS, MOST_TO_PEOPLE = 1, 5
"""How many mails an address is sent within a day: one that nobody has here, and one of a person."""
SPAN = timedelta(days=1)


@job(retries=3)
def answer_forgotten(address: str) -> str:
    """Mail a link to the person with this address, or say that there is none; neither too often."""
    address = address.lower()
    person = Person.objects.filter(email=address, status=Person.Status.ACTIVE, is_service=False).first()
    if not _may_be_sent(address, MOST_TO_PEOPLE if person else MOST_TO_STRANGERS, timezone.now()):
        return "sent often enough today"
    with translation.override((person and person.language) or settings.LANGUAGE_CODE):
        (_with_link(person) if person else _without(address)).send()
    return "sent"


@scheduled("accounts.forget_reset_mails", cron="35 * * * *")
def forget_reset_mails(now: datetime) -> None:
    """Forget to whom mails went more than a day ago."""
    ResetMail.objects.filter(since__lt=now - SPAN).delete()


def _may_be_sent(address: str, most: int, now: datetime) -> bool:
    """Count one more mail to the address, if that is not too many."""
    digest = hashlib.sha256(address.encode()).hexdigest()
    with transaction.atomic():
        ResetMail.objects.get_or_create(digest=digest, defaults={"since": now})
        sent = ResetMail.objects.select_for_update().get(digest=digest)
        if now - sent.since >= SPAN:
            sent.since, sent.number = now, 0
        sent.number += 1
        if sent.number > most:
            return False
        sent.save()
        return True


def _with_link(person: Person) -> EmailMessage:
    generator: PasswordResetTokenGenerator = default_token_generator
    key = {"uidb36": user_pk_to_url_str(person), "key": generator.make_token(person)}
    link = f"{settings.STELLWERK_URL}{reverse('account_reset_password_from_key', kwargs=key)}"
    told = {"password_reset_url": link, "username": person.username}
    return _mail("password_reset_key", str(person.email), told)


def _without(address: str) -> EmailMessage:
    return _mail("unknown_account", address, {"email": address})


def _mail(name: str, to: str, told: dict[str, str | None]) -> EmailMessage:
    context = {**told, "address": settings.STELLWERK_URL}
    subject, body = (
        render_to_string(f"account/email/{name}_{part}.txt", context).strip()
        for part in ("subject", "message")
    )
    return EmailMessage(subject, body, to=[to], headers={"Auto-Submitted": "auto-generated"})
