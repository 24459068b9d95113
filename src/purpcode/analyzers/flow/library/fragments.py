"""Names in fragments without their imports: models answer with parts of files, and the usual names
mean the usual things."""

from purpcode.analyzers.flow.library import LibraryModel

_MODULES = (
    *("os", "sys", "re", "json", "subprocess", "pickle", "yaml", "requests", "hashlib", "random"),
    *("socket", "ssl", "tempfile", "shutil", "sqlite3", "logging", "urllib", "base64", "marshal"),
    *("shlex", "html", "hmac", "secrets", "tarfile", "zipfile", "flask", "jwt", "lxml", "xml"),
    *("httpx", "paramiko", "boto3", "torch", "numpy", "pandas", "ftplib", "telnetlib", "smtplib"),
    *("string", "time", "datetime", "uuid", "glob", "io", "struct", "threading", "asyncio"),
    *("bleach", "markupsafe", "jinja2", "ldap", "ldap3", "dill", "joblib", "shelve", "pathlib"),
    *("argparse", "importlib", "ast", "contextlib", "ctypes", "mimetypes", "aiohttp", "django"),
)
_MEMBERS = {
    "Flask": "flask.Flask",
    "make_response": "flask.make_response",
    "redirect": "flask.redirect",
    "render_template": "flask.render_template",
    "render_template_string": "flask.render_template_string",
    "send_file": "flask.send_file",
    "send_from_directory": "flask.send_from_directory",
    "url_for": "flask.url_for",
    "jsonify": "flask.jsonify",
    "abort": "flask.abort",
    "escape": "markupsafe.escape",
    "Markup": "markupsafe.Markup",
    "HttpResponse": "django.http.HttpResponse",
    "HttpResponseRedirect": "django.http.HttpResponseRedirect",
    "FileResponse": "django.http.FileResponse",
    "mark_safe": "django.utils.safestring.mark_safe",
    "format_html": "django.utils.html.format_html",
    "secure_filename": "werkzeug.utils.secure_filename",
    "urlopen": "urllib.request.urlopen",
    "urlparse": "urllib.parse.urlparse",
    "Popen": "subprocess.Popen",
    "check_output": "subprocess.check_output",
    "Path": "pathlib.Path",
    "etree": "lxml.etree",
    "ET": "xml.etree.ElementTree",
    "np": "numpy",
    "pd": "pandas",
}

MODEL = LibraryModel(
    aliases={
        **{f"?{name}": name for name in _MODULES},
        **{f"?{name}": known for name, known in _MEMBERS.items()},
    }
)
