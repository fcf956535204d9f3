# Which symmetries do deep networks learn from data? All figures, from data to claims.
# `snakemake --cores all`, `snakemake --cores all fig4`, `snakemake -n`; more in README.md.
from snakemake.utils import min_version

min_version("9.20")


configfile: "config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/kernels.smk"
include: "workflow/rules/networks.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/sharing.smk"


onstart:
    begin()


rule all:
    default_target: True
    input:
        rules.figures.input,
        rules.judge_claims.output,
    localrule: True
