"""Services of language models: what a model writes comes from outside."""

from purpcode.analyzers.flow.library import LibraryModel

_CLIENTS = ("openai.OpenAI()", "openai.AsyncOpenAI()", "openai.AzureOpenAI()")
_CLAUDES = ("anthropic.Anthropic()", "anthropic.AsyncAnthropic()", "anthropic.AnthropicBedrock()")

COMPLETION = "llm.completion"

MODEL = LibraryModel(
    aliases={
        **{f"{one}.chat.completions.create()": f"{COMPLETION}()" for one in _CLIENTS},
        **{f"{one}.responses.create()": f"{COMPLETION}()" for one in _CLIENTS},
        **{f"{one}.completions.create()": f"{COMPLETION}()" for one in _CLIENTS},
        **{f"{one}.messages.create()": f"{COMPLETION}()" for one in _CLAUDES},
        "*.chat.completions.create()": f"{COMPLETION}()",
        "*.chat.completions.parse()": f"{COMPLETION}()",
        "openai.ChatCompletion.create()": f"{COMPLETION}()",
        "openai.Completion.create()": f"{COMPLETION}()",
        "litellm.completion()": f"{COMPLETION}()",
        "litellm.acompletion()": f"{COMPLETION}()",
        "ollama.chat()": f"{COMPLETION}()",
        "ollama.generate()": f"{COMPLETION}()",
        "langchain_openai.ChatOpenAI().invoke()": f"{COMPLETION}()",
        "langchain_anthropic.ChatAnthropic().invoke()": f"{COMPLETION}()",
        "google.generativeai.GenerativeModel().generate_content()": f"{COMPLETION}()",
    },
    sources={f"{COMPLETION}()": "network"},
)
