"""What the demo adds to pages: its sign-ins as buttons on the sign-in page."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from stellwerk.demo import sign_ins
from stellwerk.kernel.identity.person import Person


def demo_people(request: HttpRequest) -> dict[str, object]:
    """Return the people to sign in as (context processor of mode `demo` only)."""
    return {"demo_people": SimpleLazyObject(people)}


def people() -> list[dict[str, str]]:
    """List user name, name, role and password of those who can sign in and are there."""
    given = sign_ins()
    names = dict(
        Person.objects.filter(username__in=[name for _, name, _ in given]).values_list("username", "title")
    )
    return [
        {"username": username, "name": names[username], "role": role.capitalize(), "password": password}
        for role, username, password in given
        if username in names
    ]
