# The figures as one page, and as one archive that redraws them. Only made when asked for.


rule gallery:
    input:
        pdf=expand("figures/{preset}/{figure}.pdf", preset=PRESET, figure=FIGURES),
        beside=expand(
            "figures/{preset}/{figure}.{suffix}",
            preset=PRESET,
            figure=FIGURES,
            suffix=["png", "txt", "pdf.json"],
        ),
        claims=f"figures/{PRESET}/claims.csv",
        code=code_of_module("symlearn.gallery.__main__"),
        page=package_files("gallery/gallery.html", "gallery/gallery.css", "gallery/gallery.js"),
    output:
        f"figures/{PRESET}/gallery.html",
    log:
        f"logs/{PRESET}/gallery.log",
    benchmark:
        f"results/{PRESET}/benchmarks/gallery.tsv"
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
        "Make the gallery."
    shell:
        "python -m symlearn.gallery {input.pdf:q} --preset {params.preset} --claims {input.claims:q}"
        " --out {output:q} > {log:q} 2>&1"


rule bundle:
    input:
        pdf=expand("figures/{preset}/{figure}.pdf", preset=PRESET, figure=FIGURES),
        claims=rules.claims.output,
        rest=files_for_bundle(),
    output:
        f"figures/{PRESET}/bundle.zip",
    log:
        f"logs/{PRESET}/bundle.log",
    benchmark:
        f"results/{PRESET}/benchmarks/bundle.tsv"
    localrule: True
    conda:
        "../../envs/symlearn.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=grows(5),
        gpu=0,
    params:
        preset=PRESET,
    message:
        "Pack the bundle."
    shell:
        "python -m symlearn.bundle pack {input.pdf:q} --preset {params.preset} --out {output:q}"
        " > {log:q} 2>&1"
