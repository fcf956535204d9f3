# Data sets, and the orbits of seed images drawn from them.


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


rule build_orbits:
    input:
        spec=spec_of("orbits"),
        data=inputs_of("orbits"),
        code=code_of("orbits"),
    output:
        data="results/{preset}/orbits/{cell}.nc",
        sidecar="results/{preset}/orbits/{cell}.nc.json",
    log:
        "logs/{preset}/orbits/{cell}.log",
    benchmark:
        "results/{preset}/benchmarks/orbits/{cell}.tsv"
    conda:
        "../../envs/symlearn.yaml"
    threads: 1
    resources:
        mem_mb=grows(3000),
        runtime=grows(30),
        gpu=0,
    message:
        "Make the orbits {wildcards.cell}."
    shell:
        "symlearn orbits --spec {input.spec:q} --out {output.data:q} > {log:q} 2>&1"
