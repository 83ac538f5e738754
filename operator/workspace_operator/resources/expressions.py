"""CEL, without the command line that its package imports: 17 MB and a tenth of a second of every process of ours."""

import sys
import types

sys.modules.setdefault("cel.cli", types.ModuleType("cel.cli", "Left out by workspace_operator.resources.expressions."))

import cel  # noqa: E402 - what it would import has to be in place first

Program = cel.Program
program = cel.compile
