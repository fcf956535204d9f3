# What each figure must show, against what it shows.


rule claims:
    input:
        claims="claims.yaml",
        data=expand("figures/{preset}/{figure}.nc", preset=PRESET, figure=FIGURES),
        code=code_of_module("symlearn.claims"),
    output:
        csv=f"figures/{PRESET}/claims.csv",
        md=f"figures/{PRESET}/claims.md",
        html=report(
            f"figures/{PRESET}/claims.html",
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
        "python -m symlearn.claims --claims {input.claims:q} --preset {params.preset} --out {output.csv:q}"
        " {input.data:q} 2> {log:q}"
