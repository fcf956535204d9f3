# The config, validated, and the jobs that it asks for. Their specs are written here, once; jobs
# read these files and never the config. A job makes one cell or several short ones, and the
# wildcard `cell` is its name.
import sys
from functools import cache
from pathlib import Path

from symlearn import config as config_model
from symlearn import plan, wings
from symlearn.errors import SymlearnError
from symlearn.pipeline import manifests, outputs, paths, running, scheduling, specs, submission
from symlearn.pipeline.closure import ROOT
from symlearn.pipeline.yaml_files import read_yaml
from symlearn.tools.bundle.contents import bundled_project
from symlearn.tools.page_files import files_of_account, files_of_page

scheduling.wake_once()
# As a module of another workflow with a `prefix`, Snakemake puts that before the paths of rules;
# what is read and written here lies there too.
PREFIXED = workflow.modifier.path_modifier.replace_prefix


def results_of(preset):
    """The folder of a preset's results, from the working folder."""
    return Path(PREFIXED(f"results/{preset}"))


if workflow.remote_exec:
    # A submitted job: its spec says all that it needs. The config may have been edited since.
    PRESET, FIGURES = config["preset"], {}
    DATA_ROOT = config_model.expanded(config.get("data_root"))
else:
    try:
        for configfile in workflow.configfiles:
            read_yaml(Path(configfile))  # a key written twice is an error
        CONFIG = config_model.parse(config, ", ".join(map(str, workflow.configfiles)) or "config")
        FIGURES = plan.figures(CONFIG, plan.wanted(sys.argv[1:]))
        PRESET, DATA_ROOT = CONFIG.preset, CONFIG.data_root
        cells = plan.all_jobs(FIGURES.values())
        for cell in cells:
            specs.write_spec(results_of(PRESET), cell)
            paths.write_path(results_of(PRESET), cell)
        manifests.write_manifests(results_of(PRESET), cells)
    except SymlearnError as error:
        raise WorkflowError(str(error)) from None


def begin():
    """Before the first job: note the run, and end it where no job could be submitted."""
    try:
        running.note_run()
        submission.refuse_vain_submission(workflow.executor_settings)
    except SymlearnError as error:
        raise WorkflowError(str(error)) from None


wildcard_constraints:
    preset=r"[a-z0-9-]+",
    cell=r"[a-z0-9-]+",


def spec_of(stage):
    """The spec file of a rule's job."""
    return f"results/{{preset}}/specs/{stage}/{{cell}}.json"


@cache
def read_spec(preset, stage, cell):
    """A job's spec."""
    return specs.read_spec(results_of(preset) / "specs" / stage / f"{cell}.json")


def inputs_of(stage):
    """An input function: the files that the job's spec names."""

    def files(wildcards):
        spec = read_spec(wildcards.preset, stage, wildcards.cell)
        return specs.input_files(Path("results", wildcards.preset), spec)

    return files


def weights_of(wildcards):
    """The weights of the trained networks that a study reads."""
    spec = read_spec(wildcards.preset, "studies", wildcards.cell)
    return list(dict.fromkeys(specs.weight_files(Path("results", wildcards.preset), spec)))


def threads_of(wildcards):
    """One core, but for the study of speed: those that it measures on, to have them for itself."""
    spec = read_spec(wildcards.preset, "studies", wildcards.cell)
    return max(max(part.get("cores", [1])) for part in specs.parts_of(spec).values())


def code_of(stage):
    """An input function: the hashes of the source files that the job's result depends on."""

    def manifest(wildcards):
        spec = read_spec(wildcards.preset, stage, wildcards.cell)
        return manifests.manifest_of(Path("results", wildcards.preset), spec)

    return manifest


def code_of_module(module):
    """The hashes of the source files of a module that is run for no cell, written here."""
    if not workflow.remote_exec:
        manifests.write_manifest(results_of(PRESET), [module])
    return manifests.manifest_path(Path("results", PRESET), [module])


def package_files(*paths):
    """Files of the package that are no modules."""
    return source_files(ROOT / path for path in paths)


def source_files(files):
    """Files that no rule makes, relative to the working folder if they lie in it."""
    here = Path.cwd()
    # `local`: no prefix is put before them, nor are they looked for in a storage.
    return [local(str(f.relative_to(here) if f.is_relative_to(here) else f)) for f in files]


def figure_output(name, what):
    """A file that a figure's rule makes, by what it is."""
    return str(outputs.figure_files(Path("figures", PRESET), name)[what])


def all_figures(*parts):
    """Files of all figures."""
    return [figure_output(name, what) for name in FIGURES for what in parts]


def closing_output(job):
    """The files of a job that comes after all figures."""
    return [f"figures/{PRESET}/{name}" for name in outputs.CLOSING_JOBS[job]]


def files_for_bundle():
    """What the bundle holds beside the figures: the results that they read, and the project."""
    results = Path("results", PRESET)
    read = {str(f) for cell in FIGURES.values() for f in specs.input_files(results, cell.spec)}
    return sorted(read) + source_files(bundled_project().values())


def data_root(wildcards, output):
    """Where a data set is looked for first, or where images of one's own lie.

    It takes `output` because Snakemake does not rerun a job for such a parameter: a folder that
    moved changes no number.
    """
    own = paths.path_of(Path("results", wildcards.preset), "datasets", wildcards.cell)
    return own or DATA_ROOT or "data"


def grows(amount):
    """A resource that grows with each attempt."""

    def resource(wildcards, attempt):
        return amount * attempt

    return resource
