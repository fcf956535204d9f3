"""Code manifests: what is in them, and when they are written."""

from symlearn.pipeline import manifests
from symlearn.pipeline.closure import ROOT
from symlearn.pipeline.hashes import tree_sha256
from symlearn.pipeline.specs import modules_of

SPEC = {"stage": "figures", "figure": "fig9", "module": "orbits.figures.fig9"}


def test_a_manifest_lists_the_code_of_a_result_by_hash_and_path(tmp_path):
    written = manifests.write_manifest(tmp_path, modules_of(SPEC))
    assert written == manifests.manifest_of(tmp_path, SPEC)
    listed = dict(reversed(line.split("  ")) for line in written.read_text().splitlines())
    figures = "symlearn/papers/orbits/figures"
    assert {"symlearn/stages/figures.py", f"{figures}/fig9.py"} <= listed.keys()
    assert f"{figures}/fig8.py" not in listed
    for name, digest in listed.items():
        assert tree_sha256((ROOT.parent / name).read_text(encoding="utf-8")) == digest


def test_a_manifest_that_holds_is_left_alone_and_another_is_replaced(tmp_path):
    written = manifests.write_manifest(tmp_path, modules_of(SPEC))
    first = written.stat().st_mtime_ns
    manifests.write_manifest(tmp_path, modules_of(SPEC))
    assert written.stat().st_mtime_ns == first
    text = written.read_text()
    written.write_text("of other code\n")
    assert manifests.write_manifest(tmp_path, modules_of(SPEC)).read_text() == text


def test_results_of_other_code_have_other_manifests(tmp_path):
    specs = [
        SPEC,
        {"stage": "figures", "figure": "fig8", "module": "orbits.figures.fig8"},
        {"stage": "studies", "module": "lie.models", "uses": {"networks": ["perceptron"]}},
        {"stage": "studies", "module": "lie.models", "uses": {"networks": ["lenet"]}},
        {"stage": "studies", "module": "lie.models", "uses": {"architectures": ["mlp"]}},
    ]
    assert len({manifests.manifest_of(tmp_path, spec) for spec in specs}) == len(specs)


def test_the_digest_changes_with_the_code(monkeypatch):
    before = manifests.code_digest(["symlearn.tools.claims.form"])
    edited = {"tools/claims/form.py": "0"}
    monkeypatch.setattr(manifests, "code_of", lambda modules: edited)
    assert manifests.code_digest(["symlearn.tools.claims.form"]) != before
