# Gram matrices of infinite-width networks, and what the studies compute from them.


rule compute_kernel:
    input:
        spec=spec_of("kernels"),
        data=inputs_of("kernels"),
        code=code_of("kernels"),
    output:
        data="results/{preset}/kernels/{cell}.nc",
        sidecar="results/{preset}/kernels/{cell}.nc.json",
    log:
        "logs/{preset}/kernels/{cell}.log",
    benchmark:
        "results/{preset}/benchmarks/kernels/{cell}.tsv"
    conda:
        "../../envs/symlearn.yaml"
    threads: 1
    resources:
        mem_mb=grows(4000),
        runtime=grows(240),
        gpu=0,
    message:
        "Compute the Gram matrices {wildcards.cell}."
    shell:
        "symlearn kernels --spec {input.spec:q} --out {output.data:q} > {log:q} 2>&1"


rule compute_study:
    input:
        spec=spec_of("studies"),
        data=inputs_of("studies"),
        weights=weights_of,
        code=code_of("studies"),
    output:
        data="results/{preset}/studies/{cell}.nc",
        sidecar="results/{preset}/studies/{cell}.nc.json",
    log:
        "logs/{preset}/studies/{cell}.log",
    benchmark:
        "results/{preset}/benchmarks/studies/{cell}.tsv"
    conda:
        "../../envs/symlearn.yaml"
    threads: threads_of
    resources:
        mem_mb=grows(4000),
        runtime=grows(120),
        gpu=0,
    message:
        "Compute the errors {wildcards.cell}."
    shell:
        "symlearn studies --spec {input.spec:q} --out {output.data:q} > {log:q} 2>&1"
