"""Compressing pages: they are mostly markup, and the secrets in them are masked anew for every answer."""

from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class PageCompressionMiddleware(GZipMiddleware):
    """Compress pages and their parts, and nothing else.

    What is secret in a page (the CSRF token, the nonce, a form's mark) differs from answer to answer, and the length is
    padded at random, so that the size of an answer says nothing (BREACH). The API's answers carry ETags that are
    compared to the letter, files are mostly compressed already, and an export is streamed.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.streaming or not response.headers.get("Content-Type", "").startswith("text/html"):
            return response
        compressed: HttpResponseBase = super().process_response(request, response)
        return compressed
