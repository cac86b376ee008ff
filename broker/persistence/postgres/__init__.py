"""The store in PostgreSQL, for messages and patches; every other table is there too, for whoever reads the database.

`store` is the Store, `known` what a start has to know of it, `line` a connection and when to give it up, `schema` the SQL
worked out from TABLES, `trims` what floors leave to be removed. asyncpg speaks to the server and runs under trio-asyncio
here and nowhere else.
"""
