# What each figure must show, against what it shows.


rule claims:
    input:
        claims=package_files(*(wing.claims for wing in wings.wings())),
        data=all_figures("data"),
        code=code_of_module("symlearn.tools.claims"),
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
        "Check the claims."
    shell:
        "symlearn claims --claims {input.claims:q} --preset {params.preset} --out {output.csv:q}"
        " {input.data:q} 2> {log:q}"
