"""Django's settings; what an operator may decide is in configuration.py."""

from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONCE, NONE, SELF

from stellwerk.site import configuration as _configuration
from stellwerk.site.databases import database
from stellwerk.site.keys import journal_key, secret_key
from stellwerk.site.logs import logging_settings
from stellwerk.site.setting_types import parse_mail_url

PACKAGE = Path(__file__).resolve().parent.parent
CONFIGURATION = _configuration.read()
MODE = CONFIGURATION.text("mode")
DEMO = MODE == "demo"
URL = CONFIGURATION.text("url").rstrip("/")
HTTPS = URL.startswith("https://")
BEHIND_PROXY = CONFIGURATION.number("proxies") > 0

# Keys and places

DATA_DIR = Path(CONFIGURATION.text("data_dir")).absolute()
SECRET_KEY = secret_key(CONFIGURATION, DATA_DIR)
STELLWERK_JOURNAL_KEY = journal_key(CONFIGURATION, SECRET_KEY)
STELLWERK_ROSTER = Path(CONFIGURATION.text("roster_dir") or DATA_DIR).absolute() / "journal-roster.sqlite3"
STELLWERK_ROSTER_HOURS = CONFIGURATION.number("roster_hours")
STELLWERK_URL = URL
STELLWERK_DATA_DIR = DATA_DIR
STELLWERK_REACTIONS = "stellwerk.flows.reactions.REACTIONS"
STELLWERK_NAVIGATION = "stellwerk.site.navigation.NAVIGATION"
STELLWERK_PORTAL_NAVIGATION = "stellwerk.site.navigation.PORTAL"
DEBUG = CONFIGURATION.flag("debug") and DEMO
ALLOWED_HOSTS = [
    host
    for host in [
        urlsplit(URL).hostname,
        "localhost",
        "127.0.0.1",
        *CONFIGURATION.names("extra_hosts"),
    ]
    if host
]
CSRF_TRUSTED_ORIGINS = [URL]
CSRF_FAILURE_VIEW = "stellwerk.web.unsent.csrf_failure"
ROOT_URLCONF = "stellwerk.site.urls"
WSGI_APPLICATION = "stellwerk.site.wsgi.application"

# Apps: the kernel first, then what stands on it (design: imports point downwards)

STELLWERK_APPS = [
    "stellwerk.kernel",
    "stellwerk.organisation",
    "stellwerk.web",
    "stellwerk.exchange",
    "stellwerk.accounts",
    "stellwerk.importers",
    "stellwerk.foundation",
    "stellwerk.processes.services",
    "stellwerk.processes.incidents",
    "stellwerk.flows",
    "stellwerk.site",
]
INSTALLED_APPS = [
    *STELLWERK_APPS,
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "stellwerk.site.static.StaticFiles",
    "django.contrib.humanize",
    "django_htmx",
    "csp",
    "lucide",
    "django_tasks",
    "django_tasks_db",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "stellwerk.site.compression.PageCompressionMiddleware",
    "stellwerk.site.headers.PermissionsPolicyMiddleware",
    "stellwerk.site.headers.NoStoreMiddleware",
    "csp.middleware.CSPMiddleware",
    "stellwerk.site.headers.EncodingMiddleware",
    "stellwerk.web.memory.MemoryMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "stellwerk.accounts.sessions.IdleMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "stellwerk.accounts.middleware.PreferencesMiddleware",
    "stellwerk.accounts.middleware.ConfirmationMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "stellwerk.web.dialogs.DialogMiddleware",
    "stellwerk.web.unsent.SignedOutMiddleware",
    "stellwerk.web.error_responses.ErrorMiddleware",
    "stellwerk.web.idempotency.OnceMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PACKAGE / "site" / "templates", PACKAGE / "web" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "stellwerk.web.shell.shell",
                "stellwerk.accounts.passkeys.passkeys",
                *(["stellwerk.demo.context.demo_people"] if DEMO else []),
            ],
        },
    }
]

# Data

DATABASES = {"default": database(CONFIGURATION, DATA_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ON_SQLITE = DATABASES["default"]["ENGINE"].endswith("sqlite3")
# Throttles must hold across processes: PostgreSQL keeps them, SQLite has one web process whose memory does.
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    if ON_SQLITE
    else {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "stellwerk_cache"},
    "local": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "local"},
}
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": []}}
ATTACHMENTS_DIR = DATA_DIR / "attachments"
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": ATTACHMENTS_DIR, "base_url": None, "file_permissions_mode": 0o600},
    },
    "staticfiles": {"BACKEND": "stellwerk.site.static.StaticStorage"},
}
UPLOAD_LIMIT = CONFIGURATION.number("upload_limit_mb") * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = UPLOAD_LIMIT
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000

# Static files: the sources' build output, collected into the data folder by the commands that serve

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [("stellwerk", PACKAGE / "frontend" / "dist")]
# A page with one picture missing is better than no page.
WHITENOISE_MANIFEST_STRICT = False
WHITENOISE_USE_FINDERS = DEBUG

# Sign-in

AUTH_USER_MODEL = "kernel.Person"
AUTHENTICATION_BACKENDS = ["stellwerk.accounts.backend.SignInBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "stellwerk.accounts.passwords.SimilarPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "stellwerk.accounts.passwords.TrivialPasswordValidator"},
]
ACCOUNT_ADAPTER = "stellwerk.accounts.adapters.AccountAdapter"
SOCIALACCOUNT_ADAPTER = "stellwerk.accounts.adapters.SocialAccountAdapter"
MFA_ALLOW_UNVERIFIED_EMAIL = True  # addresses are set by administrators, not by the people themselves
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = None
ACCOUNT_FORMS = {"reset_password": "stellwerk.accounts.forms.ForgottenPasswordForm"}
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "stellwerk.accounts.link_tokens.LinkTokens"  # noqa: S105
PASSWORD_RESET_TIMEOUT = (
    24 * 3600
)  # seconds; a link that waits longer in a mailbox is of use to others (ASVS 6.4.1)
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""  # else the host that the request claims to be for
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
ALLAUTH_TRUSTED_PROXY_COUNT = CONFIGURATION.number("proxies")
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Stellwerk"
# Browsers allow passkeys over plain http on localhost only; a demo runs there.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
USERSESSIONS_TRACK_ACTIVITY = False
SOCIALACCOUNT_EMAIL_REQUIRED = False  # else allauth would ask for one, and believe it
SOCIALACCOUNT_PROVIDERS = _configuration.sign_on_provider(CONFIGURATION)

# What browsers are told

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
# Redirecting to https is the reverse proxy's task; here it would break health checks on plain http.
SECURE_SSL_REDIRECT = False
# What STELLWERK_URL decides (`stellwerk check` says so), and strict transport for other hosts of the domain.
SILENCED_SYSTEM_CHECKS = [f"security.{number}" for number in ("W004", "W005", "W008", "W012", "W016", "W021")]
SECURE_HSTS_SECONDS = 365 * 86400 if HTTPS else 0
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "__Host-stellwerk_session" if HTTPS else "stellwerk_session"
CSRF_COOKIE_NAME = "__Host-stellwerk_csrf" if HTTPS else "stellwerk_csrf"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SESSION_ENGINE = "stellwerk.accounts.sessions"
SESSION_COOKIE_AGE = 60 * CONFIGURATION.number("session_idle_minutes")
SESSION_LONGEST = 14 * 86400  # seconds

# Each web process counts on its own (see api/rates.py).
STELLWERK_API_RATE = CONFIGURATION.number("api_rate") / CONFIGURATION.number("web_processes")

# Language and time

LANGUAGE_CODE = CONFIGURATION.text("language")
LANGUAGES = _configuration.LANGUAGES
LOCALE_PATHS = [PACKAGE / "locale"]
USE_I18N = True
FORMAT_MODULE_PATH = "stellwerk.site.formats"
USE_TZ = True
TIME_ZONE = CONFIGURATION.text("time_zone")

# Mail and logs

DEFAULT_FROM_EMAIL = SERVER_EMAIL = CONFIGURATION.text("mail_from")
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
if CONFIGURATION.text("mail_url"):
    globals().update(parse_mail_url(CONFIGURATION.text("mail_url")))
LOGGING = logging_settings(CONFIGURATION.text("log_format"), CONFIGURATION.text("log_level"))
