"""HTTP clients, cloud kits and message services."""

from purpcode.analyzers.flow.library import LibraryModel

_VERBS = ("get", "post", "put", "delete", "patch", "head", "options", "request")

MODEL = LibraryModel(
    aliases={
        "requests.Session()": "requests.Session()",
        "requests.session()": "requests.Session()",
        "requests.sessions.Session()": "requests.Session()",
        "httpx.Client()": "httpx.Client()",
        "httpx.AsyncClient()": "httpx.Client()",
        **{f"requests.api.{verb}": f"requests.{verb}" for verb in _VERBS},
        "six.moves.urllib.request.urlopen": "urllib.request.urlopen",
        "urllib2.urlopen": "urllib.request.urlopen",
        "urllib.urlopen": "urllib.request.urlopen",
        "boto3.Session()": "boto3.session.Session()",
        "boto3.session.Session().client()": "boto3.client()",
        "boto3.session.Session().resource()": "boto3.resource()",
    },
    sources={
        **{f"requests.{verb}()": "network" for verb in _VERBS},
        **{f"requests.Session().{verb}()": "network" for verb in _VERBS},
        **{f"httpx.{verb}()": "network" for verb in _VERBS},
        **{f"httpx.Client().{verb}()": "network" for verb in _VERBS},
        "urllib.request.urlopen()": "network",
    },
)
