"""The checks `architecture` and `computation` of `unicomp check-artifact`: does config.json describe the base's model, computed in the same way?"""

from __future__ import annotations

from pytest_unicomp.checkpoints.checks.checkpoint import Checkpoint
from pytest_unicomp.checkpoints.checks.finding import ArtifactCheck, Outcome, judged, not_applicable
from pytest_unicomp.checkpoints.checks.sizes import sizes
from pytest_unicomp.checkpoints.configuration import SIZES, Unresolved, compare, compare_as_written, resolve, same_as_written


def architecture(candidate: Checkpoint, base: Checkpoint) -> Outcome:
    """Require the base's model type and class; sizes may be smaller (a distilled student), never larger."""
    problems = [
        f"{key} is {candidate.config.get(key)}, the base has {base.config.get(key)}"
        for key in ("model_type", "architectures")
        if candidate.config.get(key) != base.config.get(key)
    ]
    mine, theirs = sizes(candidate, base)
    smaller = []
    for key in SIZES:
        ours, others = mine.get(key), theirs.get(key)
        if isinstance(ours, int) and isinstance(others, int) and ours != others:
            found = f"{key} {ours} of {others}"
            problems += [f"{found}: larger than the base"] if ours > others else []
            smaller.append(found)
    student = f"a smaller student, {', '.join(smaller)}" if smaller else "sizes equal"
    return judged(problems, f"{candidate.config.get('model_type')}, {student}")


def computation(candidate: Checkpoint, base: Checkpoint) -> Outcome:
    """Require that transformers computes the same from both configurations: rotary embeddings, norms, activation, windows and all else."""
    if candidate.config.get("model_type") != base.config.get("model_type"):
        return not_applicable("the model types differ, see architecture")
    mine, theirs = candidate.text_config, base.text_config
    if same_as_written(mine, theirs):
        return judged([], f"{len(mine)} settings as the base's")
    try:
        resolve(base.config)
    except Unresolved as reason:
        found = compare_as_written(mine, theirs)
        return judged(found.differences, f"{found.compared} settings equal as they are written ({reason})")
    try:
        found = compare(candidate.config, base.config, sizes=False)
    except Unresolved as reason:
        return judged([str(reason)], "")
    return judged(found.differences, f"{found.compared} settings compute the same, written differently")


CHECKS = {
    "architecture": ArtifactCheck(
        "model_type and architectures as the base's, no size larger", "compare with the model that it was made from", architecture
    ),
    "computation": ArtifactCheck(
        "a configuration that computes what the base's computes, however it is spelled",
        "write config.json from the base's, adding quantization_config alone",
        computation,
    ),
}
