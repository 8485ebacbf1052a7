"""Holds the models that are loaded and the servers that are started; whatever the next request does not need is released first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pytest_unicomp.api.errors import guarded
from pytest_unicomp.api.records import Artifact
from pytest_unicomp.checkpoints import artifact_check
from pytest_unicomp.config.parsers import served
from pytest_unicomp.config.settings import Settings
from pytest_unicomp.run.artifacts import Artifacts
from pytest_unicomp.run.step import Step, StepProgress
from pytest_unicomp.store.local import Store

if TYPE_CHECKING:
    from pytest_unicomp.engine import Engine
    from pytest_unicomp.engine.serving import ServedEngine


class LoadedModels:
    """Models in this process and behind servers, by the path or the address of their artifact."""

    def __init__(self, settings: Settings, artifacts: Artifacts, store: Store, progress: StepProgress) -> None:
        """Keep the parts; nothing is loaded yet."""
        self._settings, self._artifacts, self._store, self._progress = settings, artifacts, store, progress
        self._engines: dict[str, Engine | ServedEngine] = {}

    @property
    def paths(self) -> tuple[str, ...]:
        """Return the paths and addresses of the models that are loaded or served now."""
        return tuple(self._engines)

    def release(self) -> None:
        """Free the memory of every loaded model, and stop every server that was started."""
        for path in list(self._engines):
            self._engines.pop(path).release()

    def evaluator(self, artifact: Artifact) -> Engine | ServedEngine:
        """Return the engine that evaluates an artifact: the model in this process, or its server under `--unicomp-backend server`."""
        here = self._settings.backend == "hf" and not served(artifact.path)
        return self.engine(artifact) if here else self.server(artifact)

    def engine(self, artifact: Artifact) -> Engine:
        """Return the loaded model of an artifact; all others are released first."""
        from pytest_unicomp import engine

        self._keep({artifact.path}, servers=False)
        if artifact.path not in self._engines:
            folder, dtype = Path(artifact.path), self._settings.dtype
            loaded = guarded(
                lambda: engine.load(folder, device=self._artifacts.device, dtype=dtype, sharded=self._settings.device == "sharded"),
                f"loading {artifact.recipe}",
            )
            loaded.store = self._store
            self._engines[artifact.path] = loaded
        return cast("Engine", self._engines[artifact.path])

    def server(self, artifact: Artifact, *, beside: Sequence[Artifact] = ()) -> ServedEngine:
        """Return the engine of a model's server, started if it has no address; releases all other engines except those in `beside`."""
        self._keep({artifact.path, *(other.path for other in beside)}, servers=True)
        if artifact.path not in self._engines:
            self._engines[artifact.path] = self._connected(artifact)
        return cast("ServedEngine", self._engines[artifact.path])

    def _keep(self, wanted: set[str], *, servers: bool) -> None:
        for path in [path for path, loaded in self._engines.items() if path not in wanted or (loaded.device == "server") != servers]:
            self._engines.pop(path).release()

    def _connected(self, artifact: Artifact) -> ServedEngine:
        from pytest_unicomp.engine import serving

        # The tokenizer is the reference's: both sides must get the same prompts, and a served candidate has no files here.
        base = Path(self._artifacts.model.path)
        if served(artifact.path):
            address = artifact.path
            return guarded(lambda: serving.connect(serving.Endpoint.parse(address), base), f"the server {address}")
        command = serving.ServeCommand(self._settings.serve or "", artifact_check.folder(artifact))
        self._progress(Step("serve", artifact.recipe))
        endpoint = guarded(command.start, f"serving {artifact.recipe}")
        try:
            return guarded(
                lambda: serving.connect(endpoint, base, stop=command.stop, session=command.session), f"the server of {artifact.recipe}"
            )
        except BaseException:
            # Also KeyboardInterrupt: no server may outlive the run.
            command.stop()
            raise
