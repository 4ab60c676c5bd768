"""setup/odoo: `odoo-bin` of this checkout, with database server and paths in place."""

import subprocess

from . import machine, odoo, postgres


def main(arguments: list[str]) -> int:
    """Run odoo-bin with these arguments in the foreground."""
    machine.system_packages({"postgresql": postgres.present()})
    machine.python_environment("requirements.txt")
    root = odoo.prepare()
    with postgres.running() as cluster:
        server = odoo.Odoo(root, cluster)
        server.template()
        # In our own group: the terminal (and Ctrl-C) belongs to it.
        return subprocess.call([str(part) for part in server.command(*arguments)], env=server.environment())
