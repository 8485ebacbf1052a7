"""Trains the embedded model: `python -m pytest_unicomp.nano.train --help` lists the options."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pytest_unicomp.nano import checkpoint_folder
from pytest_unicomp.nano.batches import Batch, batch
from pytest_unicomp.nano.curves import plot
from pytest_unicomp.nano.evaluate import report
from pytest_unicomp.nano.model import build, save
from pytest_unicomp.nano.settings import MODEL, SHORT_TRAINING, TRAINING, ModelSettings, TrainingSettings
from pytest_unicomp.nano.tokenizer import save_tokenizer
from pytest_unicomp.nano.world import SETS


@dataclass
class Trainer:
    """Model, optimizers and log of one training, after `step` steps."""

    model: Any
    optimizers: list[Any]
    settings: TrainingSettings
    step: int = 0
    seconds: float = 0.0
    log: list[dict[str, float]] = field(default_factory=list)
    curve: list[dict[str, float]] = field(default_factory=list)

    def state(self) -> dict[str, Any]:
        """Return the state to save for resuming: model, optimizers, step, seconds, log and curve."""
        return {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
            "seconds": self.seconds,
            "log": self.log,
            "curve": self.curve,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Load a state that `state` returned."""
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.step, self.seconds, self.log, self.curve = state["step"], state["seconds"], state["log"], state["curve"]


def rate_factor(settings: TrainingSettings, step: int) -> float:
    """Return the share of the full learning rate at a step: a short linear warm-up, a plateau, then a linear decay to zero."""
    rise = min(1.0, (step + 1) / settings.warmup_steps)
    fall = (settings.steps - step) / (settings.steps * settings.decay_share)
    return min(rise, fall, 1.0)


def new_trainer(tokenizer: Any, settings: TrainingSettings, size: ModelSettings = MODEL) -> Trainer:
    """Return an untrained model with its two optimizers."""
    import torch

    torch.manual_seed(settings.seed)
    model = build(tokenizer, size)
    matrices = [weight for name, weight in model.named_parameters() if weight.ndim == 2 and "embed" not in name]
    others = [weight for name, weight in model.named_parameters() if weight.ndim != 2 or "embed" in name]
    optimizers = [
        torch.optim.Muon(matrices, lr=settings.matrix_rate, weight_decay=settings.matrix_decay),
        torch.optim.AdamW(others, lr=settings.other_rate, betas=(0.9, 0.98), weight_decay=0.0),
    ]
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["full_rate"] = group["lr"]
    return Trainer(model, optimizers, settings)


def train_step(trainer: Trainer, body: Any, drawn: Batch) -> float:
    """Take one step on one batch and return the mean loss over answers; `body` is the (compiled) model below its output layer."""
    import torch

    device = trainer.model.device
    tokens, targets = torch.tensor(drawn.tokens, device=device), torch.tensor(drawn.targets, device=device)
    conversations, positions = torch.tensor(drawn.conversations, device=device), torch.tensor(drawn.positions, device=device)
    # A conversation does not attend to its neighbours in the row, because it has none when it is evaluated.
    visible = (conversations[:, None, :, None] == conversations[:, None, None, :]).tril()
    with torch.autocast(device.type, dtype=torch.bfloat16):
        hidden = body(input_ids=tokens, attention_mask=visible, position_ids=positions, use_cache=False).last_hidden_state
        learned = targets != -100
        # Only answers reach the output layer: most positions are prompts, whose logits are not needed.
        logits = trainer.model.lm_head(hidden[learned])
    loss = torch.nn.functional.cross_entropy(logits.float(), targets[learned])
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(trainer.model.parameters(), trainer.settings.clip)
    factor = rate_factor(trainer.settings, trainer.step)
    for optimizer in trainer.optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["full_rate"] * factor
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    trainer.step += 1
    return float(loss.detach())


def _keep(trainer: Trainer, folder: Path) -> None:
    import torch

    partial = folder / "state.pt.partial"
    torch.save(trainer.state(), partial)
    os.replace(partial, folder / "state.pt")
    record = {"settings": asdict(trainer.settings), "seconds": round(trainer.seconds), "loss": trainer.log, "accuracy": trainer.curve}
    (folder / "training.json").write_text(json.dumps(record, indent=1) + "\n")


def _say(trainer: Trainer, loss: float) -> None:
    settings = trainer.settings
    tokens = trainer.step * settings.rows * settings.tokens_per_row
    left = (settings.steps - trainer.step) * trainer.seconds / trainer.step
    trainer.log.append({"step": trainer.step, "tokens": tokens, "loss": round(loss, 4), "seconds": round(trainer.seconds, 1)})
    sys.stdout.write(
        f"step {trainer.step}/{settings.steps} loss {loss:.4f} {tokens / trainer.seconds:.0f} tokens/s, {left / 60:.1f} min left\n"
    )
    sys.stdout.flush()


def _probe(trainer: Trainer, tokenizer: Any) -> None:
    found = report(trainer.model.eval(), tokenizer, SETS, trainer.settings.probe_items)
    trainer.model.train()
    perplexity = found.pop("perplexity")
    trainer.curve.append({"step": trainer.step, "perplexity": perplexity, **{name: found[name]["accuracy"] for name in SETS}})


def run(
    settings: TrainingSettings,
    work: Path,
    *,
    resume: bool = False,
    device: str = "cpu",
    compiled: bool = True,
    report_every: int = 50,
    size: ModelSettings = MODEL,
) -> Trainer:
    """Train in the folder `work` (tokenizer/, state.pt, training.json) and return the trainer after the last step."""
    import torch
    from transformers import AutoTokenizer

    work.mkdir(parents=True, exist_ok=True)
    if not (resume and (work / "tokenizer").is_dir()):
        save_tokenizer(work / "tokenizer")
    tokenizer = AutoTokenizer.from_pretrained(work / "tokenizer")
    trainer = new_trainer(tokenizer, settings, size)
    trainer.model.to(device)
    if resume and (work / "state.pt").is_file():
        trainer.restore(torch.load(work / "state.pt", map_location=device, weights_only=True))
    body = torch.compile(trainer.model.model) if compiled else trainer.model.model
    losses: list[float] = []
    while trainer.step < settings.steps:
        started = time.perf_counter()
        drawn = batch(tokenizer.backend_tokenizer, settings, trainer.step, tokenizer.pad_token_id)
        losses.append(train_step(trainer, body, drawn))
        trainer.seconds += time.perf_counter() - started
        if trainer.step % report_every == 0 or trainer.step == settings.steps:
            _say(trainer, sum(losses) / len(losses))
            losses = []
        if settings.probe_items and (trainer.step % settings.probe_every == 0 or trainer.step == settings.steps):
            _probe(trainer, tokenizer)
        if trainer.step % settings.checkpoint_every == 0 or trainer.step == settings.steps:
            _keep(trainer, work)
    return trainer


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m pytest_unicomp.nano.train", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a training of under three minutes that proves the code, not the model")
    parser.add_argument("--resume", action="store_true", help="go on from the state in --work")
    parser.add_argument("--steps", type=int, help=f"number of steps (default {TRAINING.steps}; {SHORT_TRAINING.steps} with --short)")
    parser.add_argument("--seed", type=int, help=f"draws the first weights and the order of the conversations (default {TRAINING.seed})")
    parser.add_argument(
        "--out", type=Path, default=None, help="folder of the checkpoint (default: the embedded one; WORK/checkpoint with --short)"
    )
    parser.add_argument("--work", type=Path, default=Path("build/nano"), help="folder of the resumable state (default build/nano)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda:N (default cpu)")
    parser.add_argument("--eager", action="store_true", help="do not use torch.compile")
    parser.add_argument("--plot", type=Path, default=None, help="file (.svg or .png) for the curves of loss and accuracy; needs matplotlib")
    given = parser.parse_args(arguments)
    settings = SHORT_TRAINING if given.short else TRAINING
    chosen = {name: value for name, value in (("steps", given.steps), ("seed", given.seed)) if value is not None}
    settings = replace(settings, **chosen)
    trainer = run(settings, given.work, resume=given.resume, device=given.device, compiled=not given.eager)
    folder = given.out or (given.work / "checkpoint" if given.short else checkpoint_folder())
    save(trainer.model, given.work / "tokenizer", folder)
    if given.plot is not None:
        plot(given.work / "training.json", given.plot)
    sys.stdout.write(f"wrote {folder} after {trainer.seconds / 60:.1f} minutes\n")


if __name__ == "__main__":
    main()
