"""How Alembic reaches the store.

`load.engine.upgrade` hands it a connection. A developer names a database that is at the newest revision:
`alembic -x url=postgresql://… revision --autogenerate -m 'what changes'`.
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.schema import CreateSchema

from load.engine import configuration, connect
from load.tables import SCHEMA, metadata


def migrate(connection: Connection) -> None:
    connection.execute(CreateSchema(SCHEMA, if_not_exists=True))  # Alembic keeps its own table there
    context.configure(connection=connection, target_metadata=metadata, **configuration())
    with context.begin_transaction():
        context.run_migrations()


if "connection" in context.config.attributes:
    migrate(context.config.attributes["connection"])
else:
    with connect(context.get_x_argument(as_dictionary=True)["url"]).begin() as opened:
        migrate(opened)
