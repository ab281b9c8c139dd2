"""Jobs that version 0.1 has queued are run under their present names."""

import pytest
from django.utils.module_loading import import_string
from django_tasks import TaskResultStatus
from django_tasks.base import Task
from django_tasks_db.models import DBTaskResult

from stellwerk.kernel.activity.attachments.removal import forget_content
from stellwerk.kernel.jobs.former_names import FORMER_NAMES
from stellwerk.kernel.jobs.worker import Worker


@pytest.mark.parametrize("former", FORMER_NAMES)
def test_each_former_name_leads_to_a_job(former: str) -> None:
    with pytest.raises(ImportError):
        import_string(former)
    assert isinstance(import_string(FORMER_NAMES[former]), Task)


@pytest.mark.django_db(transaction=True)
def test_a_job_that_was_queued_by_version_0_1_runs() -> None:
    queued = forget_content.enqueue("0" * 64)
    former = "stellwerk.kernel.attachments.removal.forget_content"
    DBTaskResult.objects.filter(pk=queued.id).update(task_path=former)
    assert Worker().drain() == 1
    assert DBTaskResult.objects.get(pk=queued.id).status == TaskResultStatus.SUCCESSFUL
