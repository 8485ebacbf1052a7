"""Makes reports like those of a real run, without one: all verdicts, all units, and texts that try to break the page."""

from __future__ import annotations

import random
from typing import Any

from pytest_unicomp.api.records import (
    Agreement,
    Artifact,
    CalibrationGain,
    CalibrationText,
    CapabilityVerdict,
    Ceilings,
    Change,
    Check,
    Claim,
    Divergence,
    DivergenceTable,
    DivergentReplies,
    Estimate,
    Example,
    Flips,
    KernelReport,
    LayerTiming,
    Origin,
    Point,
    Ranked,
    Ranking,
    RecipePair,
    RecipeVerdict,
    ReferenceSummary,
    ReplyChange,
    Report,
    ShareChange,
    Slice,
    Spread,
    Uncertainty,
    Verdict,
    WaiverState,
)
from pytest_unicomp.api.vocabulary import CAPABILITIES, SCORES, Family

SEVEN = ("knowledge", "multilingual", "reasoning", "instruction_following", "language_modeling", "safety", "truthfulness")
CONFIDENCE = 0.9
NASTY = (
    "<script>alert(1)</script>",
    "</style><style>*{display:none}</style>",
    "</pre></article></details><h1 onmouseover='alert(1)'>gone</h1>",
    'quote " onload="alert(1)',
    "x" * 500,
    "שלום עולם \u202eevil\u202c مرحبا بالعالم",
    "bell\x07 escape\x1b[31mred\x1b[0m null\x00 return\r\n  two blanks\tand a tab",
    "<img src='https://example.org/x.png'> {{ 7 * 7 }} | pipe `code` @someone [link](javascript:alert(1))",
)
FINGERPRINT = "3f9c1d2e77ab40c5"


def judged(low: float, high: float, margin: float) -> Verdict:
    return "pass" if low > -margin else "fail" if high < -margin else "inconclusive"


def examples(benchmark: str, count: int) -> list[Example]:
    kinds = ("lost", "lost", "changed", "gained")
    return [
        Example(
            id=f"{benchmark}/{index}",
            prompt=f"Question {index}: which city lies on the river of {NASTY[index % len(NASTY)]}?\nA. Oslo\n  B. Bern\n",
            target="" if index == 3 else "B",
            reference_answer=f"\nB{' ' * 3}because {NASTY[(index + 2) % len(NASTY)]}",
            candidate_answer=NASTY[(index + 5) % len(NASTY)],
            kind=kinds[index % len(kinds)],
        )
        for index in range(count)
    ]


def retention(
    recipe: str, gates: bool, family: Family, capability: str, benchmark: str, loss: float, *, seed: int, flips: int = 6
) -> Check:
    rng = random.Random(f"{recipe}{benchmark}{seed}")
    nats = capability == "language_modeling"
    reference = 2.314 if nats else rng.uniform(0.55, 0.93)
    difference = -loss + rng.uniform(-0.006, 0.006)
    half = rng.uniform(0.008, 0.02) if loss else 0.0
    difference = difference if loss else 0.0
    low, high, margin = difference - half, difference + half, 0.05
    verdict = judged(low, high, margin)
    candidate = reference - difference if nats else reference + difference
    return Check(
        nodeid=f"suites/performance/test_retention.py::test_capability_is_kept[{recipe}-{benchmark}]",
        recipe=recipe,
        family=family,
        gates=gates,
        benchmark=benchmark,
        dimension=CAPABILITIES[capability],
        capability=capability,
        question="retention",
        metric="nats_per_token" if nats else "exact_match",
        higher_is_better=not nats,
        n=1200,
        reference=Estimate(value=reference, stderr=0.012),
        candidate=Estimate(value=candidate, stderr=0.0125),
        difference=difference,
        interval=(low, high),
        confidence=CONFIDENCE,
        margin=margin,
        retention=None if nats else candidate / reference,
        chance=None if nats else 0.25,
        chance_corrected_retention=None if nats else (candidate - 0.25) / (reference - 0.25),
        flips=None if nats else Flips(lost=int(1200 * loss) + 9, gained=9, changed=31),
        discordance=None if nats else loss + 0.015,
        divergence=None if nats else Divergence(kl_mean=0.0213 + loss, kl_stderr=0.0011, top1_agreement=0.97 - loss),
        divergence_table=None if nats else table(0.0213 + loss),
        divergent_replies=None
        if nats
        else DivergentReplies(n=1200, same=0.614, same_stderr=0.014, first_difference_median=7.5, kept_mean=0.803),
        uncertainty=None if nats else certainty(loss),
        replies=changed_replies(loss) if capability in ("reasoning", "safety") else None,
        minimum_detectable_effect=0.0231,
        p_value=0.0004 if verdict == "fail" else 0.7421,
        verdict=verdict,
        reason=f"{100 * difference:+.1f} points, interval [{100 * low:+.1f}, {100 * high:+.1f}], margin 5.0, 1200 items",
        examples=[] if nats else examples(benchmark, flips),
    )


def changed_replies(loss: float) -> ReplyChange:
    def share(before: float, rise: float) -> ShareChange:
        return ShareChange(
            reference=before, candidate=before + rise, difference=rise, interval=(rise - 0.0113, rise + 0.0151), p_value=0.31
        )

    return ReplyChange(
        n=1200,
        tokens=(148.25, 148.25 * (1 + 5 * loss)),
        length_ratio=1 + 4 * loss,
        length_ratio_interval=(1 + 3.4 * loss, 1 + 4.7 * loss),
        truncated=share(0.0125, loss),
        looping=share(0.0042, loss / 2),
        unfinished=share(0.0, 0.0),
        only_in_thoughts=None,
    )


def table(kl: float) -> DivergenceTable:
    return DivergenceTable(
        over="options",
        n=1200,
        kl_mean=kl,
        kl_percentiles={"0": 0.0, "1": 0.0001, "50": kl / 3, "90": 2 * kl, "99": 6 * kl, "99.9": 9 * kl, "100": 11 * kl},
        kl_reverse_mean=kl + 0.0017,
        shift_mean=-0.0312,
        shift_rms=0.0611,
        shift_percentiles={"0": -0.4471, "1": -0.2113, "50": -0.0041, "99": 0.1233, "100": 0.2511},
        same_top=0.9432,
        perplexity_ratio=None,
        perplexity_ratio_stderr=None,
    )


def certainty(loss: float) -> Uncertainty:
    def change(reference: float, difference: float) -> Change:
        return Change(
            reference=reference, candidate=reference + difference, difference=difference, interval=(difference - 0.013, difference + 0.013)
        )

    return Uncertainty(
        n=1187, brier=change(0.412, loss), calibration_error=change(0.0032, loss / 9), set_size=change(2.31, 3 * loss), set_error=0.1
    )


def latency(recipe: str, gates: bool, family: Family, benchmark: str, ratio: float, *, verdict: Verdict = "pass") -> Check:
    size = benchmark == "bytes"
    reference = 11_800_000.0 if size else 0.0431
    return Check(
        nodeid=f"suites/efficiency/test_cost.py::test_cost[{recipe}-{benchmark}]",
        recipe=recipe,
        family=family,
        gates=gates,
        benchmark=benchmark,
        dimension="efficiency",
        capability="inference_footprint" if size else "runtime_acceleration",
        question="efficiency",
        metric="bytes" if size else "seconds",
        higher_is_better=False,
        n=1 if size else 20,
        reference=Estimate(value=reference),
        candidate=Estimate(value=reference * ratio),
        difference=1 - ratio,
        interval=(1 - ratio, 1 - ratio) if size else (1 - ratio - 0.03, 1 - ratio + 0.03),
        confidence=CONFIDENCE,
        margin=0.1,
        retention=1 / ratio,
        kernels=None if size else ("dense bfloat16", "torch int4 weight-only, group 128"),
        verdict=verdict,
        reason=f"{ratio:.3f} times the reference",
    )


def drift(recipe: str, gates: bool, family: Family) -> Check:
    return retention(recipe, gates, family, "knowledge", "nano-knowledge", 0.004, seed=7).model_copy(
        update={
            "question": "drift",
            "verdict": "not_comparable",
            "reason": "the baseline was asked with other prompts",
            "changes": ["transformers 5.16.0 -> 5.17.0", "machine <b>other</b>"],
            "difference": None,
            "interval": None,
            "margin": 0.02,
            "examples": [],
        }
    )


def pooled(capability: str, checks: list[Check], margin: float = 0.03) -> CapabilityVerdict:
    differences = [check.difference or 0.0 for check in checks]
    difference = sum(differences) / len(differences)
    half = sum((check.interval[1] - check.interval[0]) / 2 for check in checks if check.interval) / len(checks) ** 1.5
    verdict = judged(difference - half, difference + half, margin)
    return CapabilityVerdict(
        capability=capability,
        dimension=CAPABILITIES[capability],
        benchmarks=[check.benchmark for check in checks],
        difference=difference,
        interval=(difference - half, difference + half),
        confidence=CONFIDENCE,
        margin=margin,
        retention=None if capability == "language_modeling" else 1 + difference / 0.8,
        verdict=verdict,
        reason=f"{capability} {verdict}",
    )


def artifact(recipe: str, family: Family, bits: float, sparsity: float) -> Artifact:
    return Artifact(
        recipe=recipe,
        family=family,
        settings={"method": recipe.split("-")[0], "bits": bits, "ignore": ["lm_head"], "group_size": None},
        path=f"/tmp/store/{recipe}",
        fingerprint=FINGERPRINT,
        parameters=2_950_000,
        bytes=int(2_950_000 * bits / 8),
        bits_per_weight=bits,
        sparsity=sparsity,
        compress_seconds=4.82,
        compress_peak_bytes=812_000_000,
    )


def judge_recipe(
    recipe: str,
    family: Family,
    gates: bool,
    losses: dict[str, float],
    *,
    bits: float,
    sparsity: float = 0.0,
    seed: int,
    per: int = 1,
    flips: int = 6,
) -> tuple[RecipeVerdict, list[Check]]:
    """A recipe with `per` benchmarks for each capability in `losses`."""
    checks: list[Check] = []
    capabilities: list[CapabilityVerdict] = []
    for capability, loss in losses.items():
        names = [f"nano-{capability.replace('_', '-')}{f'-{index}' if index else ''}" for index in range(per)]
        own = [retention(recipe, gates, family, capability, name, loss, seed=seed, flips=flips) for name in names]
        checks += own
        capabilities.append(pooled(capability, own))
    checks += [
        latency(recipe, gates, family, "bytes", bits / 32),
        latency(recipe, gates, family, "decode-latency", 0.97 if gates else 1.08),
    ]
    worst = next((name for name in ("fail", "inconclusive") if any(one.verdict == name for one in capabilities)), "pass")
    missed = [one.capability for one in capabilities if one.verdict != "pass"]
    reason = f"{', '.join(missed).replace('_', ' ')} not kept" if missed else "every capability is proven kept"
    made = artifact(recipe, family, bits, sparsity)
    calibration = CalibrationText(mixture="generic", samples=128, tokens=512, seed=0, digest="9b0c44aa01fe2d31") if bits < 8 else None
    verdict = RecipeVerdict(
        recipe=recipe,
        family=family,
        gates=gates,
        settings=made.settings,
        calibration=calibration,
        verdict=worst,
        reason=reason,
        capabilities=capabilities,
        artifact=made,
    )
    return verdict, checks


def report(recipes: list[tuple[RecipeVerdict, list[Check]]], **changes: Any) -> Report:
    values: dict[str, Any] = {
        "created": "2026-01-31T12:00:00+00:00",
        "verdict": "fail",
        "exit_code": 1,
        "reason": "gptq-w4a16 lost reasoning: −8.1 points where 3.0 are accepted",
        "environment": {
            "machine": "2 cores, 8 GB, no accelerator",
            "versions": {"torch": "2.13.0", "transformers": "5.17.0", "lm-eval": "0.4.13"},
            "accelerator": None,
        },
        "policy": {
            "profile": "smoke",
            "limit": None,
            "seed": 0,
            "margin": 0.03,
            "alpha": 0.05,
            "inconclusive": "fail",
            "benchmarks": ["a", "b"],
        },
        "reference": ReferenceSummary(model="nano", fingerprint=FINGERPRINT, parameters=2_950_000, bytes=11_800_000),
        "recipes": [verdict for verdict, _ in recipes],
        "checks": [check for _, checks in recipes for check in checks],
    }
    return Report(**{**values, **changes})


def scores(seed: int, missing: tuple[str, ...] = ()) -> tuple[dict[str, float | None], dict[str, tuple[float, float]]]:
    """Thirteen scores without those in `missing`, and intervals for the ten that are means over items."""
    rng = random.Random(seed)
    values = {name: None if name in missing else rng.uniform(40, 104) for name in SCORES}
    intervals = {name: (value - 3.3, value + 2.1) for name, value in values.items() if value is not None and name not in SCORES[-3:]}
    return values, intervals


def scored(recipe: RecipeVerdict, seed: int, missing: tuple[str, ...] = ()) -> RecipeVerdict:
    """The recipe with scores and with a warning."""
    values, intervals = scores(seed, missing)
    basis = dict.fromkeys(intervals, f"mean ratio over {recipe.recipe}")
    return recipe.model_copy(
        update={"scores": values, "score_intervals": intervals, "score_basis": basis, "hidden_danger": "safety falls by 9.1 points unseen"}
    )


def behaving(check: Check) -> Check:
    """The check with a worst part, a judge and floors."""
    worst = Slice(
        name=NASTY[0], n=41, reference=0.91, candidate=0.7312, difference=-0.1788, interval=(-0.29, -0.07), p_value=0.013, lost=True
    )
    agreement = Agreement(source="<b>humans</b>", n=200, accuracy=0.9137, interval=(0.8661, 0.9449), kappa=0.81)
    extra = {"worst_slice": worst, "unanswered": (3, 17), "floors": {"always refuse": 0.4823, "empty": 0.0}}
    return check.model_copy(update={**extra, "judge": "rules", "judge_agreement": agreement})


def told(recipes: list[RecipeVerdict]) -> dict[str, Any]:
    """Findings, costs and calibration gains about some recipes."""
    names = [recipe.recipe for recipe in recipes]
    claims = [
        Claim(
            claim="knowledge is kept better than reasoning",
            about=name,
            answer="holds",
            difference=4.25 + index,
            interval=(1.125, 7.5),
            reason="+",
        )
        for index, name in enumerate(names)
    ]
    untested = Claim(claim="AWQ keeps more", about="<i>all</i>", answer="not tested", difference=None, interval=None, reason="needs AWQ")
    made = [recipe for recipe in recipes if recipe.artifact and recipe.artifact.bytes]
    points = [
        Point(
            recipe=recipe.recipe,
            quality=99.123 - 3.3 * index,
            bytes=recipe.artifact.bytes or 0 if recipe.artifact else 0,
            seconds=0.2 + 0.031 * index,
            compress_seconds=4.82 + index,
            front=index != 1,
        )
        for index, recipe in enumerate(made)
    ]
    gains = [
        CalibrationGain(
            recipe=name,
            calibration="generic",
            target="reasoning",
            capability=capability,
            metric=metric,
            benchmarks=["nano-reasoning"],
            n=1200,
            difference=0.0123,
            interval=(-0.0019, 0.0261),
            confidence=CONFIDENCE,
            verdict="inconclusive",
            reason="+1.2 points",
        )
        for name in names[:2]
        for capability, metric in (("reasoning", "rate"), ("language_modeling", "nats_per_token"))
    ]
    return {
        "findings": [*claims, untested],
        "pareto": points,
        "cheapest": points[0].recipe,
        "calibration_gains": gains,
        "rankings": [ranking([row.recipe for row in recipes])],
    }


def ranking(names: list[str]) -> Ranking:
    """Every recipe a little worse than the one before; neighbours cannot be told apart."""
    places = range(len(names))
    pairs = [
        RecipePair(
            first=names[one],
            second=names[other],
            difference=0.02 * (other - one),
            interval=(0.02 * (other - one) - 0.03, 0.02 * (other - one) + 0.03),
            better=names[one] if other - one > 1 else None,
        )
        for one in places
        for other in places[one + 1 :]
    ]
    return Ranking(
        capability="knowledge",
        dimension="performance",
        unit="rate",
        higher_is_better=True,
        benchmarks=["mmlu"],
        n=1000,
        confidence=CONFIDENCE,
        error=0.05,
        recipes=[
            Ranked(recipe=name, value=0.7 - 0.02 * place, ranks=(max(1, place), min(len(names), place + 2)))
            for place, name in enumerate(names)
        ],
        pairs=pairs,
        left_out={"broken": "no scores on mmlu"},
    )


def small() -> Report:
    """Five recipes by seven capabilities: every verdict, gating and informing, one recipe that could not be made."""
    kept = dict.fromkeys(SEVEN, 0.002)
    broken = RecipeVerdict(
        recipe="awq-w4a16",
        family="quantization",
        gates=True,
        settings={},
        calibration=None,
        verdict="error",
        reason="RuntimeError: Cannot access accelerator device when none is available.",
        capabilities=[],
        artifact=None,
    )
    cause = Check(
        recipe="awq-w4a16",
        family="quantization",
        gates=True,
        benchmark="nano-knowledge",
        dimension="performance",
        capability="knowledge",
        question="retention",
        metric="exact_match",
        higher_is_better=True,
        confidence=CONFIDENCE,
        margin=0.05,
        verdict="error",
        reason="no artifact: <b>RuntimeError</b>",
    )
    first, first_checks = judge_recipe("rtn-w8a16", "quantization", True, dict.fromkeys(SEVEN, 0.0) | {"safety": 0.004}, bits=8.5, seed=1)
    wanda, wanda_checks = judge_recipe(
        "wanda-2of4", "pruning", False, kept | {"knowledge": 0.09, "reasoning": 0.41}, bits=32, sparsity=0.5, seed=3, per=2
    )
    gptq, gptq_checks = judge_recipe(
        "gptq-w4a16", "quantization", True, kept | {"reasoning": 0.081, "multilingual": 0.031}, bits=4.56, seed=2, per=2
    )
    clone, clone_checks = judge_recipe(
        "minitron-<depth>|x", "distillation", False, kept | {"instruction_following": 0.033}, bits=32, seed=4
    )
    wanda, first, gptq = scored(wanda, 1), scored(first, 2, missing=("S_ROB", "S_PRI")), scored(gptq, 3, missing=SCORES[4:])
    wanda_checks = [behaving(check) if check.capability == "safety" else check for check in wanda_checks]
    return report(
        [
            (wanda, wanda_checks),
            (first, [*first_checks, drift("rtn-w8a16", True, "quantization")]),
            (gptq, gptq_checks),
            (broken, [cause]),
            (clone, clone_checks),
        ],
    )


def thirteen() -> Report:
    """Two recipes by the thirteen capabilities that have items: a page's widest matrix."""
    names = [name for name, dimension in CAPABILITIES.items() if dimension != "efficiency" and name != "other"]
    kept = dict.fromkeys(names, 0.002)
    good = judge_recipe("rtn-w8a16", "quantization", True, kept, bits=8.5, seed=1)
    bad = judge_recipe(
        "wanda-2of4", "pruning", True, kept | {"reasoning": 0.41, "instruction_following": 0.09, "safety": 0.031}, bits=32, seed=2
    )
    return report([good, bad])


def kernels() -> KernelReport:
    """The table of one kernel on two shapes of layers."""
    layers = [
        LayerTiming(
            outputs=2048 * rows,
            inputs=2048,
            layers=24,
            names=["q_proj", "o_proj"],
            rows=rows,
            phase="decode" if rows == 1 else "prefill",
            kernel="torch int4",
            dense_seconds=Spread(median=1.234e-4 * rows, low=1.1e-4 * rows, high=1.4e-4 * rows),
            seconds=Spread(median=0.612e-4 * rows, low=0.6e-4 * rows, high=0.7e-4 * rows),
            ratio=0.4959,
            interval=(0.4781, 0.5123),
            dense_bytes=8_400_000,
            bytes=2_300_000,
            operations=8_388_608 * rows,
            bandwidth=3.76e10,
            rate=1.371e11,
            dense_share=0.81,
            share=0.6432,
            bound="memory",
            difference=0.0031,
            launched="RuntimeError: not while a <stream> is captured",
        )
        for rows in (1, 64)
    ]
    ceilings = Ceilings(bandwidth=4.12e10, rate=9.9e11, copied_bytes=1 << 28, product="4096 x 4096 x 4096")
    return KernelReport(
        format="int4",
        kernel="torch int4",
        device="cpu <x>",
        ceilings=ceilings,
        layers=layers,
        left_out=["7 x 9: too small"],
        rounds=12,
        confidence=0.9,
    )


def waivers() -> list[WaiverState]:
    """One waiver that excuses a check, and one that has expired."""
    common = {"question": "retention", "owner": "Ada <ada@example.org>", "evidence": "0f" * 8, "expires": "2026-06-30"}
    return [
        WaiverState(
            recipe="gptq-w4a16", benchmark=None, capability="reasoning", reason=NASTY[4], state="applied", note="until 2026-06-30", **common
        ),
        WaiverState(
            recipe="awq-w4a16", benchmark="nano-safety", capability=None, reason="known", state="expired", note="it ended", **common
        ),
    ]


def origins() -> list[Origin]:
    """Measurements of this run, and older ones of another machine."""
    here = {"torch": "2.13.0", "transformers": "5.17.0", "lm-eval": "0.4.13"}
    day = "2026-01-31T11:5{}:00+00:00"
    common = {"engine": "unicomp", "dtype": "bfloat16"}
    return [
        Origin(
            machine="2 cores",
            versions=here,
            recipes=["rtn-w8a16", NASTY[0]],
            measurements=14,
            first=day.format(1),
            last=day.format(9),
            **common,
        ),
        Origin(
            machine="NVIDIA H100",
            versions=here | {"torch": "2.12.0"},
            recipes=["reference"],
            measurements=7,
            first=day.format(0),
            last=day.format(0),
            **common,
        ),
    ]


def full() -> Report:
    """The small report with findings, costs and calibration gains, so that every table of the page has rows."""
    made = small()
    extra = {"waivers": waivers(), "without_waivers": "fail", "kernels": [kernels()], "origins": origins()}
    failing = [check.recipe == "gptq-w4a16" and check.verdict == "fail" for check in made.checks]
    checks = [
        check.model_copy(update={"waived": True, "evidence": "0f" * 8}) if failed else check
        for check, failed in zip(made.checks, failing, strict=True)
    ]
    return made.model_copy(update={**told([recipe for recipe in made.recipes if recipe.artifact]), **extra, "checks": checks})


def hostile() -> Report:
    """The full report with every name and reason replaced by text that tries to break the page."""
    made = full()
    names = {recipe.recipe: NASTY[index % len(NASTY)] + f" {index}" for index, recipe in enumerate(made.recipes, start=3)}
    long = "w" * 400
    return made.model_copy(
        update={
            "reason": long,
            "recipes": [
                recipe.model_copy(update={"recipe": names[recipe.recipe], "reason": NASTY[5] + long, "hidden_danger": long})
                for recipe in made.recipes
            ],
            "checks": [
                check.model_copy(
                    update={"recipe": names[check.recipe], "benchmark": f"{check.benchmark}-{NASTY[0]}-{long}", "reason": NASTY[6] + long}
                )
                for check in made.checks
            ],
            "rankings": [ranking([*names.values()]).model_copy(update={"benchmarks": [NASTY[0] + long], "left_out": {NASTY[5]: long}})],
            "pareto": [point.model_copy(update={"recipe": names[point.recipe]}) for point in made.pareto],
            "findings": [claim.model_copy(update={"claim": long, "about": NASTY[5], "reason": long}) for claim in made.findings],
            "calibration_gains": [
                gain.model_copy(update={"recipe": names[gain.recipe], "target": long}) for gain in made.calibration_gains
            ],
            "reference": ReferenceSummary(model=NASTY[5] + long, fingerprint=long, parameters=1, bytes=1),
            "environment": {"machine": NASTY[6] + long, "versions": {"torch": long}},
            "policy": {"profile": NASTY[1], "benchmarks": [long, NASTY[0]]},
            "cheapest": long,
        }
    )


def big(recipes: int = 19, benchmarks: int = 60) -> Report:
    """As many recipes and benchmarks as a full run has."""
    names = [name for name, dimension in CAPABILITIES.items() if dimension != "efficiency" and name != "other"][:benchmarks]
    per = -(-benchmarks // len(names))
    losses = {name: 0.006 * index for index, name in enumerate(names)}
    judged_recipes = [
        judge_recipe(f"recipe-{index}", "pruning", index < 9, losses, bits=4.5, seed=index, per=per) for index in range(recipes)
    ]
    whole = [(scored(recipe, index), checks) for index, (recipe, checks) in enumerate(judged_recipes)]
    return report(whole, **told([recipe for recipe, _ in whole]))
