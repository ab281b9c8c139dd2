"""The demo organisation: made up by `build`, the same for the same day and seed, and written by `load`."""

from stellwerk.demo.federation import read


def password_of(username: str) -> str:
    """Return the password of a sign-in of the demo; set in demo mode only, on a machine of one's own."""
    return f"{username}-demo"


def sign_ins() -> list[tuple[str, str, str]]:
    """List role, user name and password of those who can sign in."""
    return [(role, key, password_of(key)) for key, role in read("federation.toml")["sign_ins"].items()]
