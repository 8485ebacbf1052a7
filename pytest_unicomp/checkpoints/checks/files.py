"""The checks of files of `unicomp check-artifact`: safetensors alone, no code, nothing missing or cut short, unchanged since they were written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from pytest_unicomp.checkpoints.checks.checkpoint import Checkpoint
from pytest_unicomp.checkpoints.checks.finding import ArtifactCheck, Outcome, judged, not_applicable
from pytest_unicomp.checkpoints.checks.promise import RECORD, recorded
from pytest_unicomp.checkpoints.hub import fingerprint
from pytest_unicomp.checkpoints.lfs_pointer import MEANING, is_pointer
from pytest_unicomp.checkpoints.safetensors_reader import INDEX, headers

PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".dill")
CODE = (".py", ".pyc", ".so", ".dll", ".dylib", ".sh", ".pyd")
CONFIGURATIONS = ("config.json", "generation_config.json", "tokenizer_config.json", "processor_config.json", "preprocessor_config.json")
SHARD = re.compile(r"-of-(\d+)\.safetensors$")


def safetensors_only(candidate: Checkpoint, base: Checkpoint) -> Outcome:
    """No pickle anywhere in the folder, and at least one safetensors file."""
    found = _ending(candidate, PICKLES)
    problems = [f"{name} runs code when it is read" for name in found]
    if not candidate.files:
        problems.append("there is no safetensors file")
    return judged(problems, f"{len(candidate.files)} safetensors files")


def no_custom_code(candidate: Checkpoint, base: Checkpoint) -> Outcome:
    """The folder holds no source or library files, and config.json has no `auto_map` or other custom code."""
    problems = [f"{name} is code" for name in _ending(candidate, CODE)]
    problems += [f"{name} names its own code (auto_map)" for name in CONFIGURATIONS if candidate.json(name).get("auto_map")]
    return judged(problems, "no code")


def _ending(candidate: Checkpoint, endings: tuple[str, ...]) -> list[str]:
    files = (file for file in sorted(candidate.folder.rglob("*")) if file.is_file() and file.suffix.lower() in endings)
    return [str(file.relative_to(candidate.folder)) for file in files]


def files_complete(candidate: Checkpoint, base: Checkpoint) -> Outcome:
    """Index and files list the same tensors, every file is complete, and the folder holds one set of weights."""
    pointers = [file for file in sorted(candidate.folder.rglob("*")) if is_pointer(file)]
    problems = [f"{file.relative_to(candidate.folder)} is {MEANING}" for file in pointers]
    whole = {name: reason for name, reason in candidate.unreadable.items() if candidate.folder / name not in pointers}
    problems += [f"{name} is damaged or cut short ({reason})" for name, reason in whole.items()]
    if (candidate.folder / INDEX).is_file() and not candidate.index:
        problems.append(f"{INDEX} has no weight_map (tensor name to file name)")
    problems += _index_problems(candidate) if candidate.index else _shard_problems(candidate)
    problems += [f"{file.name} lies beside the weights, in another format" for file in sorted(candidate.folder.glob("*.gguf"))]
    held = Counter(name for file in candidate.files if file.name not in candidate.unreadable for name in headers([file]))
    problems += [f"tensor {name} is in {count} files" for name, count in held.items() if count > 1]
    return judged(problems, f"{len(held)} tensors in {len(candidate.files)} files")


def _index_problems(candidate: Checkpoint) -> Iterator[str]:
    present = {file.name for file in candidate.files}
    for name in sorted(set(candidate.index.values()) - present):
        yield f"{name}, which the index names, is missing"
    for file in sorted(candidate.folder.glob("model*.safetensors")):
        if file.name not in present:
            yield f"{file.name} is not in the index, and some readers take it instead"
    for file in candidate.files:
        if file.name in candidate.unreadable:
            continue
        held = set(headers([file]))
        listed = {name for name, place in candidate.index.items() if place == file.name}
        for name in sorted(listed - held):
            yield f"tensor {name} is not in {file.name}, though the index has it there"
        for name in sorted(held - listed):
            yield f"tensor {name} of {file.name} is not in the index, so it is never read"


def _shard_problems(candidate: Checkpoint) -> Iterator[str]:
    totals = {int(found[1]) for file in candidate.files if (found := SHARD.search(file.name))}
    if totals and max(totals) > 1 and not (candidate.folder / INDEX).is_file():
        yield f"{INDEX} is missing: {len(candidate.files)} of {max(totals)} parts are there"


def provenance(candidate: Checkpoint, base: Checkpoint) -> Outcome:
    """The weights, configuration and tokenizer are those that unicomp.json was written for."""
    record = recorded(candidate.folder)
    if not record.get("fingerprint"):
        return not_applicable(f"it has no {RECORD}")
    found = fingerprint(candidate.folder)
    changed = [] if found == record["fingerprint"] else [f"fingerprint {found[:12]}, {RECORD} was written for {record['fingerprint'][:12]}"]
    return judged(changed, f"fingerprint {found[:12]}")


CHECKS = {
    "safetensors-only": ArtifactCheck(
        "safetensors files, and no pickle", "convert the weights to safetensors and delete the rest", safetensors_only
    ),
    "no-custom-code": ArtifactCheck(
        "no code in the folder, no auto_map in its configuration",
        "ship weights of an architecture that transformers knows, without code",
        no_custom_code,
    ),
    "files-complete": ArtifactCheck(
        "every tensor of the index in its file, every tensor of a file in the index, every file whole",
        "copy or download the folder again, or save the model anew",
        files_complete,
    ),
    "provenance": ArtifactCheck(
        "files as they were when their unicomp.json was written", "take the files from where they were made, or make them again", provenance
    ),
}
