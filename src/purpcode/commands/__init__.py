"""One file per group of commands: thin functions that the command line registers."""
