#!/bin/sh
# Run once, when the store's server makes its cluster: the login of a dashboard, which may read the views and no more.
set -eu
psql --set=ON_ERROR_STOP=1 --set=password="$GRAFANA_STORE_PASSWORD" \
  --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" <<'SQL'
CREATE ROLE news_reader NOLOGIN;
CREATE ROLE grafana LOGIN PASSWORD :'password' IN ROLE news_reader;
SQL
