"""Predicts which limits on shares of replies a run has too few items to decide, even if no reply changes."""

from __future__ import annotations

from pytest_unicomp.compare import stats
from pytest_unicomp.compare.wording import amount, counted
from pytest_unicomp.config.reply_limits import SHARES
from pytest_unicomp.run.preflight import Prepared
from pytest_unicomp.run.prior_evidence import prior_evidence


def undecidable_limits(prepared: Prepared) -> list[str]:
    """Return one line per benchmark and limit on a share for which the items of a gating recipe are too few; reads stored evidence, loads nothing.

    A rise beyond the limit is ruled out by items of which none changes if there are at least as many as the score test needs (the rule of three).
    The limit on lengths is left out: how much the lengths of replies vary is known after the run only.
    """
    policy, lines = prepared.policy, {}
    for cell in prepared.plan.generating():
        limits = policy.limits_on_replies(benchmark=cell.benchmark, capability=cell.capability)
        shares = {name: limit for name, limit in limits.items() if name in SHARES}
        if not cell.gates or not shares:
            continue
        known = prior_evidence(
            cell,
            prepared.baselines,
            prepared.plan.model,
            limit=prepared.settings.limit,
            discordance=None,
            evaluation=prepared.evaluation,
            table=prepared.plan.table,
        )
        for name, limit in shares.items():
            needed = stats.items_to_decide(0.0, limit, alpha=policy.alpha)
            if known.items is not None and needed is not None and known.items < needed:
                lines[cell.benchmark, name] = (
                    f"{cell.benchmark}: {counted(known.items, 'item')} cannot rule out that {amount(limit, '')} more of the replies are "
                    f"{name}, even if none is; {needed} would"
                )
    return list(lines.values())
