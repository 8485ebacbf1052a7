"""A model hub on this machine: repositories of a folder, served as huggingface_hub's client asks for them, with every failure on demand.

The protocol is that of the client's own calls: repository and revision information, trees, path information, access checks, and files with
ETag, commit and linked-file headers, large ones by a redirect to another server.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from pytest_unicomp.checkpoints.hub import NANO

# Files of at least this many bytes are in large-file storage.
LARGE = 10_000


@dataclass
class Repository:
    """A folder for each revision; `main` must be one of them. A gated one is read only with the `token`, a hidden one by nobody."""

    revisions: dict[str, Path]
    gated: bool = False
    token: str = "hf_right"

    def commit(self, revision: str) -> str:
        return hashlib.sha1(str(self.revisions[revision]).encode()).hexdigest()

    def named(self, revision: str) -> str | None:
        """The revision that a name or a commit means."""
        return next((name for name in self.revisions if revision in (name, self.commit(name))), None)


def nano_in_two_revisions(folder: Path) -> Repository:
    """The embedded model as `main`, and as `old` a copy in `folder` whose generation_config.json states a temperature of 0.25 alone."""
    old = shutil.copytree(NANO, folder / "old")
    (old / "generation_config.json").write_text('{"temperature": 0.25}')
    return Repository({"main": NANO, "old": old})


@dataclass
class LoopbackHub:
    """What is served, what goes wrong, and what was asked: (method, path) of each request to the hub or its file server."""

    models: dict[str, Repository] = field(default_factory=dict)
    datasets: dict[str, Repository] = field(default_factory=dict)
    # Status of every answer: 429, 503, or 200.
    status: int = 200
    # A file of this name breaks off in the middle, so many times.
    breaking: str = ""
    breaks: int = 1000
    asked: list[tuple[str, str]] = field(default_factory=list)
    address: str = ""
    files_address: str = ""

    @property
    def paths(self) -> list[str]:
        return [path for _, path in self.asked]

    def lead_here(self, patch: pytest.MonkeyPatch, home: Path) -> None:
        """Lead the client that this process has imported here."""
        from huggingface_hub import constants

        patch.setattr(constants, "ENDPOINT", self.address)
        patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", f"{self.address}/{{repo_id}}/resolve/{{revision}}/{{filename}}")
        patch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
        patch.setattr(constants, "HF_HOME", str(home))
        patch.setattr(constants, "HF_TOKEN_PATH", str(home / "token"))
        patch.setattr(constants, "HF_HUB_OFFLINE", False)
        patch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
        for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_DATASETS_CACHE"):
            patch.delenv(name, raising=False)

    def environment(self, home: Path, **more: str) -> dict[str, str]:
        """The variables that lead the client here, with caches of its own and no token of this machine."""
        return {"HF_ENDPOINT": self.address, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_OFFLINE": "0", **more}


def is_large(path: Path) -> bool:
    return path.stat().st_size >= LARGE


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def entries(folder: Path, below: str = "") -> list[dict[str, Any]]:
    """The files below a path as the tree endpoint lists them."""
    found = []
    for path in sorted(path for path in (folder / below).rglob("*") if path.is_file()):
        entry: dict[str, Any] = {"type": "file", "path": path.relative_to(folder).as_posix(), "size": path.stat().st_size}
        entry["oid"] = hashlib.sha1(path.read_bytes()).hexdigest()
        if is_large(path):
            entry["lfs"] = {"oid": sha256(path), "size": path.stat().st_size, "pointerSize": 134}
        found.append(entry)
    return found


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: LoopbackHub
    is_file_server = False

    def log_message(self, *arguments: Any) -> None:
        """Stay silent."""

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(self.path).path).strip("/")
        self.hub.asked.append((self.command, path))
        if self.hub.status != 200:
            self.send(self.hub.status, b"", **({"Retry-After": "1"} if self.hub.status == 429 else {}))
        elif self.is_file_server:
            self.send_file(next(found for found in self.all_files() if sha256(found) == path))
        elif path.startswith("api/"):
            self.api(path.removeprefix("api/"), body)
        else:
            self.resolve(path)

    def all_files(self) -> Iterator[Path]:
        for repository in (*self.hub.models.values(), *self.hub.datasets.values()):
            for folder in repository.revisions.values():
                yield from (path for path in folder.rglob("*") if path.is_file())

    def api(self, path: str, body: bytes) -> None:
        kind, owner, name, *rest = [*path.split("/"), "", ""][:8]
        repository = self.found(kind, f"{owner}/{name}")
        if repository is None:
            return
        action, revision, *below = [*(part for part in rest if part), "", ""]
        if action == "auth-check":
            if self.allowed(repository):
                self.send_json({})
            return
        known = repository.named(revision or "main")
        if known is None:
            self.fail(404, "RevisionNotFound")
            return
        folder = repository.revisions[known]
        if action in ("", "revision"):
            siblings = [{"rfilename": entry["path"]} for entry in entries(folder)]
            facts = {
                "id": f"{owner}/{name}",
                "sha": repository.commit(known),
                "private": False,
                "gated": "manual" if repository.gated else False,
            }
            self.send_json({**facts, "siblings": siblings, "tags": [], "downloads": 0, "likes": 0})
        elif not self.allowed(repository):
            return
        elif action == "tree":
            self.send_json(entries(folder, "/".join(part for part in below if part)))
        elif action == "paths-info":
            asked = parse_qs(body.decode()).get("paths", [])
            self.send_json(self.path_facts(folder, asked))
        else:
            self.fail(404, "EntryNotFound")

    def path_facts(self, folder: Path, asked: list[str]) -> list[dict[str, Any]]:
        files = {entry["path"]: entry for entry in entries(folder)}
        found = []
        for path in asked:
            if path in files:
                found.append(files[path])
            elif (folder / path).is_dir():
                found.append({"type": "directory", "path": path, "oid": "0" * 40, "size": 0})
        return found

    def resolve(self, path: str) -> None:
        kind = "datasets" if path.startswith("datasets/") else "models"
        owner, name, _, revision, *file = path.removeprefix("datasets/").split("/")
        repository = self.found(kind, f"{owner}/{name}")
        if repository is None or not self.allowed(repository):
            return
        known = repository.named(revision)
        if known is None:
            self.fail(404, "RevisionNotFound")
            return
        target = repository.revisions[known].joinpath(*file)
        commit = repository.commit(known)
        if not target.is_file():
            self.fail(404, "EntryNotFound", **{"X-Repo-Commit": commit})
        elif is_large(target):
            linked = {"X-Linked-ETag": f'"{sha256(target)}"', "X-Linked-Size": str(target.stat().st_size)}
            self.send(302, b"", **{"X-Repo-Commit": commit, "Location": f"{self.hub.files_address}/{sha256(target)}", **linked})
        else:
            self.send_file(target, **{"X-Repo-Commit": commit})

    def found(self, kind: str, name: str) -> Repository | None:
        repository = getattr(self.hub, kind).get(name) if kind in ("models", "datasets") else None
        if repository is None:
            self.fail(401 if self.headers.get("Authorization") is None else 404, "RepoNotFound")
        return repository

    def allowed(self, repository: Repository) -> bool:
        given = self.headers.get("Authorization")
        if repository.gated and given != f"Bearer {repository.token}":
            self.fail(401 if given is None else 403, "GatedRepo")
            return False
        return True

    def fail(self, status: int, code: str, **headers: str) -> None:
        self.send(status, b"", **{"X-Error-Code": code, "X-Error-Message": code, **headers})

    def send_json(self, value: Any) -> None:
        self.send(200, json.dumps(value).encode(), **{"Content-Type": "application/json"})

    def send_file(self, path: Path, **headers: str) -> None:
        content, status = path.read_bytes(), 200
        asked = self.headers.get("Range")
        if asked is not None:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            end = int(last) if last else len(content) - 1
            headers["Content-Range"] = f"bytes {first}-{end}/{len(content)}"
            content, status = content[int(first) : end + 1], 206
        self.send(
            status, content, breaks=path.name == self.hub.breaking, **{"ETag": f'"{sha256(path)}"', "Accept-Ranges": "bytes", **headers}
        )

    def send(self, status: int, content: bytes, breaks: bool = False, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if breaks and self.hub.breaks > 0:
            self.hub.breaks -= 1
            self.wfile.write(content[: len(content) // 2])
            self.wfile.flush()
            self.close_connection = True
            return
        self.wfile.write(content)


@contextmanager
def serving(hub: LoopbackHub) -> Iterator[LoopbackHub]:
    """Serve the hub and its file server on two ports of the loopback address for as long as the block runs."""
    front = ThreadingHTTPServer(("127.0.0.1", 0), type("Front", (Handler,), {"hub": hub}))
    files = ThreadingHTTPServer(("127.0.0.1", 0), type("Files", (Handler,), {"hub": hub, "is_file_server": True}))
    # Two names of the loopback address: the client treats a redirect to another host as one to large-file storage.
    hub.address, hub.files_address = f"http://127.0.0.1:{front.server_address[1]}", f"http://localhost:{files.server_address[1]}"
    threads = [threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True) for server in (front, files)]
    for thread in threads:
        thread.start()
    try:
        yield hub
    finally:
        for server, thread in zip((front, files), threads, strict=True):
            server.shutdown()
            server.server_close()
            thread.join()
