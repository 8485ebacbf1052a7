"""Holds loaded models and started servers; those that the next request does not need are released first."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pytest_unicomp.api.errors import InfrastructureError, guarded
from pytest_unicomp.api.records import Artifact
from pytest_unicomp.checkpoints import artifact_check
from pytest_unicomp.config.backend import HF, SERVER, LmEvalBackend
from pytest_unicomp.config.evaluated_by import EvaluatedBy
from pytest_unicomp.config.parsers import served
from pytest_unicomp.config.settings import Settings
from pytest_unicomp.run.artifacts import Artifacts
from pytest_unicomp.run.step import Step, StepProgress
from pytest_unicomp.store.local import Store, digest

if TYPE_CHECKING:
    from pytest_unicomp.engine import Engine
    from pytest_unicomp.engine.lm_eval_model import LmEvalEngine
    from pytest_unicomp.engine.serving import ServeCommand, ServedEngine

Subject = tuple[Artifact, EvaluatedBy]
LOGS = "logs"


@dataclass(frozen=True)
class Key:
    """The key of a loaded model, which two requests for it share: path or address, the command or backend that evaluates it, and the server's key."""

    path: str
    by: str | None
    key_variable: str | None

    @classmethod
    def of(cls, subject: Subject) -> Key:
        """Return the key of an artifact and what evaluates it; an address has no command, and a model without a server no key."""
        artifact, by = subject
        if served(artifact.path):
            return cls(artifact.path, None, by.key_variable)
        return cls(artifact.path, by.serve or by.backend, by.key_variable if by.backend == SERVER else None)


class LoadedModels:
    """Models in this process and behind servers. A server is started once: if it failed, every later request for it fails with the same cause."""

    def __init__(self, settings: Settings, artifacts: Artifacts, store: Store, progress: StepProgress) -> None:
        """Store the arguments; models are loaded on request."""
        self._settings, self._artifacts, self._store, self._progress = settings, artifacts, store, progress
        self._engines: dict[Key, Engine | ServedEngine | LmEvalEngine] = {}
        self._broken: dict[Key, InfrastructureError] = {}

    @property
    def paths(self) -> tuple[str, ...]:
        """The folders and addresses of the models that are loaded or served now."""
        return tuple(key.path for key in self._engines)

    def release(self) -> None:
        """Free the memory of every loaded model, and stop every server that was started."""
        for key in list(self._engines):
            self._engines.pop(key).release()

    def release_models(self) -> None:
        """Free the memory of every model in this process, and leave servers running."""
        for key in [key for key, loaded in self._engines.items() if loaded.device != "server"]:
            self._engines.pop(key).release()

    def evaluator(self, artifact: Artifact, by: EvaluatedBy) -> Engine | ServedEngine | LmEvalEngine:
        """Return the engine that evaluates an artifact: the model in this process, its server, or its model class of lm-eval."""
        if by.backend == SERVER or served(artifact.path):
            return self.server((artifact, by))
        chosen = LmEvalBackend.of(by.backend)
        return self.engine(artifact) if chosen is None else self._of_lm_eval(artifact, by, chosen)

    def engine(self, artifact: Artifact) -> Engine:
        """Return the loaded model of an artifact; all others are released first."""
        from pytest_unicomp import engine

        key = Key(artifact.path, HF, None)
        self._keep({key}, servers=False)
        if key not in self._engines:
            folder, dtype = Path(artifact.path), self._settings.dtype
            loaded = guarded(
                lambda: engine.load(folder, device=self._artifacts.device, dtype=dtype, sharded=self._settings.device == "sharded"),
                f"loading {artifact.recipe}",
            )
            loaded.store = self._store
            self._engines[key] = loaded
        return cast("Engine", self._engines[key])

    def _of_lm_eval(self, artifact: Artifact, by: EvaluatedBy, chosen: LmEvalBackend) -> LmEvalEngine:
        from pytest_unicomp.engine import lm_eval_model

        key = Key.of((artifact, by))
        self._keep({key}, servers=False)
        if key not in self._engines:
            folder, base = Path(artifact.path), Path(self._artifacts.model.path)
            loaded = guarded(lambda: lm_eval_model.load(chosen, folder, tokenizer=base), f"{by.backend} on {artifact.recipe}")
            loaded.store = self._store
            self._engines[key] = loaded
        return cast("LmEvalEngine", self._engines[key])

    def server(self, subject: Subject, *, beside: Sequence[Subject] = ()) -> ServedEngine:
        """Return the engine of a model's server, started if it has no address; releases all other engines except those in `beside`."""
        key = Key.of(subject)
        self._keep({key, *(Key.of(other) for other in beside)}, servers=True)
        if key in self._broken:
            raise self._broken[key]
        if key not in self._engines:
            try:
                self._engines[key] = self._connected(*subject)
            except InfrastructureError as error:
                self._remember(subject, error)
                raise
        return cast("ServedEngine", self._engines[key])

    @contextmanager
    def answering(self, subject: Subject) -> Iterator[None]:
        """Raise InfrastructureError with the first cause if the server of a model fails while the body runs, or has ended then.

        After its end another program may have answered at its port. A server that was not started here is believed.
        """
        try:
            yield
            self._require_running(subject)
        except InfrastructureError as error:
            raise self._explained(subject, error) from error

    def _explained(self, subject: Subject, error: InfrastructureError) -> InfrastructureError:
        """Return why work on a model failed: the failure of its server if that is what it was, which is remembered, else `error` itself."""
        from pytest_unicomp.engine.serving import ServedEngine

        engine = self._engines.get(Key.of(subject))
        if not isinstance(engine, ServedEngine) or engine.command is None:
            return error
        why = _why(engine.command, subject[0], error)
        if engine.command.failed:
            self._remember(subject, why)
        return why

    def _require_running(self, subject: Subject) -> None:
        """Raise InfrastructureError if the server that was started for a model has ended: another program may have answered at its port."""
        from pytest_unicomp.engine.serving import ServedEngine

        engine = self._engines.get(Key.of(subject))
        if isinstance(engine, ServedEngine) and engine.command is not None and engine.command.has_ended:
            raise InfrastructureError(f"unicomp: the server of {subject[0].recipe} has ended, so its answers are not kept; run again.")

    def _remember(self, subject: Subject, error: InfrastructureError) -> None:
        # An address may answer again later, since it is not this run that starts its server.
        if not served(subject[0].path):
            self._broken[Key.of(subject)] = error

    def _keep(self, wanted: set[Key], *, servers: bool) -> None:
        for key in [key for key, loaded in self._engines.items() if key not in wanted or (loaded.device == "server") != servers]:
            self._engines.pop(key).release()

    def _connected(self, artifact: Artifact, by: EvaluatedBy) -> ServedEngine:
        from pytest_unicomp.engine import serving

        # The tokenizer is the reference's: both sides must get the same prompts, and a served candidate has no files here.
        base = Path(self._artifacts.model.path)
        if served(artifact.path):
            address = artifact.path
            endpoint = serving.Endpoint.parse(address, key_variable=by.key_variable)
            return guarded(lambda: serving.connect(endpoint, base), f"the server {address}")
        # Processes that serve the same model have logs of their own.
        which = digest({"model": artifact.path, "serve": by.serve, "key": by.key_variable})[:8]
        name = f"{artifact.recipe}-{which}-{os.getpid()}.log".replace("/", "-")
        shipped, unpacked = artifact_check.folder(artifact), Path(artifact.path)
        command = serving.ServeCommand(by.serve or "", shipped, self._store.root / LOGS / name, unpacked, by.key_variable)
        self._progress(Step("serve", artifact.recipe))
        endpoint = guarded(command.start, f"serving {artifact.recipe}")
        try:
            return guarded(lambda: serving.connect(endpoint, base, command=command), f"the server of {artifact.recipe}")
        except InfrastructureError as error:
            # Some servers list their models, and end at the first prompt.
            why = _why(command, artifact, error)
            command.stop()
            raise why from error
        except BaseException:
            # Also KeyboardInterrupt: no server may outlive the run.
            command.stop()
            raise


def _why(command: ServeCommand, artifact: Artifact, error: InfrastructureError) -> InfrastructureError:
    """Return the failure of a server that was started here, or if it still works, `error` with the place of the server's log, which is kept."""
    failure = command.failure()
    if failure is not None:
        return InfrastructureError(f"unicomp: the server of {artifact.recipe} {failure}.")
    return InfrastructureError(f"{error} All that the server printed is in {command.kept_log()}.")
