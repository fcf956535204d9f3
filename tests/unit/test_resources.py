from pathlib import Path

import pytest

from symlearn.forecast.resources import Rule, main, proposed, report, rules_in, use_of, verdict

ROOT = Path(__file__).parents[2]
RULES = """
rule one:
    benchmark:
        "results/{preset}/benchmarks/one/{cell}.tsv"
    threads: 1
    resources:
        mem_mb=grows(4000),
        runtime=grows(240),


for name in names:

    rule:
        benchmark:
            f"results/{PRESET}/benchmarks/figures/{name}.tsv"
        resources:
            mem_mb=grows(2000),
            runtime=grows(10),


rule nothing:
    input:
        "a",
"""


def benchmark(root, name, seconds, memory):
    path = root / "results/quick/benchmarks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"s\tmax_rss\tcpu_time\n{seconds}\t{memory}\t1\n")


def test_rules_are_read_with_their_benchmarks():
    assert list(rules_in(RULES)) == [
        Rule("one", 4000, 240, "results/*/benchmarks/one/*.tsv"),
        Rule("figures", 2000, 10, "results/*/benchmarks/figures/*.tsv"),
    ]
    assert list(rules_in("")) == []


def test_every_shipped_rule_with_resources_is_read():
    for path in (ROOT / "workflow" / "rules").glob("*.smk"):
        text = path.read_text()
        assert len(list(rules_in(text))) == text.count("mem_mb=")


def test_the_most_that_any_job_took_counts(tmp_path):
    rule = Rule("one", 4000, 240, "results/*/benchmarks/one/*.tsv")
    assert use_of(rule, tmp_path) is None
    benchmark(tmp_path, "one/a.tsv", 60, 100)
    benchmark(tmp_path, "one/b.tsv", 120, "NA")
    use = use_of(rule, tmp_path)
    assert (use.jobs, use.runtime) == (2, 2.0)
    assert use.memory == pytest.approx(104.86, abs=0.01)


@pytest.mark.parametrize(("most", "value"), [(0.0, 5), (3.0, 5), (4.0, 10), (100.0, 150)])
def test_a_proposal_has_a_margin_and_is_round(most, value):
    assert proposed(most, 5) == value


@pytest.mark.parametrize(
    ("declared", "most", "words"),
    [(10, 11.0, "TOO LITTLE, propose 20"), (20, 11.0, "keep"), (240, 1.0, "propose 5"),
     (10, 9.0, "propose 15")],
)  # fmt: skip
def test_values_are_kept_raised_or_lowered(declared, most, words):
    assert verdict(declared, most, 5) == words


def test_the_report_names_rules_that_never_ran(tmp_path):
    rules = tmp_path / "workflow/rules"
    rules.mkdir(parents=True)
    (rules / "some.smk").write_text(RULES)
    benchmark(tmp_path, "one/a.tsv", 60, 5000)
    lines = list(report(tmp_path))
    assert lines[0] == "one: 1 jobs, presets quick"
    assert "TOO LITTLE" in lines[1]
    assert lines[-1].startswith("figures: no benchmark files")


def test_a_folder_without_rules_is_one_line(tmp_path, capsys):
    assert main(["--project", str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("\n") == 1
