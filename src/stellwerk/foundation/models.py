"""Every model of the foundation, collected here because Django looks for models in this module."""

from stellwerk.foundation.category import Category
from stellwerk.foundation.prioritisation import PriorityScheme
from stellwerk.foundation.reply_template import ReplyTemplate

__all__ = ["Category", "PriorityScheme", "ReplyTemplate"]
