# What each figure must show, against what it shows. The table is made whatever the outcome, so that
# it can be read; the target `claims` fails if a claim does not turn out as its file lists it.


rule judge_claims:
    input:
        claims=package_files(*(wing.claims for wing in wings.wings())),
        data=all_figures("data"),
        code=code_of_module("symlearn.tools.claims.command"),
        page=source_files(files_of_page("claims")),
    output:
        csv=closing_output("claims")[0],
        md=closing_output("claims")[1],
        html=report(
            closing_output("claims")[2],
            caption="../report/claims.rst",
            category="Claims",
            labels={"table": "all claims"},
        ),
    log:
        f"logs/{PRESET}/claims.log",
    benchmark:
        f"results/{PRESET}/benchmarks/claims.tsv"
    localrule: True
    conda:
        "../../envs/symlearn.yaml"
    threads: 1
    resources:
        mem_mb=grows(1000),
        runtime=grows(5),
        gpu=0,
    params:
        preset=PRESET,
    message:
        "Judge the claims."
    shell:
        "symlearn claims --claims {input.claims:q} --preset {params.preset} --out {output.csv:q}"
        " {input.data:q} 2> {log:q}"


rule claims:
    input:
        table=rules.judge_claims.output.csv,
        beside=[rules.judge_claims.output.md, rules.judge_claims.output.html],
        code=code_of_module("symlearn.tools.claims.command"),
    output:
        closing_output("claims-check"),
    log:
        f"logs/{PRESET}/claims-check.log",
    benchmark:
        f"results/{PRESET}/benchmarks/claims-check.tsv"
    localrule: True
    conda:
        "../../envs/symlearn.yaml"
    threads: 1
    resources:
        mem_mb=grows(1000),
        runtime=grows(5),
        gpu=0,
    params:
        preset=PRESET,
    message:
        "Check that claims turn out as they are listed."
    shell:
        "symlearn claims --check {input.table:q} --preset {params.preset} --out {output:q}"
        " 2> {log:q}"
