"""Deserialisers that run what the data says."""

from purpcode.analyzers.flow.code import Call
from purpcode.analyzers.flow.detectors import Flow, Sink, argument_is, calls
from purpcode.analyzers.flow.rule import FlowRule

_SAFE_LOADERS = ("SafeLoader", "CSafeLoader", "BaseLoader", "CBaseLoader")


def _loader_is_unsafe(call: Call) -> bool:
    loader = call.argument(1, "Loader")
    if loader is None:
        return True
    return not any(name.endswith(_SAFE_LOADERS) for name in loader.names)


RULE = FlowRule(
    id="unsafe-deserialization",
    title="Outside data deserialised into any object",
    cwes=(502,),
    severity="high",
    severity_reason="Such data runs code while it is loaded.",
    fix="Use a format that only holds data (json, yaml.safe_load, torch.load(weights_only=True)).",
    reference="https://cwe.mitre.org/data/definitions/502.html",
    detectors=(
        Flow(
            sinks=(
                Sink(
                    (
                        "pickle.load",
                        "pickle.loads",
                        "pickle.Unpickler",
                        "dill.load",
                        "dill.loads",
                        "cloudpickle.load",
                        "cloudpickle.loads",
                        "marshal.load",
                        "marshal.loads",
                        "jsonpickle.decode",
                        "jsonpickle.loads",
                        "shelve.open",
                        "joblib.load",
                        "pandas.read_pickle",
                        "_pickle.load",
                        "pickle5.loads",
                        "torch.load",
                        "yaml.unsafe_load",
                        "yaml.full_load",
                        "yaml.unsafe_load_all",
                    ),
                    (0,),
                ),
                Sink(("numpy.load",), (0, "file"), when=argument_is(None, "allow_pickle", True)),
                Sink(("yaml.load", "yaml.load_all"), (0, "stream"), when=_loader_is_unsafe),
            ),
            what="is deserialised into objects of its choice",
            harmless=("+hmac.compare_digest", "hmac.*", "*.unsign", "+*.verify"),
            severities={"file": "medium", "parameter": "medium"},
        ),
        calls(
            ("ruamel.yaml.YAML",),
            "this loader builds any object the text names",
            argument_is(None, "typ", "unsafe"),
        ),
    ),
    insecure=(
        """
import numpy

def weights(path):
    return numpy.load(path, allow_pickle=True)
""",
        """
import base64
import pickle
from flask import Flask, request

app = Flask(__name__)

@app.route("/load", methods=["POST"])
def load():
    state = pickle.loads(base64.b64decode(request.data))
    return {"keys": len(state)}
""",
        """
import yaml

def read_settings(text):
    return yaml.load(text, Loader=yaml.Loader)
""",
        """
import dill

def restore(connection):
    return dill.loads(connection.recv(4096))
""",
    ),
    secure=(
        """
import numpy

def weights(path):
    return numpy.load(path, allow_pickle=False)
""",
        """
import json
from flask import Flask, request

app = Flask(__name__)

@app.route("/load", methods=["POST"])
def load():
    state = json.loads(request.data)
    return {"keys": len(state)}
""",
        """
import yaml

def read_settings(text):
    return yaml.load(text, Loader=yaml.SafeLoader)
""",
        """
import hashlib
import hmac
import pickle

def restore(key, data, signature):
    expected = hmac.new(key, data, hashlib.sha256).digest()
    if not hmac.compare_digest(expected, signature):
        raise ValueError("bad signature")
    return json_free(data)

def json_free(data):
    return len(data)
""",
    ),
)
