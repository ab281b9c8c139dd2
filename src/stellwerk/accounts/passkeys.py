"""Where passkeys work: browsers bind them to a host name, and refuse an address that is a number."""

from ipaddress import ip_address

from django.http import HttpRequest
from django.http.request import split_domain_port
from django.utils.functional import SimpleLazyObject


def passkeys(request: HttpRequest) -> dict[str, object]:
    """Return what the account pages ask before they offer a passkey (context processor)."""
    return {"passkeys_work": SimpleLazyObject(lambda: has_name(request.get_host()))}


def has_name(host: str) -> bool:
    """Whether a host, with or without a port, is a name rather than an IP address."""
    domain, _port = split_domain_port(host)
    try:
        ip_address(domain.strip("[]"))
    except ValueError:
        return True
    return False
