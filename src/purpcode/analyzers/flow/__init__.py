"""Our own analysis of Python: values followed from where outside data enters to where it harms.

In goes a program; out come findings of the rules in `rules/`, one file each. `library/` says what
frameworks do; the other modules interpret programs abstractly."""
