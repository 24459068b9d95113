"""The one door to a language model: embedded weights, a folder, a server, or a script.

In: a model's name and prompts. Out: one completion per prompt, in order.
`open_model` picks the kind from the name; `describe_endpoint` says what would be contacted.
"""

from purpcode.models.model import LanguageModel, Sampling
from purpcode.models.registry import describe_endpoint, open_model

__all__ = ["LanguageModel", "Sampling", "describe_endpoint", "open_model"]
