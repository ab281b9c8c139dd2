"""What one thing sets off in another: the whole table.

Topics are `KIND.VERB` or `KIND.VERB.STEP`; `*` stands for any kind. Handlers run in the same transaction
as the write; what leaves the house is enqueued there and sent by a job.
"""

from collections.abc import Mapping, Sequence

from stellwerk.accounts.leaving import end_access
from stellwerk.flows.conversation import (
    hear_the_requester,
    notify_requesters_of_merged,
    take_the_merged_apart,
    tie_the_merged,
)
from stellwerk.flows.handover import hand_over_work
from stellwerk.flows.membership import move_memberships
from stellwerk.flows.succession import supersede_the_version_before
from stellwerk.kernel.activity.notifications.services import notify
from stellwerk.kernel.write.events import Handler

TICKETS = ("incident", "service_request")
OF_TICKETS: Mapping[str, Sequence[Handler]] = {
    "comment": [hear_the_requester],
    "attach": [hear_the_requester],
    "transition.merge": [tie_the_merged],
    "undo.merge": [take_the_merged_apart],
    "undo.cancel": [take_the_merged_apart],  # version 0.1 merged by this step
    "transition.resolve": [notify_requesters_of_merged],
    "transition.cancel": [notify_requesters_of_merged],
    "transition.reopen": [notify_requesters_of_merged],
}

REACTIONS: Mapping[str, Sequence[Handler]] = {
    "*": [notify],
    **{f"{kind}.{topic}": handlers for kind in TICKETS for topic, handlers in OF_TICKETS.items()},
    "person.transition.leave": [hand_over_work, end_access],
    "person.undo.return": [hand_over_work, end_access],
    "team.change": [move_memberships],
    "team.undo": [move_memberships],
    "team.transition.dissolve": [hand_over_work],
    "priority_scheme.transition.enact": [supersede_the_version_before],
    "closure_scheme.transition.enact": [supersede_the_version_before],
}
