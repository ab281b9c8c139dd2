"""The first account of an installation."""

from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.role_assignment import RoleAssignment
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.days import today
from stellwerk.kernel.model.roles import Role
from stellwerk.kernel.write.services import create


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
