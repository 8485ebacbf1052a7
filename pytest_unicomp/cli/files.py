"""`unicomp check-artifact` and `unicomp prefetch`: checkpoints and data as files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.cli.output import Json, say, show


def check_artifact(
    folder: Annotated[str, typer.Argument(help="checkpoint folder or GGUF file to check")],
    against: Annotated[str, typer.Option(help="the model it was made from: folder, hub id or `nano`")],
    as_json: Json = False,
) -> None:
    """Check a checkpoint's files against its base model.

    The files must be complete, safe, finite and as declared; no model is loaded. Exit code 1 if a check fails.

    Codes are read of compressed-tensors, ModelOpt, GPTQ, AWQ, AutoRound, bitsandbytes and GGUF (docs/formats.md).

    Example: unicomp check-artifact out/w4a16 --against Qwen/Qwen2.5-7B-Instruct
    """
    from pytest_unicomp.checkpoints import checks, gguf, gguf_checks, hub, recognize
    from pytest_unicomp.checkpoints.config_json import read_config, require_regular_files

    found, base = hub.local(folder, None), hub.resolve(against, None)
    if found is not None and found.is_dir():
        require_regular_files(found)
    if gguf.is_gguf(base):
        raise UsageProblem(f"unicomp: --against {against} is a GGUF file; expected the folder or hub id of the model it was made from.")
    if found is not None and gguf.is_gguf(found):
        findings = gguf_checks.inspect(found, base)
    elif found is None or not (found / "config.json").is_file():
        if found is not None:
            recognize.require_weights(found, folder)
        what = "is an adapter, which a gate merges and checks" if found is not None else "holds no config.json"
        raise UsageProblem(f"unicomp: {folder} {what}; expected the folder that save_pretrained wrote, or a GGUF file.")
    else:
        # Without it nothing can be checked; any other file that cannot be read is a finding.
        read_config(found)
        findings = checks.inspect(found, base)
    rows = [finding.model_dump(mode="json") for finding in findings]
    show(rows, as_json, ("status", "check", "found"))
    for finding in findings:
        if finding.status == "fail" and not as_json:
            say(f"{finding.check}: expected {finding.expected}; {finding.action}.")
    raise typer.Exit(1 if any(finding.status == "fail" for finding in findings) else 0)


def prefetch(
    bundle: Annotated[Path, typer.Option(help="folder to fill; give it to a run as --unicomp-bundle")],
    benchmark: Annotated[list[str] | None, typer.Option(help="names or sets, comma-separated, repeatable")] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="hub ids, comma-separated, repeatable; also sentence-embedding models and judges")
    ] = None,
    calibration: Annotated[
        list[str] | None, typer.Option(help="mixtures of calibration text, comma-separated, repeatable: `generic` is the default of a run")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="download nothing: compare the files with the manifest")] = False,
) -> None:
    """Download what runs need into an offline bundle.

    The bundle has a manifest with checksums. Example: unicomp prefetch --benchmark paper --model Qwen/Qwen2.5-7B-Instruct --bundle b
    """
    from pytest_unicomp.cli.commands import prefetch as bundles

    # Read when the hub's client is loaded: it sends nothing but its requests.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    if check:
        problems = bundles.check(bundle)
        typer.echo("\n".join(problems) if problems else f"unicomp: every file in {bundle} is as it was downloaded")
        raise typer.Exit(1 if problems else 0)
    names = [name.strip() for given in benchmark or [] for name in given.split(",") if name.strip()]
    models = [name.strip() for given in model or [] for name in given.split(",") if name.strip()]
    texts = [name.strip() for given in calibration or [] for name in given.split(",") if name.strip()]
    if not names and not models and not texts:
        raise UsageProblem("unicomp: prefetch has nothing to download; expected --benchmark, --model or --calibration.")
    count = bundles.prefetch(bundles.pieces(names, models, texts), bundle, progress=lambda line: typer.echo(f"unicomp: {line}"))
    typer.echo(f"unicomp: {bundle} holds {count} files; give it to a run as --unicomp-bundle={bundle}")
