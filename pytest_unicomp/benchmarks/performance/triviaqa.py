"""TriviaQA: trivia questions whose answers are told from memory, with no passage to read (Joshi et al., arXiv 1705.03551).

A row: {"question": "Who was the man behind The Chipmunks?", "question_id": "tc_2", "answer": {"value": "David Seville", "aliases": ["David Seville"],
...}}. A reply is right if it is one of the aliases, but for case and punctuation. Five examples of the training split show that an answer is short.
"""

from pytest_unicomp.benchmarks.lm_eval_task import LmEvalTask

BENCHMARKS = {
    "triviaqa": LmEvalTask(
        folder="triviaqa",
        parts=(("triviaqa", "rc.nocontext"),),
        dataset="mandarjoshi/trivia_qa",
        capability="knowledge",
        metric="exact_match",
        filter="remove_whitespace",
        shots=5,
        generates=True,
        items=17944,
        chance=0.0,
        sets=("told",),
        source="lm-eval task triviaqa; Joshi et al. 2017, arXiv 1705.03551; 5-shot",
    )
}
