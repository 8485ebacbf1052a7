"""`unicomp compare`: one retention check of two files of per-item scores, by the rules that a gate uses."""

from __future__ import annotations

from pathlib import Path

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.records import Check, Measurement
from pytest_unicomp.api.registry import benchmarks
from pytest_unicomp.cli.commands import item_files
from pytest_unicomp.cli.commands.item_files import About
from pytest_unicomp.cli.commands.json_rows import whole
from pytest_unicomp.cli.commands.score_sheet import Choice
from pytest_unicomp.compare import Policy, retention
from pytest_unicomp.config.margins import Margin


def compare_files(
    reference: Path,
    candidate: Path,
    *,
    margin: str,
    alpha: float,
    choice: Choice,
    lower_is_better: bool = False,
    chance: float | None = None,
) -> Check:
    """Return the retention check of two files; if the candidate's file name is a known benchmark, capability and direction are taken from it.

    Raises UsageProblem for a margin or alpha out of range, and for files that cannot be read or paired.
    """
    accepted = Margin.of(margin, "--margin")
    policy = Policy(alpha=alpha, capability_margin=accepted, benchmark_margin=accepted)
    if chance is not None and not 0 <= chance <= 1:
        raise UsageProblem(f"unicomp: --chance is {chance}; expected the score of random guessing, in [0, 1].")
    name = item_files.task_of(candidate)
    known = benchmarks().entries.get(name)
    about = About(
        benchmark=name,
        capability=known.capability if known else "unspecified",
        higher_is_better=not lower_is_better and (known is None or known.higher_is_better),
        chance=chance,
    )
    found = item_files.measurements(reference, candidate, choice, about)
    rates = all(0 <= (item.score or 0) <= 1 for side in (found.reference, found.candidate) for item in side.items)
    _refuse_without_meaning(accepted, margin, chance, rates=rates)
    before = _anchored(found.reference) if rates else found.reference
    check = retention(before, found.candidate, recipe=whole(candidate.stem), family="candidate", gates=True, policy=policy, identical=False)
    return check if found.mismatch is None else check.model_copy(update={"reason": f"not comparable: {found.mismatch}"})


def _refuse_without_meaning(accepted: Margin, margin: str, chance: float | None, *, rates: bool) -> None:
    if accepted.kind == "absolute" and not (0 < accepted.value < 1 if rates else accepted.value > 0):
        expected = "a number above 0 and below 1 such as 0.02, or a share such as '5%'" if rates else "a number above 0"
        raise UsageProblem(f"unicomp: --margin is {margin!r}; expected {expected}.")
    if chance is not None and not rates:
        raise UsageProblem(f"unicomp: --chance is {chance}, but there are scores outside [0, 1]; leave it out.")


def _anchored(reference: Measurement) -> Measurement:
    """Return a reference that gets nothing right as one at chance: no candidate can lose to it."""
    worst = 0.0 if reference.higher_is_better else 1.0
    nothing = reference.chance is None and all(item.score == worst for item in reference.items)
    return reference.model_copy(update={"chance": worst}) if nothing else reference


def exit_code(check: Check) -> int:
    """Return 0 for a pass, 1 for a fail, 6 if inconclusive or not comparable."""
    return {"pass": 0, "fail": 1}.get(check.verdict, 6)


def lines(check: Check) -> list[str]:
    """Return the check as lines of text."""
    found = [f"{check.verdict.upper().replace('_', ' ')}: {check.reason}"]
    if check.flips is not None:
        found.append(f"flips: {check.flips.lost} lost, {check.flips.gained} gained, {check.flips.changed} wrong in a different way")
    if check.divergence is not None:
        error = "" if check.divergence.kl_stderr is None else f" +- {check.divergence.kl_stderr:.4f}"
        found.append(
            f"divergence: KL {check.divergence.kl_mean:.4f}{error} nats, same first option {100 * check.divergence.top1_agreement:.1f} %"
        )
    if (table := check.divergence_table) is not None:
        places = ", ".join(f"{name} %: {table.kl_percentiles[name]:.4f}" for name in ("50", "90", "99", "99.9"))
        found.append(f"KL percentiles: {places}; reversed {table.kl_reverse_mean:.4f}; RMS shift {100 * table.shift_rms:.2f} points")
    if (parted := check.divergent_replies) is not None:
        after = (
            "" if parted.first_difference_median is None else f", the others part after {parted.first_difference_median:g} words (median)"
        )
        found.append(f"replies: {100 * parted.same:.1f} % the same to the end{after}")
    return found
