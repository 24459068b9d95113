"""Functions that a cloud calls with an event: what is in the event comes from outside."""

from purpcode.analyzers.flow.library import LibraryModel

MODEL = LibraryModel(
    handlers=("functions_framework.http", "functions_framework.cloud_event", "*.function_name"),
    request_parameters=(),
)
