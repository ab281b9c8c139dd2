"""A request of somebody who is signed in, as pages get it that ask for a person."""

from django.http import HttpRequest

from stellwerk.kernel.identity.person import Person


class SignedInRequest(HttpRequest):
    """What `login_required` lets through. For the type checker: no request is ever made of this class."""

    user: Person
