"""Every parser of foreign bytes as a function of a file: it returns, or raises the project's own error; anything else is a fault."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

from pytest_unicomp.api.errors import UnicompError

CORPUS: Final = Path(__file__).parent / "corpus"


def config(file: Path) -> None:
    from pytest_unicomp.checkpoints import hub, recognize

    folder = _folder(file, "config.json")
    (folder / "model.safetensors").write_bytes((CORPUS / "safetensors" / "whole.safetensors").read_bytes())
    hub.validate(str(folder), None)
    recognize.recognize(folder)
    hub.facts(folder)


def generation_config(file: Path) -> None:
    from pytest_unicomp.checkpoints.checks import Checkpoint
    from pytest_unicomp.checkpoints.checks.checkpoint import Checkpoint as Folder

    folder = _folder(file, "generation_config.json")
    assert Folder is Checkpoint
    Checkpoint(folder).json("generation_config.json")


def index(file: Path) -> None:
    from pytest_unicomp.checkpoints.safetensors_reader import weight_files
    from pytest_unicomp.checkpoints.weight_set import missing_files, require_one_set

    folder = _folder(file, "model.safetensors.index.json")
    weight_files(folder)
    missing_files(folder)
    require_one_set(folder, "fuzzed")


def safetensors(file: Path) -> None:
    from pytest_unicomp.checkpoints.checks.scan import statistics
    from pytest_unicomp.checkpoints.safetensors_reader import block_sparsity, headers, logical_parameters

    found = headers([file])
    logical_parameters(found, {})
    block_sparsity(found, {})
    for tensor in found.values():
        statistics(tensor)


def gguf(file: Path) -> None:
    from pytest_unicomp.checkpoints.gguf import describe, read

    found = read(file)
    describe(found)
    assert found.parameters >= 0


def tokenizer(file: Path) -> None:
    from pytest_unicomp.checkpoints.tokenization.growth import require_bounded

    require_bounded(_folder(file, "tokenizer.json"))


def toml(file: Path) -> None:
    from pytest_unicomp.config.config_file import read_file
    from pytest_unicomp.config.resolve import resolve

    values, locations = read_file(file)
    resolve({"model": "nano"}, values, locations=locations)


def items(file: Path) -> None:
    from pytest_unicomp.cli.commands.compare_files import compare_files
    from pytest_unicomp.cli.commands.score_sheet import Choice

    choice = Choice(metric=None, filter=None, cluster=None)
    compare_files(file, file, margin="0.03", alpha=0.05, choice=choice, lower_is_better=False, chance=None)


def report(file: Path) -> None:
    from pytest_unicomp.cli import verify
    from pytest_unicomp.cli.commands.diff_reports import diff_reports, document, lines
    from pytest_unicomp.report import html, markdown, terminal
    from pytest_unicomp.report.json import read
    from pytest_unicomp.store.local import Store

    found = read(file)
    html.render(found)
    markdown.render(found)
    terminal.summary_lines(found, 100)
    compared = diff_reports(found, found)
    lines(compared)
    document(compared)
    store = Store(file.parent / "no-store")
    verify.lines(verify.verify(found, store), store)


def baseline(file: Path) -> None:
    from pytest_unicomp.store.baselines import Baselines

    root = file.parent / "baselines"
    target = root / "m" / "r" / "b.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, target)
    Baselines(root, root).read("m", "r", "b")


def replies(file: Path) -> None:
    from pytest_unicomp.judges.refusal import judge, read_replies

    for _, prompt, response in read_replies(file.read_text(encoding="utf-8", errors="replace").split("\n"), source="fuzzed"):
        judge(prompt, response)


def server(file: Path) -> None:
    from pytest_unicomp.engine.serving.log_probabilities import problem

    try:
        answer = json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        # The client reports what is no JSON.
        return
    problem(answer, [1, 2, 3], 1)


def waiver(file: Path) -> None:
    from pytest_unicomp.config.config_file import read_file
    from pytest_unicomp.config.waivers import read

    values, locations = read_file(file)
    for found in read(values.get("waivers", []), locations):
        assert isinstance(found.expires, date)


PARSERS: Final[dict[str, Callable[[Path], None]]] = {
    "baseline": baseline,
    "config": config,
    "generation_config": generation_config,
    "gguf": gguf,
    "index": index,
    "items": items,
    "replies": replies,
    "report": report,
    "safetensors": safetensors,
    "server": server,
    "tokenizer": tokenizer,
    "toml": toml,
    "waiver": waiver,
}


def seeds(name: str) -> list[Path]:
    """Return the files of the corpus for a parser, sorted."""
    return sorted(path for path in (CORPUS / name).iterdir() if path.is_file())


def survives(name: str, content: bytes, folder: Path) -> str | None:
    """Give bytes to a parser; return the message of its refusal, or None if it took them. Any error that is not the project's own is raised."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"input{seeds(name)[0].suffix}"
    file.write_bytes(content)
    try:
        PARSERS[name](file)
    except UnicompError as refused:
        return str(refused)
    return None


def is_one_line(refusal: str) -> bool:
    """Return True if a refusal is one line of a readable length that names who reports it."""
    return refusal.startswith("unicomp: ") and "\n" not in refusal and len(refusal) < 20000


def mutations(content: bytes, draw: Any) -> Iterator[bytes]:
    """Yield changed copies of a file without end: cut, doubled, flipped, spliced, or with hostile numbers and brackets in it; `draw` is a random.Random."""
    hostile = (
        b"null",
        b"[]",
        b"{}",
        b"-1",
        b"1e308",
        b"1e999",
        b"NaN",
        b"Infinity",
        b"9" * 26,
        b"9" * 5000,
        b'""',
        b"true",
        b"[" * 3000,
        b'{"a":' * 3000,
    )
    while True:
        made = bytearray(content)
        for _ in range(draw.randint(1, 4)):
            at, end = sorted((draw.randint(0, len(made)), draw.randint(0, len(made))))
            kind = draw.randrange(6)
            if kind == 0:
                del made[at : min(end, at + 64)]
            elif kind == 1:
                made[at:at] = made[at : min(end, at + 256)]
            elif kind == 2 and made:
                made[min(at, len(made) - 1)] = draw.randrange(256)
            elif kind == 3:
                made[at:at] = draw.choice(hostile)
            elif kind == 4:
                _replace_value(made, draw, hostile)
            else:
                del made[at:]
        yield bytes(made)


def _replace_value(made: bytearray, draw: Any, hostile: tuple[bytes, ...]) -> None:
    """Put a hostile value in the place of one that follows a colon or an equals sign."""
    places = [place for place, byte in enumerate(made) if byte in b":="]
    if not places:
        return
    at = draw.choice(places) + 1
    end = at
    while end < len(made) and made[end] not in b",}]\n":
        end += 1
    made[at:end] = draw.choice(hostile)


def _folder(file: Path, name: str) -> Path:
    folder = file.parent / "checkpoint"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copyfile(file, folder / name)
    return folder
