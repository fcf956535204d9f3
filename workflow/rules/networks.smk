# Networks of finite width, trained.


rule train_networks:
    input:
        spec=spec_of("networks"),
        data=inputs_of("networks"),
        code=code_of("networks"),
    output:
        data="results/{preset}/networks/{cell}.nc",
        weights="results/{preset}/networks/{cell}.safetensors",
        sidecar="results/{preset}/networks/{cell}.nc.json",
    log:
        "logs/{preset}/networks/{cell}.log",
    benchmark:
        "results/{preset}/benchmarks/networks/{cell}.tsv"
    conda:
        "../../envs/symlearn.yaml"
    threads: 1
    resources:
        mem_mb=grows(4000),
        runtime=grows(480),
        # A profile asks for one by `gpu: 1`, and may choose cpu, cuda or mps; auto takes a GPU
        # where there is one.
        gpu=0,
        device="auto",
    message:
        "Train the networks {wildcards.cell}."
    shell:
        "symlearn networks --spec {input.spec:q} --out {output.data:q}"
        " --device {resources.device:q} > {log:q} 2>&1"
