"""A small OpenAI-compatible server of one checkpoint on the loopback address: `python loopback.py FOLDER PORT [--no-echo] [--text-only]`.

It answers /v1/models and /v1/completions as vLLM does: token ids or text in, `echo` with `logprobs` for scoring, greedy text otherwise. As a chat
server it answers /v1/chat/completions instead, with the checkpoint's own template; if it wants a key, it repeats a wrong one, as some servers do.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from pytest_unicomp.engine import Engine, load


class Loopback:
    """One served engine; `requests` counts requests by path, `most_waiting` those in flight together, `keys` are the Authorization headers received."""

    def __init__(
        self,
        engine: Engine,
        *,
        echo: bool = True,
        tokens: bool = True,
        chat: bool = False,
        key: str | None = None,
        names: tuple[str, ...] = ("served",),
        port: int = 0,
    ) -> None:
        self.engine, self.echo, self.tokens, self.names = engine, echo, tokens, names
        self.chat, self.key = chat, key
        self.requests: Counter[str] = Counter()
        self.keys: set[str | None] = set()
        self.waiting = self.most_waiting = 0
        self._lock, self._counting = threading.Lock(), threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1" + ("/chat/completions" if self.chat else "")

    def __enter__(self) -> Loopback:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def run(self) -> None:
        self._server.serve_forever()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if outer.key is not None and self.headers["Authorization"] != f"Bearer {outer.key}":
                    return self._answer(401, {"error": f"wrong key: {self.headers['Authorization']}"})
                self._answer(200, {"object": "list", "data": [{"id": name, "object": "model"} for name in outer.names]})

            def do_POST(self) -> None:
                payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.requests[self.path] += 1
                outer.keys.add(self.headers["Authorization"])
                if self.path != ("/v1/chat/completions" if outer.chat else "/v1/completions"):
                    return self._answer(404, {"error": "no such path"})
                try:
                    with outer.counted(), outer._lock:
                        if payload.get("stream"):
                            return self._stream(outer.streamed(payload))
                        self._answer(200, outer.reply(payload) if outer.chat else outer.complete(payload))
                except ValueError as refused:
                    self._answer(400, {"error": str(refused)})

            def _stream(self, events: Iterator[dict[str, Any]]) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                for event in events:
                    self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
                    self.wfile.flush()
                self.wfile.write(b"data: [DONE]\n\n")

            def _answer(self, status: int, content: dict[str, Any]) -> None:
                body = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words: object) -> None:
                """Say nothing."""

        return Handler

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count a request among those that are in flight."""
        with self._counting:
            self.waiting += 1
            self.most_waiting = max(self.most_waiting, self.waiting)
        try:
            yield
        finally:
            with self._counting:
                self.waiting -= 1

    def complete(self, payload: dict[str, Any]) -> dict[str, Any]:
        given = payload["prompt"]
        prompts = given if isinstance(given, list) and given and not isinstance(given[0], int) else [given]
        choices = [self._choice(place, prompt, payload) for place, prompt in enumerate(prompts)]
        return {"choices": choices, "usage": {"completion_tokens": sum(choice.pop("written", 0) for choice in choices)}}

    def reply(self, payload: dict[str, Any]) -> dict[str, Any]:
        messages = payload.pop("messages")
        prompt = self.engine.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        made = self._choice(0, self.engine.tokenizer.encode(prompt, add_special_tokens=False), payload)
        return {"choices": [{"index": 0, "message": {"role": "assistant", "content": made["text"]}}]}

    def streamed(self, payload: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """All sequences together, a token of each at a time, as servers that batch do."""
        import torch

        tokens = torch.tensor(payload["prompt"])
        cache, newest = None, tokens
        for _ in range(payload["max_tokens"]):
            with torch.inference_mode():
                answer = self.engine.model(newest, past_key_values=cache, use_cache=True, logits_to_keep=1)
            cache, newest = answer.past_key_values, answer.logits[:, -1:].argmax(dim=-1)
            for place, token in enumerate(newest[:, 0].tolist()):
                yield {"choices": [{"index": place, "text": self.engine.tokenizer.decode([token])}]}
        yield {"choices": [], "usage": {"completion_tokens": len(tokens) * payload["max_tokens"]}}

    def _choice(self, place: int, prompt: str | list[int], payload: dict[str, Any]) -> dict[str, Any]:
        import torch

        if not isinstance(prompt, str) and not self.tokens:
            raise ValueError("prompt must be a string")
        ids = self.engine.tokenizer.encode(prompt) if isinstance(prompt, str) else prompt
        if payload.get("echo"):
            if not self.echo:
                raise ValueError("echo is not supported")
            with torch.inference_mode():
                logits = self.engine.model(torch.tensor([ids])).logits[0].log_softmax(-1)
            following = [*ids[1:], int(logits[-1].argmax())]
            scores = [float(logits[position, token]) for position, token in enumerate(following)]
            best = [float(row.max()) for row in logits]
            tops: list[dict[str, float] | None] = [None, *({"best": top, "this": score} for top, score in zip(best, scores, strict=True))]
            return {"index": place, "text": "", "logprobs": {"token_logprobs": [None, *scores], "top_logprobs": tops}}
        with torch.inference_mode():
            least = payload["max_tokens"] if payload.get("ignore_eos") else None
            made = self.engine.model.generate(
                torch.tensor([ids]), max_new_tokens=payload["max_tokens"], min_new_tokens=least, do_sample=False
            )[0, len(ids) :]
        text = self.engine.tokenizer.decode(made, skip_special_tokens=True)
        for stop in payload.get("stop") or []:
            text = text.split(stop)[0]
        return {"index": place, "text": text, "written": len(made)}


if __name__ == "__main__":
    engine = load(Path(sys.argv[1]), device="cpu", dtype="float32")
    options = sys.argv[3:]
    Loopback(engine, echo="--no-echo" not in options, tokens="--text-only" not in options, port=int(sys.argv[2])).run()
