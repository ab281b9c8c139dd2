"""What one thing sets off in another: the whole table.

Topics are `KIND.VERB` or `KIND.VERB.STEP`; `*` stands for any kind. Handlers run in the same transaction
as the write; what leaves the house is enqueued there and sent by a job.
"""

from collections.abc import Mapping, Sequence

from stellwerk.flows.conversation import resume_when_the_user_answers
from stellwerk.flows.succession import supersede_the_version_before
from stellwerk.kernel.notifications.services import tell
from stellwerk.kernel.records.events import Handler

REACTIONS: Mapping[str, Sequence[Handler]] = {
    "*": [tell],
    "incident.comment": [resume_when_the_user_answers],
    "service_request.comment": [resume_when_the_user_answers],
    "priority_scheme.transition.enact": [supersede_the_version_before],
    "closure_scheme.transition.enact": [supersede_the_version_before],
}
