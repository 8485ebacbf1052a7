"""lm-eval's own evaluation of a task, without what it does besides."""

from __future__ import annotations

from typing import Any

import pytest


def simple_evaluate(lm: Any, task: Any, **how: Any) -> dict[str, Any]:
    """Return what lm-eval's `simple_evaluate` returns for one loaded task, which is left to no other use.

    It would list all of lm-eval's tasks, though it needs none of them, and describe the machine by `pip list`; both take seconds.
    """
    import lm_eval
    from lm_eval.tasks import TaskManager

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lm_eval.evaluator.add_env_info", lambda results: None)
        found: dict[str, Any] | None = lm_eval.simple_evaluate(
            lm, tasks=[task], task_manager=TaskManager(include_defaults=False), bootstrap_iters=0, **how
        )
    assert found is not None
    return found
