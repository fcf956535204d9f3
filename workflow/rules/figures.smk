# One rule per figure, named as it is: `snakemake fig4`.
for name, cell in FIGURES.items():

    rule:
        name:
            name
        input:
            spec=specs.spec_path(Path("results", PRESET), cell),
            data=specs.input_files(Path("results", PRESET), cell.spec),
            code=manifests.manifest_of(Path("results", PRESET), cell.spec),
        output:
            pdf=figure_output(name, "pdf"),
            png=report(
                figure_output(name, "png"),
                caption="../report/figure.rst",
                category=plan.topic(name),
                labels={"figure": name},
            ),
            data=figure_output(name, "data"),
            caption=figure_output(name, "caption"),
            sidecar=figure_output(name, "sidecar"),
        log:
            f"logs/{PRESET}/figures/{name}.log",
        benchmark:
            f"results/{PRESET}/benchmarks/figures/{name}.tsv"
        localrule: True
        conda:
            "../../envs/symlearn.yaml"
        threads: 1
        resources:
            mem_mb=grows(2000),
            runtime=grows(10),
            gpu=0,
        message:
            f"Draw {name}."
        shell:
            "symlearn figures --spec {input.spec:q} --out {output.pdf:q} > {log:q} 2>&1"


rule figures:
    input:
        all_figures("pdf"),
    localrule: True
