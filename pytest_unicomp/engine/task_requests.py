"""Evaluates chosen documents of one lm-eval task and returns a scored Item for each, with lm-eval's own prompts and scores."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_unicomp.api.records import Item
from pytest_unicomp.engine.loading import Engine
from pytest_unicomp.engine.prompts import PromptCache
from pytest_unicomp.engine.quiet_libraries import quiet

# The default of lm-eval (`simple_evaluate(fewshot_random_seed=1234)`), so that our prompts are those of its published results.
FEWSHOT_SEED = 1234
# Metrics of choices with one right option; truthfulqa_mc2, for one, has several.
SINGLE_ANSWER = ("acc", "acc_norm")


@dataclass(frozen=True)
class TaskSetup:
    """Settings of a task: `shots` few-shot examples, the `metric` of its results, the `filter` of generated texts, with chat template if `chat`."""

    metric: str
    filter: str = "none"
    shots: int = 0
    chat: bool = False


def score_documents(
    task: Any, chosen: Iterable[int], setup: TaskSetup, engine: Engine, prompt_cache: PromptCache | None = None
) -> dict[int, Item]:
    """Return an Item per chosen document, by its index in the task's evaluation split; ids are `<task>/<index>`, clusters are not set.

    A document has the prompt of lm-eval's run over the whole split, whichever other documents are chosen. `prompt_cache` stores the prompts.
    """
    with quiet():
        indices = sorted(set(chosen))
        prompts = prompt_cache.get(indices) if prompt_cache is not None else None
        if prompts is None:
            prompts = _render_prompts(task, indices, setup, engine)
            if prompt_cache is not None:
                prompt_cache.put(prompts)
        requests = {index: _requests(task, index, prompts[index], setup, engine) for index in indices}
        task._instances = [request for of_document in requests.values() for request in of_document]
        _run(task._instances, engine)
        task.apply_filters()
        return {index: _item(task, index, of_document, setup) for index, of_document in requests.items()}


def replies(prompts: Sequence[str], generation: Mapping[str, Any], engine: Engine, *, chat: bool) -> tuple[list[str], list[str]]:
    """Return the prompts as the model got them (each as a user's message of the chat template if `chat`) and the generated replies, in order."""
    from lm_eval.api.instance import Instance

    with quiet():
        rendered = [engine.lm.apply_chat_template([{"role": "user", "content": prompt}]) if chat else prompt for prompt in prompts]
        requests = [
            Instance("generate_until", {}, (text, dict(generation)), index, metadata=("reply", index, 1))
            for index, text in enumerate(rendered)
        ]
        _run(requests, engine)
    return rendered, [str(request.resps[0]) for request in requests]


def _render_prompts(task: Any, chosen: Sequence[int], setup: TaskSetup, engine: Engine) -> dict[int, Any]:
    """Render the prompts of the chosen documents; few-shot examples are drawn for all documents up to the last one."""
    if setup.shots:
        task.set_fewshot_seed(FEWSHOT_SEED)
    documents, wanted, prompts = task.eval_docs, set(chosen), {}
    shares_split = task.fewshot_cfg.split == task.config.test_split
    for index in range(max(chosen) + 1 if chosen else 0):
        if index in wanted:
            document = documents[index]
            prompts[index] = task.fewshot_context(
                document,
                num_fewshot=setup.shots,
                apply_chat_template=setup.chat,
                chat_template=engine.lm.apply_chat_template if setup.chat else None,
                fewshot_as_multiturn=setup.chat,
                gen_prefix=task.doc_to_prefix(document),
            )
        elif setup.shots:
            # lm-eval draws the examples of all documents from one random stream: a document that is left out must consume its share.
            task.sampler.sample(n=setup.shots, eval_doc=documents[index] if shares_split else None)
    return prompts


def _requests(task: Any, index: int, prompt: Any, setup: TaskSetup, engine: Engine) -> list[Any]:
    requests = task.construct_requests(
        doc=task.eval_docs[index],
        ctx=prompt,
        metadata=(task.config.task, index, task.config.repeats),
        apply_chat_template=setup.chat,
        chat_template=engine.lm.apply_chat_template if setup.chat else None,
    )
    return requests if isinstance(requests, list) else [requests]


def _run(requests: Sequence[Any], engine: Engine) -> None:
    """Run the requests, one request type after another, and append each response to its request."""
    import torch

    by_type: dict[str, list[Any]] = {}
    for request in requests:
        by_type.setdefault(request.request_type, []).extend([request] * request.repeats)
    for request_type, some in by_type.items():
        prompts = (str(argument) for request in some for argument in request.args[:1])
        engine.fit_batch(prompts, logits_everywhere=request_type != "generate_until")
        with torch.inference_mode():
            responses = getattr(engine.lm, request_type)(some, disable_tqdm=True)
        for request, response in zip(some, responses, strict=True):
            request.resps.append(response)


def _item(task: Any, index: int, requests: Sequence[Any], setup: TaskSetup) -> Item:
    document = requests[0].doc
    responses = [request.filtered_resps[setup.filter] for request in requests]
    score = task.process_results(document, responses)[setup.metric]
    # One prompt, except for tasks such as WinoGrande, where every option has its own.
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
        answer=options[_best_option(log_probabilities, options, setup.metric)] if log_probabilities else str(requests[0].resps[0]),
        target=options[target] if options and isinstance(target, int) else str(target),
        log_probabilities=log_probabilities,
        right=_right(target, options) if setup.metric in SINGLE_ANSWER else None,
    )


def _right(target: Any, options: Sequence[str]) -> int | None:
    """Return the place of the right option, which a task names by its place or by its text; None without options."""
    if isinstance(target, int):
        return target if 0 <= target < len(options) else None
    return options.index(str(target)) if str(target) in options else None


def _best_option(log_probabilities: Sequence[float], options: Sequence[str], metric: str) -> int:
    """Return the index of the chosen option: acc_norm divides by the option's length in characters, acc does not (lm_eval/api/task.py)."""
    lengths = [max(1, len(option)) if metric == "acc_norm" else 1 for option in options]
    return max(range(len(options)), key=lambda index: log_probabilities[index] / lengths[index])


def chance_level(items: Iterable[Item]) -> float | None:
    """Return the expected accuracy of random choice: the mean of 1 / options over the items with options, or None if no item has any."""
    shares = [1 / len(item.log_probabilities) for item in items if item.log_probabilities]
    return sum(shares) / len(shares) if shares else None
