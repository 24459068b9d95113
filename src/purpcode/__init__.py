"""purpcode: make code-writing language models cyber-safe, prove it, ship it."""

__version__ = "0.1.0"
