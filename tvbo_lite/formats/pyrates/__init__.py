"""PyRates' templates (https://pyrates.readthedocs.io): YAML files of operators, nodes, edges and circuits.

`names` finds the file that a template's name means, `reader` reads it with all that it is derived from
(`model` holds what comes out), `system` takes a circuit apart into parts with plain equations, and
`experiment` writes these as an experiment of the YAML dialect. PyRates itself is not imported.
"""
