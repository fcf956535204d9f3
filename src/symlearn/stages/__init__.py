"""The commands that jobs run, one a stage: from a spec and the files that it names to a file.

`symlearn <stage> --spec S.json --out X.nc`. Orbits have no command and no file: jobs that read them
make them in place, by the module's `compute`. What a stage runs beside its own module (a
computation, a figure, a problem, a data set) it finds by the names in the spec;
`pipeline.specs.modules_of` says so to the rules.
"""
