"""The WSGI application that granian, or any other WSGI server, serves."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stellwerk.site.settings")

application = get_wsgi_application()
