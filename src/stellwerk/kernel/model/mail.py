"""Whether mail is sent at all."""

NO_MAIL = "django.core.mail.backends.dummy.EmailBackend"
