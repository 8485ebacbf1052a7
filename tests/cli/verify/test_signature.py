"""A reviewer learns who signed a report, and that nobody did if its text, its signature or the list of signers says so; with real keys."""

import json
import os
import shutil
import subprocess

import pytest
from typer.testing import CliRunner

from pytest_unicomp import report
from pytest_unicomp.api.errors import InfrastructureError, UsageProblem
from pytest_unicomp.cli import app
from pytest_unicomp.cli.verify import exit_code, signature_lines
from pytest_unicomp.cli.verify.signature import signature_answer
from pytest_unicomp.report import ssh_signature
from tests.report.toy_report import small

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
CONTENT = b'{"verdict": "pass"}\n'


def make_key(path, passphrase=""):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "", "-f", str(path)], check=True, timeout=60)
    return path


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    return {name: make_key(folder / name) for name in ("ann", "bob")}


def public(key):
    return key.with_name(f"{key.name}.pub").read_text().strip()


@pytest.fixture
def signed(tmp_path, keys):
    """Return the paths of Ann's signature of the content, and of a list that lets her sign."""
    signature, allowed = tmp_path / "gate.json.sig", tmp_path / "signers"
    signature.write_text(ssh_signature.sign(CONTENT, keys["ann"]))
    allowed.write_text(f"ann@example.org {public(keys['ann'])}\n")
    return signature, allowed


def test_the_signer_is_named(signed):
    found = signature_answer(CONTENT, *signed)
    assert (found.state, found.note) == ("as_reported", "the report was signed by ann@example.org")
    assert signature_lines([found], signed[0]) == ["unicomp: the report was signed by ann@example.org"]


def flipped(place):
    """Return the content with one bit changed."""
    return CONTENT[:place] + bytes([CONTENT[place] ^ 1]) + CONTENT[place + 1 :]


@pytest.mark.parametrize(
    "content", [b"", CONTENT[:-1], CONTENT + b" ", *(flipped(place) for place in (0, len(CONTENT) // 2, len(CONTENT) - 1))]
)
def test_a_report_that_was_edited_cut_or_extended_after_signing_is_changed(signed, content):
    found = signature_answer(content, *signed)
    assert (found.state, exit_code([found])) == ("changed", 1)


def test_a_key_that_is_not_listed_signed_for_nobody(signed, keys):
    signature, allowed = signed
    signature.write_text(ssh_signature.sign(CONTENT, keys["bob"]))
    found = signature_answer(CONTENT, signature, allowed)
    assert found.state == "differs"
    assert "does not list" in found.note
    assert exit_code([found]) == 1


@pytest.mark.parametrize("restriction", ['namespaces="git"', 'valid-before="20200101"'])
def test_a_listed_key_that_may_not_sign_reports_is_refused(signed, keys, restriction):
    signature, allowed = signed
    allowed.write_text(f"ann@example.org {restriction} {public(keys['ann'])}\n")
    assert signature_answer(CONTENT, signature, allowed).state == "differs"


def test_a_signature_made_for_something_else_does_not_count(signed, keys):
    signature, allowed = signed
    words = ["ssh-keygen", "-Y", "sign", "-f", str(keys["ann"]), "-n", "git"]
    signature.write_bytes(subprocess.run(words, input=CONTENT, capture_output=True, check=True, timeout=60).stdout)
    assert signature_answer(CONTENT, signature, allowed).state == "changed"


@pytest.mark.parametrize("text", ["", "no signature", "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n", None])
def test_a_file_that_is_no_signature_is_changed_and_a_pipe_is_not_waited_for(signed, text):
    signature, allowed = signed
    if text is None:
        signature.unlink()
        os.mkfifo(signature)
    else:
        signature.write_text(text)
    assert signature_answer(CONTENT, signature, allowed).state == "changed"


def test_a_signature_that_is_gone_is_missing(signed):
    signature, allowed = signed
    signature.unlink()
    assert exit_code([signature_answer(CONTENT, signature, allowed)]) == 7


@pytest.mark.parametrize("text", ["", "garbage\n", "ann@example.org ssh-ed25519 AAAA\n"])
def test_a_list_without_the_key_lets_nobody_sign(signed, text):
    signature, allowed = signed
    allowed.write_text(text)
    assert signature_answer(CONTENT, signature, allowed).state == "differs"


def test_a_list_that_is_not_there_is_a_usage_error(signed):
    with pytest.raises(UsageProblem, match=r"--allowed-signers .* cannot be read"):
        signature_answer(CONTENT, signed[0], signed[1].with_name("nowhere"))


def test_without_the_program_nothing_was_checked(signed, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    found = signature_answer(CONTENT, *signed)
    assert found.state == "not_checked"
    assert "ssh-keygen is not installed" in found.note


def test_a_program_that_does_not_end_is_stopped(signed, monkeypatch, tmp_path, keys):
    slow = tmp_path / "ssh-keygen"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(ssh_signature, "LONGEST_SIGNING", 0.2)
    monkeypatch.setattr(ssh_signature, "LONGEST_CHECK", 0.2)
    assert signature_answer(CONTENT, *signed).state == "not_checked"
    with pytest.raises(InfrastructureError, match="did not end"):
        ssh_signature.sign(CONTENT, keys["ann"])


def test_a_key_with_a_passphrase_is_refused_in_one_line_and_nothing_is_asked(tmp_path):
    with pytest.raises(UsageProblem, match=r"cannot sign .*ssh-add") as found:
        ssh_signature.sign(CONTENT, make_key(tmp_path / "locked", "a passphrase"))
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("name", ["nowhere", "text"])
def test_what_is_no_key_is_refused_in_one_line(tmp_path, name):
    (tmp_path / "text").write_text("no key\n")
    with pytest.raises(UsageProblem, match=r"there is no key|cannot sign") as found:
        ssh_signature.sign(CONTENT, tmp_path / name)
    assert "\n" not in str(found.value)


def test_the_commands_sign_a_report_and_name_its_signer(tmp_path, keys, signed):
    gate, cache = tmp_path / "gate.json", str(tmp_path / "store")
    report.write(small(), gate)
    signed[0].unlink()
    run = CliRunner().invoke
    assert run(app, ["sign", str(gate), "--key", str(keys["ann"])]).exit_code == 0
    words = ["verify", str(gate), "--cache", cache]
    assert "gate.json.sig was not checked" in run(app, words).output
    assert "signed by ann@example.org" in run(app, [*words, "--allowed-signers", str(signed[1])]).output
    gate.write_text(gate.read_text() + "\n")
    done = run(app, [*words, "--allowed-signers", str(signed[1]), "--json"])
    assert done.exit_code == 1
    assert json.loads(done.output)[-1]["state"] == "changed"
