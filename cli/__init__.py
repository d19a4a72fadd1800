"""The command `swa`: parse, one call into the library, print. Typer, rich and exit codes live only here."""
