"""The WSGI application, around which asgi.py builds the one that is served."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stellwerk.site.settings")

application = get_wsgi_application()
