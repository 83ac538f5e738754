"""Another program of this folder, on the newest SQLite in place of the one that Python comes with.

python -m tests.benchmarks.migrations.newest_sqlite PROGRAM ARGUMENTS
"""

import runpy
import sys

import pysqlite3
import pysqlite3.dbapi2

if __name__ == "__main__":
    sys.modules |= {"sqlite3": pysqlite3, "sqlite3.dbapi2": pysqlite3.dbapi2}
    del sys.argv[0]
    runpy.run_module(f"tests.benchmarks.migrations.{sys.argv[0]}", run_name="__main__", alter_sys=True)
