"""The first account of an installation."""

from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from stellwerk.kernel.access.person import SYSTEM, Person
from stellwerk.kernel.access.role_assignment import RoleAssignment
from stellwerk.kernel.access.roles import Role
from stellwerk.kernel.days import today
from stellwerk.kernel.records.services import create


def make_administrator(username: str, name: str, email: str, password: str) -> Person:
    """Create a person with the role of administrator for everything; raises ValidationError."""
    with transaction.atomic():
        person = create(Person, {"title": name, "username": username, "email": email}, by=SYSTEM)
        validate_password(password, person)
        person.set_password(password)
        person.save(update_fields=["password"])
        role = {"person": person, "role": Role.ADMINISTRATOR, "valid_from": today()}
        create(RoleAssignment, role, by=SYSTEM)
    return person
