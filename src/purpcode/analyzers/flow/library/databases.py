"""Database drivers and mappers: connections and cursors of every driver share two names."""

from purpcode.analyzers.flow.library import LibraryModel

_CONNECT = (
    *("psycopg2.connect", "psycopg.connect", "MySQLdb.connect", "pymysql.connect"),
    *("mysql.connector.connect", "pyodbc.connect", "cx_Oracle.connect", "oracledb.connect"),
    *("pymssql.connect", "aiosqlite.connect", "duckdb.connect", "apsw.Connection"),
    *("django.db.connection", "snowflake.connector.connect", "ibm_db_dbi.connect"),
)

MODEL = LibraryModel(
    aliases={
        **{f"{name}()": "db.Connection()" for name in _CONNECT},
        "django.db.connection": "db.Connection()",
        "django.db.connections": "db.Connections()",
        "db.Connection().cursor()": "db.Cursor()",
        "*.cursor()": "db.Cursor()",
        "?cursor": "db.Cursor()",
        "?cur": "db.Cursor()",
        "?self.cursor": "db.Cursor()",
        "?self.cur": "db.Cursor()",
        "?conn": "db.Connection()",
        "?self.conn": "db.Connection()",
        "?connection": "db.Connection()",
        "sqlalchemy.create_engine().connect()": "db.Connection()",
        "sqlalchemy.create_engine().begin()": "db.Connection()",
        "db.Connection().execute()": "db.Cursor()",
        "sqlalchemy.sql.text": "sqlalchemy.text",
        "sqlalchemy.sql.expression.text": "sqlalchemy.text",
    },
    sources={
        "db.Cursor().fetchone()": "stored",
        "db.Cursor().fetchall()": "stored",
        "db.Cursor().fetchmany()": "stored",
    },
    silent=(
        "*.execute",
        "*.executemany",
        "*.executescript",
        "*.filter",
        "*.filter_by",
        "*.find_one",
        "*.find",
        "*.scalar",
        "*.scalars",
        "*.fetchone",
        "*.fetchall",
        "*.fetchmany",
    ),
)
