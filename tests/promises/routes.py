"""Every route with who gets what there: the reviewed table behind test_routes.py. A route without a row fails."""

from dataclasses import dataclass

ROLES = ("anonymous", "nobody", "outsider", "gus", "viewer", "agent", "maria", "root")
"""Nobody has no role, the outsider manages another centre, Gus is the requester, the others work at the ticket's centre."""


@dataclass(frozen=True)
class Row:
    """What each role is answered at a route, in the order of ROLES, to an empty request with `method`.

    A route about a record is tried with one that exists and with one that does not: who may not see it gets
    the same answer to both.
    """

    method: str
    answers: str


ROUTES: dict[str, tuple[Row, ...]] = {
    # the process
    "alive": (
        Row("GET", "200 200 200 200 200 200 200 200"),
        Row("POST", "200 200 200 200 200 200 200 200"),
    ),
    # the API
    "^api/v1/": (
        Row("GET", "401 404 404 404 404 404 404 404"),
        Row("POST", "401 404 404 404 404 404 404 404"),
    ),
    "api/v1/<type:record_type>": (
        Row("GET", "401 200 200 200 200 200 200 200"),
        Row("POST", "401 422 422 422 422 422 422 422"),
    ),
    "api/v1/<type:record_type>/<str:reference>": (
        Row("GET", "401 404 404 200 200 200 200 200"),
        Row("PATCH", "401 404 404 428 428 428 428 428"),
    ),
    "api/v1/<type:record_type>/<str:reference>/attachments": (
        Row("GET", "401 404 404 200 200 200 200 200"),
        Row("POST", "401 404 404 415 415 415 415 415"),
    ),
    "api/v1/<type:record_type>/<str:reference>/attachments/<int:id>": (
        Row("GET", "401 404 404 200 200 200 200 200"),
        Row("DELETE", "401 404 404 403 403 204 204 204"),
    ),
    "api/v1/<type:record_type>/<str:reference>/comments": (
        Row("GET", "401 404 404 200 200 200 200 200"),
        Row("POST", "401 404 404 422 422 422 422 422"),
    ),
    "api/v1/<type:record_type>/<str:reference>/journal": (Row("GET", "401 404 404 200 200 200 200 200"),),
    "api/v1/<type:record_type>/<str:reference>/links": (
        Row("GET", "401 404 404 200 200 200 200 200"),
        Row("POST", "401 404 404 422 422 422 422 422"),
    ),
    "api/v1/<type:record_type>/<str:reference>/transitions": (Row("GET", "401 404 404 200 200 200 200 200"),),
    "api/v1/<type:record_type>/<str:reference>/transitions/<str:step>": (
        Row("POST", "401 404 404 403 403 200 200 200"),
    ),
    "api/v1/<type:record_type>/<str:reference>/links/<int:id>": (
        Row("DELETE", "401 404 404 404 403 204 204 204"),
    ),
    "api/v1/<type:record_type>/<str:reference>/watchers/<str:person>": (
        Row("DELETE", "401 404 404 404 403 204 204 204"),
    ),
    "api/v1/<type:record_type>/<str:reference>/watchers": (
        Row("GET", "401 404 404 200 200 200 200 200"),
        Row("POST", "401 404 404 201 201 201 201 201"),
    ),
    "api/v1/<type:record_type>/bulk": (
        Row("POST", "401 422 422 422 422 422 422 422"),
        Row("PATCH", "401 422 422 422 422 422 422 422"),
    ),
    "api/v1/docs": (Row("GET", "302 200 200 200 200 200 200 200"),),
    "api/v1/me": (Row("GET", "401 200 200 200 200 200 200 200"),),
    "api/v1/openapi.json": (Row("GET", "401 200 200 200 200 200 200 200"),),
    "api/v1/search": (Row("GET", "401 200 200 200 200 200 200 200"),),
    "api/v1/types": (Row("GET", "401 200 200 200 200 200 200 200"),),
    # sign-in and a person's own pages (allauth's own sign-in steps redirect where there is nothing to do)
    "account/": (
        Row("GET", "302 200 200 200 200 200 200 200"),
        Row("POST", "302 302 302 302 302 302 302 302"),
    ),
    "account/2fa/": (Row("GET", "302 200 200 200 200 200 200 200"),),
    "account/2fa/authenticate/": (
        Row("GET", "302 302 302 302 302 302 302 302"),
        Row("POST", "302 302 302 302 302 302 302 302"),
    ),
    "account/2fa/reauthenticate/": (
        Row("GET", "302 403 403 403 403 403 403 403"),
        Row("POST", "302 403 403 403 403 403 403 403"),
    ),
    "account/2fa/recovery-codes/": (Row("GET", "302 404 404 404 404 404 404 404"),),
    "account/2fa/recovery-codes/download/": (
        Row("GET", "302 404 404 404 404 404 404 404"),
        Row("POST", "302 404 404 404 404 404 404 404"),
    ),
    "account/2fa/recovery-codes/generate/": (
        Row("GET", "302 200 200 200 200 200 200 200"),
        Row("POST", "302 200 200 200 200 200 200 200"),
    ),
    "account/2fa/totp/activate/": (
        Row("GET", "302 200 200 200 200 200 200 200"),
        Row("POST", "302 200 200 200 200 200 200 200"),
    ),
    "account/2fa/totp/deactivate/": (
        Row("GET", "302 404 404 404 404 404 404 404"),
        Row("POST", "302 404 404 404 404 404 404 404"),
    ),
    "account/2fa/webauthn/": (Row("GET", "302 200 200 200 200 200 200 200"),),
    "account/2fa/webauthn/add/": (
        Row("GET", "302 200 200 200 200 200 200 200"),
        Row("POST", "302 200 200 200 200 200 200 200"),
    ),
    "account/2fa/webauthn/keys/<int:pk>/edit/": (
        Row("GET", "302 404 404 404 404 404 404 404"),
        Row("POST", "302 404 404 404 404 404 404 404"),
    ),
    "account/2fa/webauthn/keys/<int:pk>/remove/": (
        Row("DELETE", "302 404 404 404 404 404 404 404"),
        Row("GET", "302 404 404 404 404 404 404 404"),
        Row("POST", "302 404 404 404 404 404 404 404"),
    ),
    "account/2fa/webauthn/login/": (
        Row("GET", "302 302 302 302 302 302 302 302"),
        Row("POST", "302 302 302 302 302 302 302 302"),
    ),
    "account/2fa/webauthn/reauthenticate/": (
        Row("GET", "302 403 403 403 403 403 403 403"),
        Row("POST", "302 403 403 403 403 403 403 403"),
    ),
    "account/^password/reset/key/(?P<uidb36>[0-9A-Za-z]{1,12})-(?P<key>.+)/$": (
        Row("GET", "404 404 404 404 404 404 404 404"),
        Row("POST", "404 404 404 404 404 404 404 404"),
    ),
    "account/address/<str:reference>/": (
        Row("GET", "302 404 404 404 404 404 404 404"),
        Row("POST", "302 404 404 404 404 404 404 404"),
    ),
    "account/confirm-address/<str:key>/": (
        Row("GET", "404 404 404 404 404 404 404 404"),
        Row("POST", "404 404 404 404 404 404 404 404"),
    ),
    "account/confirmed/": (Row("GET", "302 302 302 302 302 302 302 302"),),
    "account/inactive/": (Row("GET", "200 200 200 200 200 200 200 200"),),
    "account/login/": (
        Row("GET", "200 302 302 302 302 302 302 302"),
        Row("POST", "200 302 302 302 302 302 302 302"),
    ),
    "account/logout/": (
        Row("GET", "302 200 200 200 200 200 200 200"),
        Row("POST", "302 302 302 302 302 302 302 302"),
    ),
    "account/oidc/": (Row("GET", "404 404 404 404 404 404 404 404"),),
    "account/oidc/callback/": (Row("GET", "404 404 404 404 404 404 404 404"),),
    "account/password/change/": (
        Row("GET", "302 302 302 302 302 302 302 302"),
        Row("POST", "302 302 302 302 302 302 302 302"),
    ),
    "account/password/reset/": (
        Row("GET", "200 200 200 200 200 200 200 200"),
        Row("POST", "200 200 200 200 200 200 200 200"),
    ),
    "account/password/reset/done/": (Row("GET", "200 200 200 200 200 200 200 200"),),
    "account/password/reset/key/done/": (Row("GET", "200 200 200 200 200 200 200 200"),),
    "account/password/set/": (
        Row("GET", "302 200 200 200 200 200 200 200"),
        Row("POST", "302 200 200 200 200 200 200 200"),
    ),
    "account/preferences/": (Row("POST", "302 204 204 204 204 204 204 204"),),
    "account/reauthenticate/": (
        Row("GET", "302 403 403 403 403 403 403 403"),
        Row("POST", "302 403 403 403 403 403 403 403"),
    ),
    "account/sessions/": (
        Row("GET", "302 200 200 200 200 200 200 200"),
        Row("POST", "302 302 302 302 302 302 302 302"),
    ),
    "account/signup/": (
        Row("GET", "200 302 302 302 302 302 302 302"),
        Row("POST", "200 302 302 302 302 302 302 302"),
    ),
    "account/sign-in-link/<str:reference>/": (
        Row("GET", "302 404 404 404 404 404 404 404"),
        Row("POST", "302 404 404 404 404 404 404 404"),
    ),
    "account/tokens/": (
        Row("GET", "302 200 200 200 200 200 200 200"),
        Row("POST", "302 422 422 422 422 422 422 422"),
    ),
    "account/tokens/<int:pk>/revoke/": (Row("POST", "302 404 404 404 404 404 404 404"),),
    # the portal
    "portal/": (Row("GET", "302 200 200 200 200 200 200 200"),),
    "portal/new/<slug:kind>/": (
        Row("GET", "302 200 200 200 200 200 200 200"),
        Row("POST", "302 422 422 422 422 422 422 422"),
    ),
    "portal/services/": (Row("GET", "302 200 200 200 200 200 200 200"),),
    "portal/services/<str:reference>/": (Row("GET", "302 404 404 404 404 404 404 404"),),
    "portal/tickets/": (Row("GET", "302 200 200 200 200 200 200 200"),),
    "portal/words/": (Row("GET", "302 200 200 200 200 200 200 200"),),
    "portal/tickets/<str:reference>/": (Row("GET", "302 404 404 200 200 200 200 200"),),
    "portal/tickets/<str:reference>/<slug:name>/": (Row("POST", "302 404 404 422 403 422 422 422"),),
    "portal/tickets/<str:reference>/reply/": (Row("POST", "302 404 404 422 403 422 422 422"),),
    "portal/tickets/<str:reference>/withdraw/": (
        Row("GET", "302 404 404 200 403 200 200 200"),
        Row("POST", "302 404 404 302 403 302 302 302"),
    ),
    # pages
    "": (Row("GET", "302 302 200 302 200 200 200 200"),),
    "<type:record_type>/": (Row("GET", "302 302 200 302 200 200 200 200"),),
    "<type:record_type>/bulk/": (Row("POST", "302 422 422 422 422 422 422 422"),),
    "<type:record_type>/bulk/undo/": (Row("POST", "302 422 422 422 422 422 422 422"),),
    "<type:record_type>/filters/": (Row("GET", "302 200 200 200 200 200 200 200"),),
    "<type:record_type>/new/": (
        Row("GET", "302 200 200 200 200 200 200 200"),
        Row("POST", "302 422 422 422 422 422 422 422"),
    ),
    "<type:record_type>/tabs/": (Row("GET", "302 200 200 200 200 200 200 200"),),
    "<type:record_type>/views/": (
        Row("GET", "302 200 200 200 200 200 200 200"),
        Row("POST", "302 422 422 422 422 422 422 422"),
    ),
    "<type:record_type>/views/<int:pk>/": (Row("POST", "302 404 404 404 404 404 422 404"),),
    "access/": (Row("GET", "302 403 403 403 403 403 403 200"),),
    "design-system/": (
        Row("GET", "302 200 200 200 200 200 200 200"),
        Row("POST", "302 200 200 200 200 200 200 200"),
    ),
    "desk/": (Row("GET", "302 403 200 403 200 200 200 200"),),
    "draft/<str:place>/": (Row("POST", "302 204 204 204 204 204 204 204"),),
    "lookup/": (Row("GET", "302 200 200 200 200 200 200 200"),),
    "notifications/": (Row("GET", "302 200 200 200 200 200 200 200"),),
    "notifications/<int:pk>/": (Row("GET", "302 404 404 302 404 404 404 404"),),
    "notifications/read/": (Row("POST", "302 302 302 302 302 302 302 302"),),
    "options/<type:record_type>/": (Row("GET", "302 200 200 200 200 200 200 200"),),
    "navigation/<int:number>/": (Row("GET", "302 404 200 404 200 200 200 200"),),
    "palette/": (Row("GET", "302 200 200 200 200 200 200 200"),),
    "records/<str:reference>/": (Row("GET", "302 404 404 302 200 200 200 200"),),
    "records/<str:reference>/comments/<int:pk>/": (Row("GET", "302 404 404 200 200 200 200 200"),),
    "records/<str:reference>/edit/": (
        Row("GET", "302 404 404 403 403 200 200 200"),
        Row("POST", "302 404 404 403 403 422 422 422"),
    ),
    "records/<str:reference>/fields/<str:name>/": (
        Row("GET", "302 404 404 404 403 200 200 200"),
        Row("POST", "302 404 404 404 403 422 422 422"),
    ),
    "records/<str:reference>/fields/<str:name>/text/": (Row("GET", "302 404 404 404 404 404 404 404"),),
    "records/<str:reference>/fields/<str:name>/value/": (Row("GET", "302 404 404 404 403 200 200 200"),),
    "records/<str:reference>/mentions/": (Row("GET", "302 404 404 404 403 200 200 200"),),
    "records/<str:reference>/templates/": (Row("GET", "302 404 404 404 403 200 200 200"),),
    "records/<str:reference>/files/": (Row("POST", "302 404 404 422 422 422 422 422"),),
    "records/<str:reference>/files/<int:pk>/remove/": (
        Row("GET", "302 404 404 403 403 200 200 200"),
        Row("POST", "302 404 404 403 403 302 302 302"),
    ),
    "records/<str:reference>/files/<int:pk>/": (Row("GET", "302 404 404 200 200 200 200 200"),),
    "records/<str:reference>/history/": (Row("GET", "302 404 404 404 200 200 200 200"),),
    "records/<str:reference>/links/": (
        Row("GET", "302 404 404 403 403 200 200 200"),
        Row("POST", "302 404 404 403 403 422 422 422"),
    ),
    "records/<str:reference>/links/<int:pk>/remove/": (Row("POST", "302 404 404 403 403 302 302 302"),),
    "records/<str:reference>/links/again/": (Row("POST", "302 404 404 403 403 422 422 422"),),
    "records/<str:reference>/order/": (Row("POST", "302 404 404 302 302 302 302 302"),),
    "records/<str:reference>/referring/": (Row("GET", "302 404 404 200 200 200 200 200"),),
    "records/<str:reference>/say/": (Row("POST", "302 404 404 422 403 422 422 422"),),
    "records/<str:reference>/shares/": (
        Row("GET", "302 404 404 403 403 200 200 200"),
        Row("POST", "302 404 404 403 403 422 422 422"),
    ),
    "records/<str:reference>/shares/<int:pk>/remove/": (Row("POST", "302 404 404 403 403 302 302 302"),),
    "records/<str:reference>/shares/again/": (Row("POST", "302 404 404 403 403 422 422 422"),),
    "records/<str:reference>/steps/<str:name>/": (
        Row("GET", "302 404 404 404 404 404 404 404"),
        Row("POST", "302 404 404 404 404 404 404 404"),
    ),
    "records/<str:reference>/watch/": (Row("POST", "302 404 404 302 302 302 302 302"),),
    "records/<str:reference>/watchers/": (
        Row("GET", "302 404 404 403 403 200 200 200"),
        Row("POST", "302 404 404 403 403 422 422 422"),
    ),
    "signed-in/": (Row("GET", "302 200 200 200 200 200 200 200"),),
    "unsent/": (
        Row("GET", "302 302 302 302 302 302 302 302"),
        Row("POST", "302 302 302 302 302 302 302 302"),
    ),
    "search/": (Row("GET", "302 200 200 200 200 200 200 200"),),
    "<type:record_type>/export/": (Row("GET", "302 200 200 200 200 200 200 200"),),
    "<type:record_type>/import/": (
        Row("GET", "302 403 200 403 403 200 200 200"),
        Row("POST", "302 403 422 403 403 422 422 422"),
    ),
    "<type:record_type>/import/<int:pk>/": (
        Row("GET", "302 404 404 404 404 404 404 200"),
        Row("POST", "302 404 404 404 404 404 404 302"),
    ),
    "records/<str:reference>/entries/<int:number>/undo/": (Row("POST", "302 404 404 403 403 422 422 422"),),
    "tickets/<str:reference>/merge/": (
        Row("GET", "302 404 404 403 403 200 200 200"),
        Row("POST", "302 404 404 403 403 422 422 422"),
    ),
    "tickets/<str:reference>/unmerge/": (
        Row("GET", "302 404 404 403 403 200 200 200"),
        Row("POST", "302 404 404 403 403 422 422 422"),
    ),
}
