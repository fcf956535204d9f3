# The figures as one page, and as one archive that redraws them. Only made when asked for.


rule gallery:
    input:
        pdf=all_figures("pdf"),
        beside=all_figures("png", "caption", "sidecar"),
        claims=closing_output("claims")[0],
        code=code_of_module("symlearn.tools.gallery.command"),
        account=source_files(files_of_account()),
        page=source_files(files_of_page("gallery")),
    output:
        closing_output("gallery"),
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
        "symlearn gallery {input.pdf:q} --preset {params.preset} --claims {input.claims:q}"
        " --out {output:q} > {log:q} 2>&1"


rule bundle:
    input:
        pdf=all_figures("pdf"),
        claims=rules.judge_claims.output,
        rest=files_for_bundle(),
    output:
        closing_output("bundle"),
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
        "symlearn bundle pack {input.pdf:q} --preset {params.preset} --out {output:q}"
        " > {log:q} 2>&1"
