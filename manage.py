#!/usr/bin/env python3
"""Django's commands for development, on the demo's data unless the environment says otherwise."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    if "STELLWERK_SECRET_KEY" not in os.environ and "STELLWERK_CONFIG" not in os.environ:
        os.environ.setdefault("STELLWERK_MODE", "demo")
        os.environ.setdefault("STELLWERK_DATA_DIR", "var/demo")
    os.environ.setdefault("STELLWERK_LOG_FORMAT", "text")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stellwerk.site.settings")
    execute_from_command_line(sys.argv)
