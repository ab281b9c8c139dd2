"""A small OpenID Connect provider on the loopback, for tests: it says of itself what the standard asks, no more."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT_ID, CLIENT_SECRET = "stellwerk", "the provider's secret"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Provider:
    """Who signs in at it next, and what it does wrong."""

    callback: str
    address: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    """Claims that userinfo states otherwise than the id token."""
    audience: str = CLIENT_ID
    discovery: dict[str, Any] = field(default_factory=dict)
    refuses: bool = False
    challenges: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, query: dict[str, str]) -> tuple[int, dict[str, Any] | str]:
        match path:
            case "/.well-known/openid-configuration":
                return 200, self._about_itself()
            case "/authorize":
                return 302, self._redirect(query)
            case "/userinfo":
                return 200, {**self.claims, **self.userinfo}
            case "/keys":
                key = jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
                return 200, {"keys": [{**key, "kid": "1", "alg": "RS256"}]}
        return 404, {"error": "not_found"}

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Exchange a code, once, for whoever holds the client's secret and began with the challenge."""
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        if (form["client_id"], form["client_secret"]) != (CLIENT_ID, CLIENT_SECRET):
            return 401, {"error": "invalid_client"}
        if form["redirect_uri"] != self.callback or self.challenges.pop(form["code"], None) != challenge:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        about = {**self.claims, "iss": self.address, "aud": self.audience, "iat": now, "exp": now + 60}
        signed = jwt.encode(about, KEY, algorithm="RS256", headers={"kid": "1"})
        return 200, {"access_token": "opaque", "token_type": "Bearer", "expires_in": 60, "id_token": signed}

    def _about_itself(self) -> dict[str, Any]:
        known = {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "userinfo_endpoint": f"{self.address}/userinfo",
            "jwks_uri": f"{self.address}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }
        return {**known, **self.discovery}

    def _redirect(self, query: dict[str, str]) -> str:
        asked = (query["client_id"], query["redirect_uri"], query["code_challenge_method"])
        assert asked == (CLIENT_ID, self.callback, "S256")
        assert set(query["scope"].split()) == {"openid", "profile", "email"}
        if self.refuses:
            return self.callback + "?" + urlencode({"error": "access_denied", "state": query["state"]})
        code = f"code-{len(self.challenges)}"
        self.challenges[code] = query["code_challenge"]
        return self.callback + "?" + urlencode({"code": code, "state": query["state"]})


@contextmanager
def running(provider: Provider) -> Iterator[Provider]:
    """Serve it on a free port of the loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            self._answer(*provider.get(parts.path, _flat(parts.query)))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer(*provider.token(_flat(body)))

        def log_message(self, *args: Any) -> None:
            """Keep the tests' output to itself."""

        def _answer(self, status: int, content: dict[str, Any] | str) -> None:
            self.send_response(status)
            if isinstance(content, str):
                self.send_header("Location", content)
                content = {}
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider.address = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield provider
        server.shutdown()


def _flat(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}
