"""What the clock sets off for sign-in."""

from stellwerk.accounts import forgotten

__all__ = ["forgotten"]
