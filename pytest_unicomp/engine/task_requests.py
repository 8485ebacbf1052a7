"""Puts the chosen documents of one lm-eval task to the model and returns one scored Item for each: lm-eval's own prompts and scores."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_unicomp.api.records import Item
from pytest_unicomp.engine.loading import Engine
from pytest_unicomp.engine.prompts import Prompts
from pytest_unicomp.engine.quiet_libraries import quiet

# lm-eval's own default (`simple_evaluate(fewshot_random_seed=1234)`), so that our prompts are those of its published results.
SHOTS_SEED = 1234


@dataclass(frozen=True)
class Question:
    """How one lm-eval task is put: `shots` examples, `metric` of its results, `filter` applied to generated text, chat template or not."""

    metric: str
    filter: str = "none"
    shots: int = 0
    chat: bool = False


def ask(task: Any, chosen: Iterable[int], question: Question, engine: Engine, prompts: Prompts | None = None) -> dict[int, Item]:
    """Return an Item per chosen document (its index in the task's evaluation split); ids are `<task>/<index>`, clusters are unset.

    The prompt of a document is the one it has in lm-eval's run over the whole split, whatever else is chosen; `prompts` keeps it.
    """
    with quiet():
        indices = sorted(set(chosen))
        put = prompts.of(indices) if prompts is not None else None
        if put is None:
            put = _prompts(task, indices, question, engine)
            if prompts is not None:
                prompts.keep(put)
        instances = {index: _requests(task, index, put[index], question, engine) for index in indices}
        task._instances = [request for requests in instances.values() for request in requests]
        _answer(task._instances, engine)
        task.apply_filters()
        return {index: _item(task, index, requests, question) for index, requests in instances.items()}


def replies(prompts: Sequence[str], generation: Mapping[str, Any], engine: Engine, *, chat: bool) -> tuple[list[str], list[str]]:
    """Return the prompts as they were put (each a user's turn where `chat`) and the generated replies, in order."""
    from lm_eval.api.instance import Instance

    with quiet():
        put = [engine.lm.apply_chat_template([{"role": "user", "content": prompt}]) if chat else prompt for prompt in prompts]
        requests = [
            Instance("generate_until", {}, (text, dict(generation)), place, metadata=("reply", place, 1)) for place, text in enumerate(put)
        ]
        _answer(requests, engine)
    return put, [str(request.resps[0]) for request in requests]


def _prompts(task: Any, chosen: Sequence[int], question: Question, engine: Engine) -> dict[int, Any]:
    """Put together the prompts of the chosen documents, drawing shots for all documents up to the last one."""
    if question.shots:
        task.set_fewshot_seed(SHOTS_SEED)
    documents, wanted, made = task.eval_docs, set(chosen), {}
    shares_split = task.fewshot_cfg.split == task.config.test_split
    for index in range(max(chosen) + 1 if chosen else 0):
        if index in wanted:
            document = documents[index]
            made[index] = task.fewshot_context(
                document,
                num_fewshot=question.shots,
                apply_chat_template=question.chat,
                chat_template=engine.lm.apply_chat_template if question.chat else None,
                fewshot_as_multiturn=question.chat,
                gen_prefix=task.doc_to_prefix(document),
            )
        elif question.shots:
            # The sampler draws new shots for every document from one stream: a document that is left out must use up its share.
            task.sampler.sample(n=question.shots, eval_doc=documents[index] if shares_split else None)
    return made


def _requests(task: Any, index: int, prompt: Any, question: Question, engine: Engine) -> list[Any]:
    made = task.construct_requests(
        doc=task.eval_docs[index],
        ctx=prompt,
        metadata=(task.config.task, index, task.config.repeats),
        apply_chat_template=question.chat,
        chat_template=engine.lm.apply_chat_template if question.chat else None,
    )
    return made if isinstance(made, list) else [made]


def _answer(requests: Sequence[Any], engine: Engine) -> None:
    """Run the requests, kind by kind, and append each response to its request."""
    import torch

    by_kind: dict[str, list[Any]] = {}
    for request in requests:
        by_kind.setdefault(request.request_type, []).extend([request] * request.repeats)
    for kind, asked in by_kind.items():
        engine.fit_batch((str(part) for request in asked for part in request.args[:1]), logits_everywhere=kind != "generate_until")
        with torch.inference_mode():
            responses = getattr(engine.lm, kind)(asked, disable_tqdm=True)
        for request, response in zip(asked, responses, strict=True):
            request.resps.append(response)


def _item(task: Any, index: int, requests: Sequence[Any], question: Question) -> Item:
    document = requests[0].doc
    responses = [request.filtered_resps[question.filter] for request in requests]
    score = task.process_results(document, responses)[question.metric]
    # One prompt, but for tasks such as winogrande, where every option makes its own.
    prompts = list(dict.fromkeys(str(request.args[0]) for request in requests))
    choice = task.OUTPUT_TYPE == "multiple_choice"
    log_probabilities = [float(response[0]) for response in responses] if choice else None
    options = [str(option) for option in task.doc_to_choice(document)] if choice else []
    target = task.doc_to_text(document) if choice and task.multiple_input else task.doc_to_target(document)
    return Item(
        id=f"{task.config.task}/{index}",
        score=None if score is None else float(score),
        prompt_digest=hashlib.sha256("\x00".join(prompts).encode()).hexdigest()[:16],
        prompt=prompts[0],
        answer=options[_best(log_probabilities, options, question.metric)] if log_probabilities else str(requests[0].resps[0]),
        target=options[target] if options and isinstance(target, int) else str(target),
        log_probabilities=log_probabilities,
    )


def _best(log_probabilities: Sequence[float], options: Sequence[str], metric: str) -> int:
    """Return the index of the chosen option: lm-eval's acc_norm divides by the option's characters, acc does not (lm_eval/api/task.py)."""
    lengths = [max(1, len(option)) if metric == "acc_norm" else 1 for option in options]
    return max(range(len(options)), key=lambda place: log_probabilities[place] / lengths[place])


def chance(items: Iterable[Item]) -> float | None:
    """Return the mean of 1 / options over the items that have options, or None where none has."""
    shares = [1 / len(item.log_probabilities) for item in items if item.log_probabilities]
    return sum(shares) / len(shares) if shares else None
