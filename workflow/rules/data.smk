# Data sets.


rule fetch_dataset:
    input:
        spec=spec_of("datasets"),
        code=code_of("datasets"),
    output:
        data="results/{preset}/datasets/{cell}.nc",
        sidecar="results/{preset}/datasets/{cell}.nc.json",
    log:
        "logs/{preset}/datasets/{cell}.log",
    benchmark:
        "results/{preset}/benchmarks/datasets/{cell}.tsv"
    conda:
        "../../envs/symlearn.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=grows(30),
        gpu=0,
    params:
        root=data_root,
    message:
        "Bring in the data set {wildcards.cell}."
    shell:
        "symlearn datasets --spec {input.spec:q} --out {output.data:q}"
        " --data-root {params.root:q} > {log:q} 2>&1"
