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
            pdf=f"figures/{PRESET}/{name}.pdf",
            png=report(
                f"figures/{PRESET}/{name}.png",
                caption="../report/figure.rst",
                category=plan.topic(name),
                labels={"figure": name},
            ),
            data=f"figures/{PRESET}/{name}.nc",
            caption=f"figures/{PRESET}/{name}.txt",
            sidecar=f"figures/{PRESET}/{name}.pdf.json",
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
            "python -m symlearn.figures --spec {input.spec:q} --out {output.pdf:q} > {log:q} 2>&1"


rule figures:
    input:
        expand("figures/{preset}/{figure}.pdf", preset=PRESET, figure=FIGURES),
    localrule: True
