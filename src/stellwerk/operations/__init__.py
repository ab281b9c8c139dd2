"""Backups: one file with the database, the attachments and a manifest that proves both."""
