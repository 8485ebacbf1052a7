"""Two simulated nodes of a Ray cluster share the work; a node that is lost costs time and nothing else."""

from __future__ import annotations

import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.run.executors.job import Event, Job
from pytest_unicomp.run.step import Step
from pytest_unicomp.store.local import Store

pytest.importorskip("ray", reason="ray is an extra")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def nodes():
    """Two nodes of one core each, for all tests here: starting them takes seconds."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        made.second = made.add_node(num_cpus=1)
        made.wait_for_nodes()
        yield made
        made.shutdown()


@pytest.fixture
def cluster(nodes):
    """The nodes, whole again after a test that killed one; the driver joins the first and has left it at the end."""
    import ray

    yield nodes
    ray.shutdown()
    if nodes.second not in nodes.worker_nodes:
        nodes.second = nodes.add_node(num_cpus=1)
        nodes.wait_for_nodes()


def executor(cluster, folder: Path, perform, told=lambda _: None):
    from pytest_unicomp.run.executors.ray import RayExecutor

    joined = RayExecutor(cluster.address, perform, told, gpus=0, memory=2**20)
    joined.connect(Store(folder.absolute()))
    return joined


def working(folder: Path, seconds: float):
    """A perform that notes each step that it has made; one that finds its note does not make it again, like the store."""

    def perform(job, tell):
        for step in job.steps:
            note = folder / "-".join(map(str, step))
            if not note.exists():
                tell(Event(step, "started", working=Step("compress", note.name)))
                time.sleep(seconds)
                with (folder / "log").open("a") as log:
                    log.write(note.name + "\n")
                note.touch()
            tell(Event(step, "done"))

    return perform


def jobs(folder: Path, recipes: int = 3) -> list[Job]:
    settings = resolve({"model": "nano", "cache": str(folder)}, {})
    return [Job(settings, f"recipe{number}", ("first", "second")) for number in range(recipes)]


def test_two_nodes_make_each_artifact_once_and_the_benchmarks_side_by_side(cluster, tmp_path):
    told: list[Step] = []
    joined = executor(cluster, tmp_path, working(tmp_path, 0.2), told.append)
    asked = jobs(tmp_path)
    joined.promise(asked)
    for job in asked:
        for step in job.steps:
            joined.result(step, lambda: None)
    joined.close()
    assert Counter((tmp_path / "log").read_text().split()) == {"-".join(map(str, step)): 1 for job in asked for step in job.steps}
    assert any(step.place.startswith("on ") for step in told)


def test_a_node_killed_in_the_middle_is_made_up_for(cluster, tmp_path):
    joined = executor(cluster, tmp_path, working(tmp_path, 1.0))
    asked = jobs(tmp_path)
    joined.promise(asked)
    threading.Timer(2.5, lambda: cluster.remove_node(cluster.second, allow_graceful=False)).start()
    for job in asked:
        for step in job.steps:
            joined.result(step, lambda: None)
    joined.close()
    made = Counter((tmp_path / "log").read_text().split())
    assert set(made) == {"-".join(map(str, step)) for job in asked for step in job.steps}


def test_an_artifact_that_cannot_be_made_is_tried_once_and_fails_its_measurements(cluster, tmp_path):
    def perform(job, tell):
        with (tmp_path / "tries").open("a") as log:
            log.write("x")
        tell(Event(job.steps[0], "failed", "unicomp: it does not fit", "UsageProblem"))

    joined = executor(cluster, tmp_path, perform)
    joined.promise(jobs(tmp_path, recipes=1))
    with pytest.raises(UsageProblem, match="it does not fit"):
        joined.result(("artifact", "recipe0"), lambda: None)
    with pytest.raises(UsageProblem, match="it does not fit"):
        joined.result(("measurement", "recipe0", "second"), lambda: None)
    joined.close()
    assert (tmp_path / "tries").read_text() == "x"


def test_a_task_that_crashes_is_an_infrastructure_error(cluster, tmp_path):
    def perform(job, tell):
        raise MemoryError("no room for the weights")

    joined = executor(cluster, tmp_path, perform)
    joined.promise(jobs(tmp_path, recipes=1))
    with pytest.raises(InfrastructureError, match="Ray could not run recipe0"):
        joined.result(("artifact", "recipe0"), lambda: None)
    joined.close()


def test_a_run_that_ends_early_leaves_the_cluster_for_good(cluster, tmp_path):
    """Whatever asks Ray for something joins the cluster again."""
    import ray

    def perform(job, tell):
        time.sleep(1.5)
        tell(Event(job.steps[0], "done"))

    joined = executor(cluster, tmp_path, perform)
    joined.promise(jobs(tmp_path, recipes=2))
    joined.result(("artifact", "recipe0"), lambda: None)
    joined.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "unicomp ray"]
    time.sleep(3)
    assert not ray.is_initialized()


def test_a_cluster_that_is_not_there_is_named(tmp_path):
    from pytest_unicomp.run.executors.ray import RayExecutor

    with pytest.raises(InfrastructureError, match=r"127\.0\.0\.1:1 cannot be joined"):
        RayExecutor("127.0.0.1:1", working(tmp_path, 0), lambda _: None, gpus=0, memory=1).connect(Store(tmp_path))


@pytest.mark.parametrize("shared", [False, True])
def test_a_whole_run_on_two_nodes_gives_the_report_of_a_local_one(cluster, tmp_path, shared, monkeypatch):
    from pytest_unicomp.run.run import Run

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))

    def measured(name: str, **more):
        words = {"model": "nano", "cache": str(tmp_path / name), "limit": 8, "benchmark": ["nano-ethics"], "recipe": ["rtn-w8a16"], **more}
        run = Run(resolve(words, {}))
        run.promise(run.plan.cells)
        checks = [run.retention(cell).model_dump(exclude={"seconds"}) for cell in run.plan.cells]
        run.close()
        return checks

    store = {"cache": f"file://{tmp_path}/cluster"} if shared else {}
    assert measured("cluster", executor="ray", address=cluster.address, **store) == measured("local")
    assert len([path for path in (tmp_path / "cluster" / "artifacts").iterdir() if not path.name.startswith(".")]) == 1
