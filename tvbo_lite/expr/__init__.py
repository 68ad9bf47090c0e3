"""Mathematical expressions: one tree, several spellings.

`tree` holds the nodes, `lems` reads and writes LEMS's spelling with LEMS's own precedence.
Expressions are parsed into the tree; no text is ever evaluated by Python.
"""
