"""What jobs were called in version 0.1, whose queue may still hold some."""

FORMER_NAMES = {
    "stellwerk.kernel.attachments.removal.forget_content": "stellwerk.kernel.activity.attachments.removal.forget_content",
    "stellwerk.kernel.exchange.drafts.check_draft": "stellwerk.exchange.drafts.check_draft",
    "stellwerk.kernel.exchange.drafts.run_draft": "stellwerk.exchange.drafts.run_draft",
    "stellwerk.kernel.notifications.mail.send_notification": (
        "stellwerk.kernel.activity.notifications.mail.send_notification"
    ),
}


def present_name(task_path: str) -> str:
    """Return the dotted path under which the job is found today."""
    return FORMER_NAMES.get(task_path, task_path)
