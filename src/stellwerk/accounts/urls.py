"""Addresses of sign-in and of a person's own pages. Signing up and editing addresses by hand are left out on purpose."""

from allauth.account import views as sign_in
from django.urls import URLPattern, URLResolver, include, path, re_path

from stellwerk.accounts import single_sign_on, views
from stellwerk.accounts.confirming import confirmed, go_on_confirmed

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.account, name="account"),
    path("preferences/", views.preferences, name="preferences"),
    path("sign-in-link/<str:reference>/", views.sign_in_link, name="sign_in_link"),
    path("address/<str:reference>/", views.change_address, name="change_address"),
    path("confirm-address/<str:key>/", views.confirm_address, name="confirm_address"),
    path("tokens/", views.tokens, name="tokens"),
    path("tokens/<int:pk>/revoke/", views.revoke_token, name="revoke_token"),
    path("login/", sign_in.login, name="account_login"),
    path("logout/", sign_in.logout, name="account_logout"),
    path("inactive/", sign_in.account_inactive, name="account_inactive"),
    path("signup/", sign_in.signup, name="account_signup"),
    path("reauthenticate/", sign_in.reauthenticate, name="account_reauthenticate"),
    path("confirmed/", go_on_confirmed, name="go_on_confirmed"),
    path("password/change/", sign_in.password_change, name="account_change_password"),
    path("password/set/", confirmed(sign_in.password_set), name="account_set_password"),
    path("password/reset/", views.password_reset, name="account_reset_password"),
    path("password/reset/done/", sign_in.password_reset_done, name="account_reset_password_done"),
    re_path(  # an id of more signs than twelve is none that a database could hold
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]{1,12})-(?P<key>.+)/$",
        sign_in.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/",
        sign_in.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path("2fa/", include("allauth.mfa.urls")),
    path("sessions/", include("allauth.usersessions.urls")),
    path("oidc/", single_sign_on.begin, {"provider_id": "oidc"}, name="openid_connect_login"),
    path("oidc/callback/", single_sign_on.finish, {"provider_id": "oidc"}, name="openid_connect_callback"),
]
